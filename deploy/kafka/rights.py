"""Who may do what in Kafka: from here come the local broker's lists, the chart's users and docs/connections.md.

One user per process that uses Kafka. An api has none: it never talks to Kafka.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from deploy.local.state import process_name
from services.mentoring.handlers import ReplicaApplier
from services.mentoring.settings import REPLICA_GROUP
from services.registry.handlers import AttestationApplier
from services.registry.settings import ATTESTATION_GROUP
from services.reporting.projections.applier import SetApplier
from services.reporting.store import group_of
from shared.consumer.host import watermark_group
from shared.contracts.catalogue import TOPICS, WATERMARK, Topic, topics_of


class Resource(StrEnum):
    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DELETE = "Delete"


@dataclass(frozen=True)
class Right:
    """`is_prefix`: for every resource whose name begins so."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    is_prefix: bool = False


@dataclass(frozen=True)
class User:
    """A process as Kafka knows it."""

    service: str
    role: str
    rights: tuple[Right, ...]

    @property
    def name(self) -> str:
        return process_name(self.service, self.role)


def _relay(service: str) -> User:
    """Writes its own topics and looks at their ends; makes those that are missing; tells how far it is."""
    own = (Operation.CREATE, Operation.DESCRIBE, Operation.READ, Operation.WRITE)
    telling = (Operation.CREATE, Operation.DESCRIBE, Operation.WRITE)
    topics = [Right(Resource.TOPIC, topic.name, own) for topic in topics_of(service)]
    return User(service, "relay", (*topics, Right(Resource.TOPIC, WATERMARK.name, telling)))


def _consumer(service: str, topics: Sequence[Topic], *groups: Right) -> User:
    reading = [Right(Resource.TOPIC, topic.name, (Operation.DESCRIBE, Operation.READ)) for topic in topics]
    return User(service, "consume", (*reading, *groups))


def _group(name: str) -> Right:
    return Right(Resource.GROUP, name, (Operation.READ,))


def _watch(seen: Sequence[User]) -> User:
    """Sees where every log ends and how far every group is, and hears when relays spoke; reads no event."""
    topics = [Right(Resource.TOPIC, topic, (Operation.DESCRIBE,)) for topic in TOPICS]
    hearing = Right(Resource.TOPIC, WATERMARK.name, (Operation.DESCRIBE, Operation.READ))
    groups = [right for user in seen for right in user.rights if right.resource is Resource.GROUP]
    return User("watch", "watch", (*topics, hearing, *(replace(each, operations=_SEEING) for each in groups)))


_SEEING = (Operation.DESCRIBE,)
# Every set of read models has a group of its own, which Kafka is told to forget when nothing follows it any more.
_SETS = Right(Resource.GROUP, group_of(0).removesuffix("0"), (Operation.READ, Operation.DELETE), is_prefix=True)
_OF_SERVICES = (
    _relay("registry"),
    _relay("mentoring"),
    _consumer("registry", AttestationApplier.topics, _group(ATTESTATION_GROUP)),
    _consumer("mentoring", ReplicaApplier.topics, _group(REPLICA_GROUP)),
    _consumer("reporting", (*SetApplier.topics, WATERMARK), _SETS, _group(watermark_group("reporting"))),
)
USERS = (*_OF_SERVICES, _watch(_OF_SERVICES))
