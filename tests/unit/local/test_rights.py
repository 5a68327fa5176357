"""The rights in Kafka, said once more by hand: who changes them should have to say so twice."""

from deploy.kafka.rights import USERS, Operation, Resource
from shared.contracts.catalogue import TOPICS


def topics(user: str, operation: Operation) -> set[str]:
    (found,) = (one for one in USERS if one.name == user)
    return {right.name for right in found.rights if right.resource is Resource.TOPIC and operation in right.operations}


def test_there_is_a_user_for_each_process_that_uses_kafka_and_for_no_other() -> None:
    assert {user.name for user in USERS} == {
        "registry-relay",
        "registry-consume",
        "mentoring-relay",
        "mentoring-consume",
        "reporting-consume",
        "watch",
    }


def test_only_a_relay_writes_and_only_what_its_service_publishes() -> None:
    watermark = "platform.watermark.v1"
    for user in USERS:
        assert not topics(user.name, Operation.DELETE)
        own = {name for name, topic in TOPICS.items() if topic.service == user.service} | {watermark}
        for operation in (Operation.WRITE, Operation.CREATE):
            assert topics(user.name, operation) == (own if user.role == "relay" else set())
    assert watermark not in topics("registry-relay", Operation.READ)


def test_consumers_read_what_they_follow() -> None:
    assert topics("watch", Operation.READ) == {"platform.watermark.v1"}
    assert topics("registry-consume", Operation.READ) == {"mentoring.session.v1"}
    assert topics("mentoring-consume", Operation.READ) == {
        "registry.office.v1",
        "registry.business.v1",
        "registry.attestation.v1",
    }
    assert topics("reporting-consume", Operation.READ) == {
        "registry.office.v1",
        "registry.business.v1",
        "mentoring.consultant.v1",
        "mentoring.session.v1",
        "platform.watermark.v1",
    }


def test_every_group_belongs_to_one_service() -> None:
    groups = {
        (right.name, right.is_prefix): user.name
        for user in USERS
        for right in user.rights
        if right.resource is Resource.GROUP and Operation.READ in right.operations
    }
    assert groups == {
        ("registry-attestations", False): "registry-consume",
        ("mentoring-replica", False): "mentoring-consume",
        ("reporting-set-", True): "reporting-consume",
        ("reporting-watermark", False): "reporting-consume",
    }
