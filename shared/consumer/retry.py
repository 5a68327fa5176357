"""A parked record applied once more, by the consumer whose applier it needs."""

import json
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

from shared.consumer import offsets
from shared.consumer.applier import Applier, Received
from shared.consumer.faults import is_the_records_fault
from shared.consumer.offsets import Place
from shared.consumer.parking import unprintable
from shared.consumer.records import PassedOver, Readable, Record, Unreadable, read
from shared.consumer.writing import describe
from shared.postgres import Pool

Connection: TypeAlias = Any

_ASKED = """
select id, topic, partition from parked_record where consumer_group = $1 and status = 'retry_requested' order by id
limit 50
"""
_IS_ASKED = "select exists (select from parked_record where consumer_group = $1 and status = 'retry_requested')"
_TAKE = """
select log_offset, key, headers::text as headers, value, value_size, recorded_ms,
       (select actor from parked_action where parked_id = p.id and action = 'retry_requested' order by at desc
       limit 1) as actor
from parked_record p where id = $1 and status = 'retry_requested' for update
"""
_APPLIED = """
with done as (
    update parked_record set status = 'applied', tries = tries + 1, closed_at = clock_timestamp(), closed_by = $2
    where id = $1
)
insert into parked_action (parked_id, action, actor) values ($1, 'applied', $2)
"""
_FAILED = """
with failed as (update parked_record set status = 'parked', tries = tries + 1, error = $3 where id = $1)
insert into parked_action (parked_id, action, actor, detail) values ($1, 'retry_failed', $2, $3)
"""


async def is_retry_asked(pool: Pool, group: str) -> bool:
    """Tells whether operators have asked for a record to be tried again."""
    asked: bool = await pool.fetchval(_IS_ASKED, group)
    return asked


async def retry_parked(pool: Pool, applier: Applier) -> list[TopicPartition]:
    """Tries what operators asked for, each in its own transaction; returns the partitions whose position was touched.

    Raises what the database raises when it is not the record's fault: the request stands and is met again.
    """
    touched = []
    for row in await pool.fetch(_ASKED, applier.group):
        partition = TopicPartition(row["topic"], row["partition"])
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            if await _retry(connection, applier, row["id"], partition):
                touched.append(partition)
    return touched


async def _retry(connection: Connection, applier: Applier, number: int, partition: TopicPartition) -> bool:
    """Locks the position first, as everybody who writes facts; tells whether the record took effect."""
    await offsets.lock(connection, applier.group, partition)
    place = (await offsets.places(connection, applier.group, [partition]))[partition]
    row = await connection.fetchrow(_TAKE, number)
    if row is None:
        return False
    wrong = await _try(connection, applier, _record(row, partition), place)
    if wrong is not None:
        await connection.execute(_FAILED, number, row["actor"], wrong)
        return False
    await offsets.touch(connection, applier.group, partition)
    await connection.execute(_APPLIED, number, row["actor"])
    return True


async def _try(connection: Connection, applier: Applier, record: Record | None, place: Place) -> str | None:
    """Returns what is still wrong, or None once the record's effect stands in the transaction."""
    if record is None:
        return "only its beginning was kept, for it is larger than any event may be: skip it"
    reading = read(record, record.topic)
    wrong = _refusal(reading, place)
    if wrong is not None or not isinstance(reading, Readable):
        return wrong
    received = Received(
        record.topic, record.partition, record.offset, reading.event, reading.traceparent, record.timestamp
    )
    try:
        async with connection.transaction():
            await connection.execute("set constraints all immediate")
            await applier.apply(connection, [received])
    except Exception as error:
        if not is_the_records_fault(error):
            raise
        return describe(error)
    return None


def _refusal(reading: Readable | PassedOver | Unreadable, place: Place) -> str | None:
    if isinstance(reading, Unreadable):
        return reading.error
    if isinstance(reading, PassedOver):
        return f"type {reading.type[:80]!r} is still unknown to this version"
    if place.history is not None and reading.history != place.history:
        return f"it belongs to history {reading.history}, and {place.history} is read now: skip it"
    return None


def _record(row: Any, partition: TopicPartition) -> Record | None:  # noqa: ANN401  asyncpg's row
    value = row["value"]
    if value is not None and len(value) < row["value_size"]:
        return None
    headers = tuple((name, unprintable(content)) for name, content in json.loads(row["headers"]))
    return ConsumerRecord(
        partition.topic,
        partition.partition,
        row["log_offset"],
        row["recorded_ms"],
        0,
        row["key"],
        value,
        None,
        -1,
        -1,
        headers,
    )
