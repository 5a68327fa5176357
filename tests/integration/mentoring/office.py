"""What the tests of mentoring say again and again: requests, drafts, and events of the registry."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from services.mentoring import commands
from services.mentoring.domain import Channel, Field, NewConsultant, Occupation, Service, SessionDraft
from services.mentoring.handlers import ReplicaApplier
from services.mentoring.settings import REPLICA_GROUP
from shared.auth.principal import Principal, Role
from shared.commands import Request
from shared.consumer.applier import Received
from shared.contracts.catalogue import TOPIC_OF, AnyEvent
from shared.contracts.registry import (
    AttestationState,
    BusinessClosed,
    BusinessCorrected,
    BusinessRegistered,
    BusinessState,
    OfficeOpened,
    OfficeState,
    SessionAttested,
    SessionDisputed,
)
from shared.postgres import Pool
from tests.support.applying import apply_batch

MOJOKERTO, BATU = "35.76", "35.79"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DAY = date(2026, 11, 20)
HEAD = Principal("stf-head", frozenset({Role.OFFICE_HEAD}), (MOJOKERTO,))
BATU_HEAD = Principal("stf-head-batu", frozenset({Role.OFFICE_HEAD}), (BATU,))


def request(principal: Principal = HEAD, *, key: str | None = None, now: datetime = NOW) -> Request:
    return Request(principal, key or str(uuid4()), b"body", uuid4(), None, now)


def draft(
    consultants: Sequence[UUID],
    businesses: Sequence[UUID],
    *,
    office: str = MOJOKERTO,
    day: date = DAY,
    start: time | None = None,
    minutes: tuple[int, int, int] = (60, 0, 0),
) -> SessionDraft:
    return SessionDraft(
        office,
        Occupation(day, start, *minutes),
        consultants,
        businesses,
        Field.PRODUCTION,
        Service.BUSINESS_MENTORING,
        Channel.OFFICE_VISIT,
    )


async def register_consultant(
    pool: Pool, principal: Principal = HEAD, staff: str | None = None, **changes: Any
) -> UUID:
    told = {
        "office": principal.offices[0],
        "staff": staff or f"stf-{uuid4().hex}",
        "name": "Konsultan Uji",
        "fields": [Field.PRODUCTION],
        "active_from": date(2024, 1, 1),
        **changes,
    }
    answer = await commands.register_consultant(pool, request(principal), NewConsultant(**told))
    return UUID(answer.body["id"])


def business_state(business: UUID, **changes: Any) -> BusinessState:
    told = {
        "id": business,
        "trade_name": "Batik Uji",
        "kinds": ["umkm", "ikm"],
        "kelurahan": "35.79.01.1001",
        "home_office": BATU,
        "status": "active",
        "registered_on": DAY,
        **changes,
    }
    return BusinessState(**told)


def _event(kind: type[AnyEvent], key: str, version: int, state: Any, office: str) -> AnyEvent:
    return kind.model_validate(
        {
            "event_id": uuid4(),
            "type": kind.model_fields["type"].default,
            "schema_version": 1,
            "aggregate_id": key,
            "version": version,
            "occurred_at": NOW,
            "recorded_at": NOW,
            "office": office,
            "actor": "stf-desk",
            "correlation_id": uuid4(),
            "payload": {"state": state},
        }
    )


def registered(business: UUID, version: int = 1, **changes: Any) -> AnyEvent:
    return _event(BusinessRegistered, str(business), version, business_state(business, **changes), BATU)


def corrected(business: UUID, version: int, **changes: Any) -> AnyEvent:
    return _event(BusinessCorrected, str(business), version, business_state(business, **changes), BATU)


def closed(business: UUID, version: int) -> AnyEvent:
    return _event(
        BusinessClosed, str(business), version, business_state(business, status="closed", closed_on=DAY), BATU
    )


def opened(code: str = MOJOKERTO, opened_on: date = date(2023, 12, 1), version: int = 1) -> AnyEvent:
    return _event(OfficeOpened, code, version, OfficeState(code=code, name=f"PLUT {code}", opened_on=opened_on), code)


def said(session: UUID, business: UUID, confirmable_version: int = 1, *, disputed: bool = False) -> AnyEvent:
    """A client's answer, as the registry tells it."""
    kind, outcome = (SessionDisputed, "disputed") if disputed else (SessionAttested, "attested")
    state = AttestationState(
        id=uuid4(),
        session=session,
        business=business,
        confirmable_version=confirmable_version,
        outcome=outcome,
        method="code",
    )
    return _event(kind, str(state.id), 1, state, MOJOKERTO)


def received(*events: AnyEvent, traceparent: str | None = None) -> list[Received]:
    return [
        Received(TOPIC_OF[event.type].name, 0, offset, event, traceparent, 0) for offset, event in enumerate(events)
    ]


async def apply(worker: Pool, *events: AnyEvent, traceparent: str | None = None) -> None:
    """Delivers the events as one batch, as a consumer does."""
    applier = ReplicaApplier(REPLICA_GROUP, clock=lambda: NOW)
    await apply_batch(worker, applier, received(*events, traceparent=traceparent))


async def published(worker: Pool, session: UUID | str) -> list[dict[str, Any]]:
    """Returns the session's events as the outbox holds them, in the order of their versions."""
    rows = await worker.fetch(
        "select version, type, payload, traceparent from outbox where aggregate_id = $1 order by version", str(session)
    )
    return [dict(row) for row in rows]
