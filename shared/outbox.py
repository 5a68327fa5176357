"""The outbox: an event becomes true in the same transaction as the change that it tells.

The row lock of the aggregate always comes before the insert here: the order of an aggregate's events rests on it.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from aiokafka.partitioner import murmur2

from shared.contracts.catalogue import PARTITIONS, TOPIC_OF, AnyEvent

# The part of a `with` that writes events; its nine parameters come from `parameters`. synchronous_commit is set here,
# not by the caller: an applier that had it off lost published events in every crash.
WRITING_EVENTS = """
durable as (select set_config('synchronous_commit', 'on', true)),
told as (
    insert into outbox
        (event_id, topic, partition, aggregate_id, version, type, payload, traceparent, correlation_id)
    select e.event_id, e.topic, e.partition, e.aggregate_id, e.version, e.type, e.payload, $8, e.correlation_id
    from durable,
         unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::json[], $9::uuid[])
         as e (event_id, topic, partition, aggregate_id, version, type, payload, correlation_id)
)
"""
# The same for those events whose places, from 1, stand in `clear (place)`, an earlier part of the `with`, each with a
# traceparent of its own; and by subscript, for a join of a few rows costs more than they do.
WRITING_CLEAR_EVENTS = """
durable as (select set_config('synchronous_commit', 'on', true)),
told as (
    insert into outbox
        (event_id, topic, partition, aggregate_id, version, type, payload, traceparent, correlation_id)
    select ($1::uuid[])[place], ($2::text[])[place], ($3::smallint[])[place], ($4::text[])[place],
           ($5::bigint[])[place], ($6::text[])[place], ($7::json[])[place], ($8::text[])[place], ($9::uuid[])[place]
    from durable, clear
)
"""
_APPEND = f"with {WRITING_EVENTS} select"


def partition_of(aggregate_id: str) -> int:
    """Returns the partition that every Kafka client gives to this key: murmur2 mod 12."""
    return int((murmur2(aggregate_id.encode()) & 0x7FFFFFFF) % PARTITIONS)


def columns_of(events: Sequence[AnyEvent]) -> list[list[Any]]:
    """Returns the events column by column for unnest: ids, topics, partitions, keys, versions, types, payloads."""
    return [
        [event.event_id for event in events],
        [TOPIC_OF[event.type].name for event in events],
        [partition_of(event.aggregate_id) for event in events],
        [event.aggregate_id for event in events],
        [event.version for event in events],
        [event.type for event in events],
        [event.model_dump_json() for event in events],
    ]


def parameters(events: Sequence[AnyEvent], traceparent: str | None) -> list[Any]:
    """Returns the nine parameters of WRITING_EVENTS; the first is the list of event ids."""
    return [*columns_of(events), traceparent, [event.correlation_id for event in events]]


def clear_parameters(events: Sequence[AnyEvent], traceparents: Sequence[str | None]) -> list[Any]:
    """Returns the nine parameters of WRITING_CLEAR_EVENTS; an event and its traceparent stand at one place."""
    return [*columns_of(events), traceparents, [event.correlation_id for event in events]]


async def append(connection: Any, events: Sequence[AnyEvent], traceparent: str | None = None) -> list[UUID]:  # noqa: ANN401  pooled or plain
    """Writes events in the caller's transaction, which commits synchronously from now on; returns their ids.

    Raises asyncpg.UniqueViolationError if a version of an aggregate is taken: the caller forgot its lock.
    """
    if not events:
        return []
    values = parameters(events, traceparent)
    await connection.execute(_APPEND, *values)
    return list(values[0])
