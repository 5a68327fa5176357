"""Positions in the log, kept beside the read models that they belong to. Every function runs in the caller's
transaction; `advancing` is part of a statement that is one.

Topics and groups are named without the prefix. Rows are locked in the order of (topic, partition), by everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import TopicPartition

from shared.consumer.applier import Applier, ForgettingApplier
from shared.contracts.catalogue import topics_of
from shared.statements import Write, shifted

# Pooled or plain: asyncpg's two classes have no common type.
Connection: TypeAlias = Any


class Displaced(Exception):
    """The rows are not where this consumer left them: another one, a retry or a rebuild has moved them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a partition stands. Without `digest` reading begins at the log's beginning, whatever `next_offset` says."""

    history: int | None
    epoch: int | None
    next_offset: int
    digest: bytes | None
    resets: int


@dataclass(frozen=True, slots=True)
class Move:
    """From one place to the next; `passed_over` and `from_lower_history` count the records in between that were
    not applied.
    """

    partition: TopicPartition
    before: Place
    after: Place
    passed_over: int = 0
    from_lower_history: int = 0


# The rows are locked in order before any is changed; the flag that lets a commit return early belongs to this
# transaction only.
_ADVANCE = """
with settled as materialized (select set_config('synchronous_commit', case when $14 then 'on' else 'off' end, true)),
step as materialized (
    select * from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[],
    $9::bigint[], $10::bigint[],
                         $11::bigint[], $12::bigint[], $13::bigint[])
        as s (topic, partition, next_before, resets_before, next_offset, last_digest, history, epoch, resets,
        passed_over, lower)
),
held as materialized (
    select o.topic, o.partition
    from consumer_offset o join step s using (topic, partition)
    where o.consumer_group = $2 and o.next_offset = s.next_before and o.resets = s.resets_before
    order by o.topic, o.partition
    for update of o
)
update consumer_offset o
set next_offset = s.next_offset, last_digest = s.last_digest, history = s.history, epoch = s.epoch, resets = s.resets,
    passed_over = o.passed_over + s.passed_over, from_lower_history = o.from_lower_history + s.lower,
    updated_at = clock_timestamp()
from held h join step s using (topic, partition), settled
where o.consumer_group = $2 and o.topic = h.topic and o.partition = h.partition
"""


def advancing(group: str, moves: Sequence[Move], *, durable: bool = True) -> Write:
    """Returns what moves all rows: the first part of a statement that changes the read model and is a transaction by
    itself. `durable=False` lets it return before it is on disk.
    """
    ordered = sorted(moves, key=lambda move: move.partition)
    arguments = [
        group,
        [move.partition.topic for move in ordered],
        [move.partition.partition for move in ordered],
        [move.before.next_offset for move in ordered],
        [move.before.resets for move in ordered],
        [move.after.next_offset for move in ordered],
        [move.after.digest for move in ordered],
        [move.after.history for move in ordered],
        [move.after.epoch for move in ordered],
        [move.after.resets for move in ordered],
        [move.passed_over for move in ordered],
        [move.from_lower_history for move in ordered],
        durable,
    ]
    return Write(_ADVANCE, arguments, rows=len(ordered))


async def advance(connection: Connection, group: str, moves: Sequence[Move], *, durable: bool = True) -> None:
    """Moves all rows or none: the first statement of a transaction that changes the read model.

    Raises Displaced if a row is not where the caller believes it to be. `durable=False` lets this transaction's
    commit return
    before it is on disk.
    """
    write = advancing(group, moves, durable=durable)
    status = await connection.execute(_ADVANCE_ALONE, *write.arguments)
    if status != f"UPDATE {write.rows}":
        raise Displaced(f"{group}: {status} instead of {write.rows} rows")


_ADVANCE_ALONE = shifted(_ADVANCE, -1)


_CREATE = """
insert into consumer_offset (consumer_group, topic, partition)
select $1, topic, partition from unnest($2::text[], $3::int[]) as p (topic, partition) order by topic, partition
on conflict do nothing
"""
_READ = """
select topic, partition, history, epoch, next_offset, last_digest, resets
from consumer_offset join unnest($2::text[], $3::int[]) as p (topic, partition) using (topic, partition)
where consumer_group = $1
"""


async def places(
    connection: Connection, group: str, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, Place]:
    """Returns where each partition stands; those never read before get a row at the log's beginning."""
    ordered = sorted(partitions)
    columns = [each.topic for each in ordered], [each.partition for each in ordered]
    rows = await connection.fetch(_READ, group, *columns)
    if len(rows) < len(ordered):
        await connection.execute(_CREATE, group, *columns)
        rows = await connection.fetch(_READ, group, *columns)
    return {
        TopicPartition(row["topic"], row["partition"]): Place(
            row["history"], row["epoch"], row["next_offset"], row["last_digest"], row["resets"]
        )
        for row in rows
    }


_LOCK = """
select topic, partition from consumer_offset
where consumer_group = $1 and ($2::text is null or (topic = $2 and partition = $3))
order by topic, partition for update
"""
_TOUCH = """
update consumer_offset set resets = resets + 1, updated_at = clock_timestamp()
where consumer_group = $1 and topic = $2 and partition = $3
"""


async def lock(connection: Connection, group: str, partition: TopicPartition | None = None) -> int:
    """Locks the rows of one partition, or all of the group's, in order; returns how many. Comes before any fact is
    read.
    """
    topic, number = partition or (None, None)
    return len(await connection.fetch(_LOCK, group, topic, number))


async def touch(connection: Connection, group: str, partition: TopicPartition) -> None:
    """Says that facts were changed without reading on: the position rises, and the reader looks at its row again."""
    await connection.execute(_TOUCH, group, partition.topic, partition.partition)


_POSITION = """
select coalesce(sum(resets), 0)::bigint as resets, coalesce(sum(next_offset), 0)::bigint as next_offset
from consumer_offset where consumer_group = $1
"""


async def position(connection: Connection, group: str) -> tuple[int, int]:
    """Returns (sum of resets, sum of next offsets); compared in that order it never goes back."""
    row = await connection.fetchrow(_POSITION, group)
    return row["resets"], row["next_offset"]


_BEGIN_AGAIN = """
update consumer_offset o
set next_offset = 0, last_digest = null, resets = o.resets + 1, updated_at = clock_timestamp(),
    history = case when o.topic = any($2::text[]) then $3 else o.history end,
    epoch = case when o.topic = any($2::text[]) then $4 else o.epoch end
where o.consumer_group = $1
"""
_DROP_PARKED = "delete from parked_record where consumer_group = $1"


async def reset_for_new_history(
    connection: Connection, applier: Applier, publisher: str, history: int, epoch: int
) -> None:
    """Lets a replica forget everything and read all its logs anew, in the caller's transaction.

    After a restore the replica may be ahead of the restored service, so dropping by version would keep what never
    happened.
    `publisher` is the service whose history changed. Raises TypeError if the applier cannot forget: rebuild it
    another way.
    """
    if not isinstance(applier, ForgettingApplier):
        raise TypeError(f"{applier.group} cannot forget: build a new set of read models beside it instead")
    await lock(connection, applier.group)
    await applier.forget(connection)
    names = [topic.name for topic in topics_of(publisher)]
    await connection.execute(_BEGIN_AGAIN, applier.group, names, history, epoch)
    await connection.execute(_DROP_PARKED, applier.group)


_FORGET_GROUP = """
with offsets as (delete from consumer_offset where consumer_group = $1),
parked as (delete from parked_record where consumer_group = $1),
alarms as (delete from consumer_alarm where consumer_group = $1)
delete from consumer_control where consumer_group = $1
"""


async def forget_group(connection: Connection, group: str) -> None:
    """Removes what a retired group has left behind; its consumer must have been stopped."""
    await connection.execute(_FORGET_GROUP, group)
