"""The latest activity against the outboxes: what is listed happened so, and what a fact was made of lately is listed.

An event that another one of its aggregate overtook may be missing: it may have come too late, or been set aside.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from deploy.check.findings import NEW_HISTORY, Finding, Kind
from deploy.check.reader import Readers
from deploy.check.totals.sums import CURE
from shared.contracts.catalogue import BUSINESS, CONSULTANT, OFFICE, SESSION, TOPICS

_PAGE = 2_000
# Reporting remembers a day longer: what is on the border is not judged.
_JUDGED = timedelta(days=29)
_KINDS: Mapping[str, str] = {
    OFFICE.name: "office",
    BUSINESS.name: "business",
    CONSULTANT.name: "consultant",
    SESSION.name: "session",
}
_PRODUCERS = sorted({TOPICS[topic].service for topic in _KINDS})

_LISTED = """
select event_id, kind, type, aggregate_id, version, office, occurred_at
from happening where set_version = (select version from read_model_pointer) and event_id > $1
order by event_id limit $2
"""
# What the province's administrator does to an office is listed under it; what nobody's office did is not listed.
_SAYS = """
select seq, event_id, topic, type, aggregate_id, version, created_at,
       coalesce(payload ->> 'office', case topic when '{offices}' then aggregate_id end) as office,
       (payload ->> 'occurred_at')::timestamptz as occurred_at
from outbox where {those}
""".replace("{offices}", OFFICE.name)
_THOSE = _SAYS.replace("{those}", "event_id = any($1::uuid[])")
_BACKWARDS = _SAYS.replace("{those}", "seq < $1 order by seq desc limit $2")
# The facts of one kind that were made of these events and are not listed.
_UNLISTED = """
select f.id::text as id, f.event_id from fact_{kind} f, read_model_pointer live
where f.set_version = live.version and f.id = any($1::text[]::{id}[]) and f.event_id = any($2::uuid[])
  and not exists (select from happening h where h.set_version = live.version and h.event_id = f.event_id)
"""


async def compare(readers: Readers) -> AsyncIterator[list[Finding]]:
    """Yields, page by page, what is listed and did not happen so, and what happened lately and is not listed."""
    after = UUID(int=0)
    while rows := await _fetch(readers, "reporting", _LISTED, after, _PAGE):
        yield await _untrue(readers, rows)
        after = rows[-1]["event_id"]
    for producer in _PRODUCERS:
        async for events in _recent(readers, producer):
            for topic, kind in _KINDS.items():
                yield await _unlisted(readers, kind, [event for event in events if event["topic"] == topic])


async def _untrue(readers: Readers, rows: Sequence[Any]) -> list[Finding]:
    """The list is read before the outboxes: what it was made of is there by then."""
    ids = [row["event_id"] for row in rows]
    told = {
        event["event_id"]: _as_listed(event)
        for producer in _PRODUCERS
        for event in await _fetch(readers, producer, _THOSE, ids)
    }
    return [_untrue_finding(row, right) for row in rows if (right := told.get(row["event_id"])) != dict(row)]


async def _recent(readers: Readers, producer: str) -> AsyncIterator[Sequence[Any]]:
    """Yields what the outbox has got in the last weeks, the newest first."""
    before = 2**63 - 1
    since = (await _fetch(readers, producer, "select clock_timestamp()"))[0][0] - _JUDGED
    while events := await _fetch(readers, producer, _BACKWARDS, before, _PAGE):
        yield [event for event in events if event["office"] is not None and event["occurred_at"] > since]
        if events[-1]["created_at"] < since:
            return
        before = events[-1]["seq"]


async def _unlisted(readers: Readers, kind: str, events: Sequence[Any]) -> list[Finding]:
    statement = _UNLISTED.format(kind=kind, id="text" if kind == "office" else "uuid")
    named = ([event["aggregate_id"] for event in events], [event["event_id"] for event in events])
    rows = await _fetch(readers, "reporting", statement, *named) if events else []
    return [_finding(row["event_id"], f"it made fact_{kind} {row['id']} lately, and is not listed") for row in rows]


async def _fetch(readers: Readers, service: str, statement: str, *arguments: Any) -> Sequence[Any]:  # noqa: ANN401
    async with readers.instant(service) as connection:
        rows: Sequence[Any] = await connection.fetch(statement, *arguments)
        return rows


def _as_listed(event: Any) -> dict[str, Any]:  # noqa: ANN401  asyncpg's
    names = ("event_id", "type", "aggregate_id", "version", "office", "occurred_at")
    return {"kind": _KINDS.get(event["topic"]), **{name: event[name] for name in names}}


def _words(row: Any) -> str:  # noqa: ANN401
    at = row["occurred_at"].isoformat()
    return f"{row['type']} of {row['kind']} {row['aggregate_id']} version {row['version']} by {row['office']} at {at}"


def _untrue_finding(row: Any, right: Mapping[str, Any] | None) -> Finding:  # noqa: ANN401
    said, cure = ("nothing of it", NEW_HISTORY) if right is None else (_words(right), CURE)
    return _finding(row["event_id"], f"{_words(row)}; the outbox says {said}", cure)


def _finding(event_id: UUID, told: str, cure: str = CURE) -> Finding:
    return Finding(Kind.DIFFERING, f"reporting.happening {event_id}", told, cure)
