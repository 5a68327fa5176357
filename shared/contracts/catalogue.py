"""The catalogue: which topic carries which event types. Everything else about topics is derived from it.

The number of partitions is fixed for ever: another one would move keys and break the order within an aggregate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts import mentoring, registry
from shared.contracts.envelope import Event

AnyEvent = Event[Any]
PARTITIONS = 12


@dataclass(frozen=True)
class Topic:
    """A topic of the published language. `retention_ms` of -1 keeps records for ever."""

    name: str
    service: str
    events: tuple[type[AnyEvent], ...]
    partitions: int = PARTITIONS
    retention_ms: int = -1


OFFICE = Topic("registry.office.v1", "registry", (registry.OfficeOpened, registry.OfficeChanged))
BUSINESS = Topic(
    "registry.business.v1",
    "registry",
    (
        registry.BusinessRegistered,
        registry.BusinessCorrected,
        registry.BusinessClosed,
        registry.BusinessReopened,
        registry.BusinessMoved,
    ),
)
ATTESTATION = Topic("registry.attestation.v1", "registry", (registry.SessionAttested, registry.SessionDisputed))
CONSULTANT = Topic(
    "mentoring.consultant.v1", "mentoring", (mentoring.ConsultantRegistered, mentoring.ConsultantChanged)
)
SESSION = Topic(
    "mentoring.session.v1",
    "mentoring",
    (
        mentoring.SessionScheduled,
        mentoring.SessionCompleted,
        mentoring.SessionResolved,
        mentoring.SessionCorrected,
        mentoring.SessionCancelled,
        mentoring.SessionConfirmed,
        mentoring.SessionContested,
        mentoring.SessionAccepted,
    ),
)

TOPICS: Mapping[str, Topic] = {topic.name: topic for topic in (OFFICE, BUSINESS, ATTESTATION, CONSULTANT, SESSION)}
WATERMARK = Topic("platform.watermark.v1", "platform", (), partitions=1, retention_ms=86_400_000)

EVENT_TYPES: Mapping[str, type[AnyEvent]] = {
    str(event.model_fields["type"].default): event for topic in TOPICS.values() for event in topic.events
}
TOPIC_OF: Mapping[str, Topic] = {
    str(event.model_fields["type"].default): topic for topic in TOPICS.values() for event in topic.events
}


def topics_of(service: str) -> tuple[Topic, ...]:
    """Returns the topics that a service publishes, in the catalogue's order."""
    return tuple(topic for topic in TOPICS.values() if topic.service == service)


def parse(event_type: str, value: bytes | str) -> AnyEvent | None:
    """Returns the event, or None for a type that this version does not know (to be passed over).

    Raises pydantic.ValidationError if the value is not what its type promises.
    """
    contract = EVENT_TYPES.get(event_type)
    if contract is None:
        return None
    event: AnyEvent = contract.model_validate_json(value)
    # Which fields were told is of no use to a reader, and takes a fifth of the memory of thousands of events.
    for part in (event, event.payload, event.payload.state):
        part.model_fields_set.clear()
    return event
