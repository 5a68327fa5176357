"""A secure installation: the promise holds on it, and what a process has no right to is refused it, by the servers."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, TopicAuthorizationFailedError

from deploy.kafka.rights import USERS, Operation, Resource, User
from deploy.local.installation import Installation
from deploy.local.protection import Protection
from shared import kafka_admin
from shared.connections import kafka_options
from shared.contracts.catalogue import TOPICS, WATERMARK
from shared.postgres import connect, role_name
from shared.settings import PostgresTls, Settings
from tests.e2e.machine import Machine, wait_for
from tests.e2e.writers import Office, open_offices

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ALL_TOPICS = (*TOPICS, WATERMARK.name)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    installed = Machine(tmp_path_factory.mktemp("plut-secure"))
    try:
        installed.plut("up", "--detach", "--secure", seconds=200)
        open_offices(installed)
        yield installed
    finally:
        installed.down()


@pytest.fixture(scope="module")
def installation(secure: Machine) -> Installation:
    return Installation.open(secure.data_dir)


def test_what_an_office_writes_arrives_and_is_proven(secure: Machine, tmp_path: Path) -> None:
    with Office(secure, "35.76", tmp_path) as office:
        wait_for("a dozen acknowledged writes", lambda: office.acknowledged > 12)
    assert not office.failures
    secure.settle()
    assert secure.check(writers=tmp_path)["ok"]


def test_processes_are_told_their_own_secrets_only(installation: Installation) -> None:
    for program in installation.programs():
        told = installation.environment(program)
        if program.role == "api":
            assert not {"PLUT_KAFKA_USER", "PLUT_KAFKA_PASSWORD", "PLUT_KAFKA_CA_FILE"} & told.keys()
            assert not list(Path(told["PLUT_SECRETS_DIR"]).glob("plut_kafka*"))
        if program.needs_kafka:
            assert told["PLUT_KAFKA_USER"] == program.name.removesuffix(f"-{program.number}")


# Kafka


def settings_of(installation: Installation, user: User, **more: Any) -> Settings:
    own = {"kafka_user": user.name, "kafka_password": installation.protection.password(user.name)}
    return installation.settings("registry", "worker", Settings, **{**own, **more})


def may(user: User, topic: str, operation: Operation) -> bool:
    return any(
        right.resource is Resource.TOPIC and right.name == topic and operation in right.operations
        for right in user.rights
    )


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_nobody_sees_reads_or_writes_what_is_not_its_own(installation: Installation, user: User) -> None:
    settings = settings_of(installation, user)
    seen = [topic for topic in ALL_TOPICS if may(user, topic, Operation.DESCRIBE)]
    assert set(await kafka_admin.partition_counts(settings, seen)) == set(seen)
    for topic in set(ALL_TOPICS) - set(seen):
        with pytest.raises(kafka_admin.KafkaTrouble, match="may not see"):
            await kafka_admin.partition_counts(settings, [topic])
    for topic in seen:
        if not may(user, topic, Operation.WRITE):
            await write_is_refused(settings, topic)
        if not may(user, topic, Operation.READ):
            await read_is_refused(settings, topic)


async def write_is_refused(settings: Settings, topic: str) -> None:
    async with AIOKafkaProducer(**kafka_options(settings), request_timeout_ms=5000) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await asyncio.wait_for(producer.send_and_wait(topic, b"forged", partition=0), 10)


async def read_is_refused(settings: Settings, topic: str) -> None:
    async with AIOKafkaConsumer(**kafka_options(settings), request_timeout_ms=5000) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek(TopicPartition(topic, 0), 0)
        with pytest.raises(TopicAuthorizationFailedError):
            await asyncio.wait_for(consumer.getmany(timeout_ms=5000), 10)


async def test_a_group_is_its_service_s_own(installation: Installation) -> None:
    """Whoever joins another's group takes its partitions away."""
    thief = next(user for user in USERS if user.name == "mentoring-consume")
    topic = next(right.name for right in thief.rights if right.resource is Resource.TOPIC)
    consumer = AIOKafkaConsumer(topic, **kafka_options(settings_of(installation, thief)), group_id="reporting-set-1")
    with pytest.raises(GroupAuthorizationFailedError):
        await asyncio.wait_for(consumer.start(), 10)
    await consumer.stop()


async def test_kafka_refuses_who_does_not_prove_itself(installation: Installation, tmp_path: Path) -> None:
    stranger = Protection(tmp_path / "tls")
    stranger.make()
    relay = USERS[0]
    wrongs: list[dict[str, Any]] = [
        {"kafka_password": "wrong"},
        {"kafka_user": "nobody"},
        {"kafka_security_protocol": "PLAINTEXT"},
        {"kafka_ca_file": stranger.ca_file},
    ]
    for changes in wrongs:
        producer = AIOKafkaProducer(
            **kafka_options(settings_of(installation, relay, **changes)), request_timeout_ms=2000
        )
        with pytest.raises(KafkaConnectionError):
            await asyncio.wait_for(producer.start(), 10)
        await producer.stop()


# Postgres


async def in_schema_of(installation: Installation, service: str, **changes: Any) -> int:
    settings = installation.settings(service, "worker", Settings, **changes)
    connection = await connect(settings, role_name(service, "worker"), schema=service, application="test")
    try:
        return int(await connection.fetchval("select count(*) from outbox"))
    finally:
        await connection.close()


async def refused(attempt: Callable[[], Awaitable[object]], *how: type[Exception]) -> None:
    with pytest.raises(how):
        await attempt()


async def test_postgres_is_reached_by_tls_that_looks_who_answers(installation: Installation, tmp_path: Path) -> None:
    stranger = Protection(tmp_path / "tls")
    stranger.make()
    assert await in_schema_of(installation, "registry") > 0
    assert await in_schema_of(installation, "registry", postgres_host="localhost") > 0
    await refused(
        lambda: in_schema_of(installation, "registry", postgres_sslmode=PostgresTls.DISABLE),
        asyncpg.InvalidAuthorizationSpecificationError,
    )
    await refused(
        lambda: in_schema_of(installation, "registry", postgres_ca_file=stranger.ca_file), ssl.SSLCertVerificationError
    )
    await refused(  # the same server by a name that its certificate does not carry
        lambda: in_schema_of(installation, "registry", postgres_host="127.1"), ssl.SSLCertVerificationError
    )
    await refused(
        lambda: in_schema_of(installation, "registry", postgres_password="wrong"), asyncpg.InvalidPasswordError
    )


async def test_a_server_without_tls_is_not_talked_to(installation: Installation) -> None:
    """Whoever stands between and says that there is no TLS hears no password."""
    bare = installation.postgres.port
    await refused(lambda: in_schema_of(installation, "registry", postgres_port=bare), ConnectionError)


async def test_no_role_reaches_another_service_s_schema(installation: Installation) -> None:
    settings = installation.settings("registry", "worker")
    connection = await connect(settings, "registry_worker", schema="mentoring", application="test")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("select count(*) from mentoring.outbox")
    finally:
        await connection.close()
