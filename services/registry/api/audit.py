"""The trail of reads and changes over HTTP."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.registry.store import audit as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import WIB
from shared.http.cursors import Position
from shared.http.fields import Day
from shared.http.requests import offices_to_read, principal_for
from shared.http.wiring import Cursors, OpenPool
from shared.postgres import transaction

router = APIRouter(prefix="/v1")
_ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


class AuditLine(BaseModel):
    """Who did what to which fields of a business, never what stands in them. `person` is whose data was shown."""

    at: datetime
    actor: Annotated[str, Field(examples=["stf-7d0c"])]
    office: Annotated[str, Field(examples=["35.76"])]
    action: Annotated[str, Field(examples=["disclose_owner"])]
    subject: UUID
    person: UUID | None
    fields: Annotated[list[str], Field(examples=[["phone"]])]
    reason: str | None
    correlation_id: UUID


class AuditPage(BaseModel):
    items: list[AuditLine]
    next_cursor: str | None


@router.get("/audit", summary="Jejak baca dan perubahan")
async def read_audit(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_AUDIT))],
    pool: OpenPool,
    cursors: Cursors,
    subject: Annotated[UUID | None, Query(description="ID usaha")] = None,
    office: Annotated[str | None, Query(max_length=10, examples=["35.76"])] = None,
    first: Annotated[Day | None, Query(alias="from", description="Hari pertama, WIB")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Hari terakhir, WIB")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> AuditPage:
    offices = offices_to_read(principal, Action.READ_AUDIT, office)
    span = _span(first, last, cursors.decode(cursor))
    async with transaction(pool, principal.offices) as connection:
        if subject is not None:
            found = await store.list_of_business(connection, subject, office, span, limit + 1)
        else:
            found = await store.list_of_offices(connection, offices, span, limit + 1)
    end = found[limit - 1] if len(found) > limit else None
    more = None if end is None else cursors.encode([end.at.isoformat(), end.id])
    lines = [AuditLine.model_validate(line, from_attributes=True) for line in found[:limit]]
    return AuditPage(items=lines, next_cursor=more)


def _span(first: date | None, last: date | None, place: Position | None) -> store.Span:
    """Business days in WIB as instants; the last day is in it."""
    start = _ALWAYS[0] if first is None else _midnight(first)
    end = _ALWAYS[1] if last is None or last.year >= _ALWAYS[1].year else _midnight(last + timedelta(days=1))
    before = (_ALWAYS[1], 0) if place is None else (datetime.fromisoformat(str(place[0])), int(place[1]))
    return store.Span(start, end, before)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), WIB).astimezone(UTC) if day.year > 1 else _ALWAYS[0]
