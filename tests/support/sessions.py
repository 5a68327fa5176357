"""Events of sessions as mentoring publishes them, and how they come to the registry."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from services.registry.domain.identity import Vault
from services.registry.domain.messages import ClientSecret
from services.registry.handlers import AttestationApplier
from services.registry.settings import ATTESTATION_GROUP
from services.registry.store.messages import kept_secrets
from shared.clock import utc_now
from shared.consumer.applier import Received
from shared.contracts.catalogue import SESSION, AnyEvent
from shared.contracts.envelope import Payload
from shared.contracts.mentoring import (
    SessionBusiness,
    SessionCancelled,
    SessionCompleted,
    SessionConfirmed,
    SessionCorrected,
    SessionState,
)
from shared.ids import new_id
from shared.postgres import Pool, transaction

MOJOKERTO = "35.76"
RECORDER = "stf-konsultan-uji"


def session_state(session: UUID, businesses: Sequence[UUID | str], **changes: Any) -> SessionState:
    told: dict[str, Any] = {
        "id": session,
        "office": MOJOKERTO,
        "day": date(2026, 11, 20),
        "start": time(9, 30),
        "contact_minutes": 90,
        "preparation_minutes": 0,
        "travel_minutes": 0,
        "consultants": [UUID(int=3)],
        "businesses": [SessionBusiness(id=UUID(str(one)), known=True) for one in businesses],
        "field": "production",
        "service": "business_mentoring",
        "channel": "office_visit",
        "state": "completed",
        "confirmable_version": 1,
        **changes,
    }
    return SessionState(**told)


_TYPES: dict[str, type[AnyEvent]] = {
    "completed": SessionCompleted,
    "confirmed": SessionConfirmed,
    "cancelled": SessionCancelled,
    "no_show": SessionCancelled,
}


def told(state: SessionState, version: int = 1, recorded_at: datetime | None = None) -> AnyEvent:
    """Returns the event of a session's state; later versions of a completed one are corrections."""
    kind = SessionCorrected if state.state == "completed" and version > 1 else _TYPES[state.state]
    at = recorded_at or utc_now()
    return kind(
        type=kind.model_fields["type"].default,
        event_id=new_id(),
        schema_version=1,
        aggregate_id=str(state.id),
        version=version,
        occurred_at=at,
        recorded_at=at,
        office=state.office,
        actor=RECORDER,
        correlation_id=new_id(),
        payload=Payload[SessionState](state=state),
    )


async def deliver(worker: Pool, vault: Vault, *events: AnyEvent, now: datetime | None = None) -> None:
    """Hands the events to the registry's consumer as one batch."""
    applier = AttestationApplier(ATTESTATION_GROUP, vault, clock=lambda: now or utc_now())
    batch = [Received(SESSION.name, 0, offset, event, None, 0) for offset, event in enumerate(events)]
    async with transaction(worker) as connection:
        await applier.apply(connection, batch)


async def ask_client(worker: Pool, vault: Vault, business: str) -> tuple[str, str]:
    """Asks a business's client about a session; returns the attestation's id and the token that he was sent."""
    await deliver(worker, vault, told(session_state(new_id(), [business])))
    async with transaction(worker) as connection:
        kept = (await kept_secrets(connection, None, utc_now(), 1))[0]
    secret = ClientSecret.unpacked(vault.open_message(kept.attestation.id, kept.person, kept.wrapped, kept.secret))
    return str(kept.attestation.id), secret.token
