"""The latest activity: what happened in the last weeks, each event once, forgotten with age."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.reporting.domain import Kind
from shared.contracts.catalogue import AnyEvent
from shared.statements import Write

REMEMBERED = timedelta(days=30)

_INSERT = """
insert into happening (set_version, event_id, type, kind, aggregate_id, version, office, occurred_at)
select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::timestamptz[])
on conflict do nothing
"""
_FORGET = """
delete from happening where ctid = any(array(select ctid from happening where occurred_at < $1 limit 5000))
"""


def write(events: Sequence[tuple[Kind, AnyEvent]], now: datetime) -> list[Write]:
    """Returns what keeps those of the events that are still remembered at `now`; late and doubled ones are none the
    worse.
    """
    since = now - REMEMBERED
    recent = {event.event_id: (kind, event) for kind, event in events if event.occurred_at > since}
    if not recent:
        return []
    rows = [
        (id_, event.type, kind.value, event.aggregate_id, event.version, office, event.occurred_at)
        for id_, (kind, event) in sorted(recent.items())
        if (office := event.office or _own_office(kind, event)) is not None
    ]
    return [Write(_INSERT, list(zip(*rows, strict=True)))] if rows else []


def _own_office(kind: Kind, event: AnyEvent) -> str | None:
    """An office that the province's administrator opened or changed did not act itself; it is what this is about."""
    return event.aggregate_id if kind is Kind.OFFICE else None


async def forget_old(connection: Any, now: datetime) -> int:  # noqa: ANN401  pooled or plain
    """Forgets some of what is remembered no longer, in all sets; returns how many, 0 when there is nothing left."""
    tag = await connection.execute(_FORGET, now - REMEMBERED)
    return int(tag.rsplit(" ", 1)[1])


# Office by office, for the index has each office's in order: all of them together would have to be sorted.
_LATEST = """
select h.event_id, h.type, h.kind, h.aggregate_id, h.version, h.office, h.occurred_at
from unnest($2::text[]) as asked (office) cross join lateral (
    select * from happening
    where set_version = $1 and office = asked.office and (occurred_at, event_id) < ($3, $4::uuid)
    order by occurred_at desc, event_id desc
    limit $5
) h
order by h.occurred_at desc, h.event_id desc
limit $5
"""
_AFTER_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of the last weeks. `type` is its name in the contract, `kind` that of its aggregate."""

    event_id: UUID
    type: str
    kind: str
    aggregate_id: str
    version: int
    office: str
    occurred_at: datetime


async def latest(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    offices: Sequence[str],
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Happening]:
    """Returns what happened last before an (instant, event), newest first; from the newest if that is None."""
    at, event_id = before or _AFTER_ALL
    rows = await connection.fetch(_LATEST, set_version, list(offices), at, event_id, limit)
    return [Happening(**row) for row in rows]
