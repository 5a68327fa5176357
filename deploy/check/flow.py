"""How far the pipeline has come: what relays have published and what consumers have reached.

It tells an event that is on its way from one that was passed by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.check.reader import Readers

# Committed, and neither in the relay's saved snapshot nor in the part of its target that is done.
_UNPUBLISHED = """
select exists (
    select from outbox o, relay_state r
    where (o.xid >= pg_snapshot_xmax(r.snapshot) or o.xid in (select pg_snapshot_xip(r.snapshot)))
      and not pg_visible_in_snapshot(o.xid, r.snapshot) and o.seq <= $1
      and not (r.target is not null and pg_visible_in_snapshot(o.xid, r.target) and o.seq <= r.after_seq)
)
"""
_LAST_SEQ = "select coalesce(max(seq), 0) from outbox"
_TAILS = """
select r.history, r.epoch, r.alarm, t.key as topic, p.key::int as partition, (p.value ->> 0)::bigint as next_offset
from relay_state r left join jsonb_each(r.tails) t on true left join jsonb_each(t.value) p on true
"""
_PUBLISHED = """
select o.aggregate_id, o.version, o.partition, o.event_id::text as event_id,
       pg_visible_in_snapshot(o.xid, r.snapshot)
       or coalesce(pg_visible_in_snapshot(o.xid, r.target) and o.seq <= r.after_seq, false) as published,
       (select h.error from relay_held h where h.seq = o.seq and h.released_at is null) as held
from unnest($2::text[], $3::bigint[]) as wanted (id, version)
join outbox o on o.topic = $1 and o.aggregate_id = wanted.id and o.version = wanted.version
cross join relay_state r
"""
_REACHED = "select topic, partition, history, epoch, next_offset from consumer_offset where consumer_group = $1"
_PARKED = """
select event_id::text as event_id, id, status, error from parked_record
where consumer_group = $1 and event_id = any($2::text[]::uuid[]) and status not in ('healed', 'applied')
"""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A place in the log. A higher history or epoch is another, later log."""

    history: int
    epoch: int
    offset: int


@dataclass(frozen=True, slots=True)
class Published:
    """What the relay knows of an event. `held`: why Kafka refuses it for good."""

    partition: int
    event_id: str
    published: bool
    held: str | None


@dataclass(frozen=True, slots=True)
class Tails:
    """Where the published part of each partition ends, by (topic, partition), as the relay saved it last."""

    ends: Mapping[tuple[str, int], Place]
    alarm: str | None


async def mark(readers: Readers, producers: Iterable[str]) -> dict[str, int]:
    """Returns each producer's last sequence number now: the history that is to be proven."""
    marks = {}
    for service in producers:
        async with readers.instant(service) as connection:
            marks[service] = await connection.fetchval(_LAST_SEQ)
    return marks


async def is_published(readers: Readers, marks: Mapping[str, int]) -> bool:
    """Tells whether the relays have published all that stands up to the marks."""
    for service, seq in marks.items():
        async with readers.instant(service) as connection:
            if await connection.fetchval(_UNPUBLISHED, seq):
                return False
    return True


async def tails(connection: Any) -> Tails:  # noqa: ANN401  asyncpg's
    """Returns the ends of what a service's relay has published."""
    rows = await connection.fetch(_TAILS)
    ends = {
        (row["topic"], row["partition"]): Place(row["history"], row["epoch"], row["next_offset"])
        for row in rows
        if row["next_offset"] is not None
    }
    return Tails(ends, rows[0]["alarm"])


async def published(connection: Any, topic: str, wanted: Sequence[tuple[str, int]]) -> dict[str, Published]:  # noqa: ANN401
    """Returns by aggregate what the relay knows of the wanted (aggregate, version); one version per aggregate."""
    rows = await connection.fetch(_PUBLISHED, topic, [id_ for id_, _ in wanted], [version for _, version in wanted])
    return {
        row["aggregate_id"]: Published(row["partition"], row["event_id"], row["published"], row["held"]) for row in rows
    }


async def reached(connection: Any, group: str) -> dict[tuple[str, int], Place]:  # noqa: ANN401
    """Returns how far a consumer group has read, by (topic, partition); its rows move with its read model."""
    rows = await connection.fetch(_REACHED, group)
    return {
        (row["topic"], row["partition"]): Place(row["history"], row["epoch"], row["next_offset"])
        for row in rows
        if row["history"] is not None
    }


async def parked(connection: Any, group: str, event_ids: Sequence[str]) -> dict[str, str]:  # noqa: ANN401
    """Returns by event why a group set its record aside, where it did."""
    rows = await connection.fetch(_PARKED, group, list(event_ids))
    return {row["event_id"]: f"its record is {row['status']} as number {row['id']}: {row['error']}" for row in rows}
