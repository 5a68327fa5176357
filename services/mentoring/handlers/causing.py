"""Events of mentoring that an event of the registry causes."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from services.mentoring.settings import SERVICE
from shared.consumer.applier import Received
from shared.contracts.envelope import Event, Payload
from shared.contracts.mentoring import SessionState
from shared.ids import new_id

E = TypeVar("E", bound=Event[SessionState])


def caused(
    event: type[E], state: SessionState, version: int, cause: Received, now: datetime, changed: Sequence[str]
) -> E:
    """Returns the event of a locked session; nobody of an office did it, so the service itself is its actor."""
    return event(
        event_id=new_id(),
        type=event.model_fields["type"].default,
        schema_version=1,
        aggregate_id=str(state.id),
        version=version,
        occurred_at=now,
        recorded_at=now,
        office=state.office,
        actor=SERVICE,
        correlation_id=cause.event.correlation_id,
        causation_id=cause.event.event_id,
        payload=Payload[SessionState](state=state, changed=list(changed)),
    )
