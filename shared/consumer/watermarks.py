"""What relays say of themselves, filed, and how fresh a read model is by it.

A group is as of the newest instant whose end offsets all its rows have reached; so a quiet hour is fresh, and a
dead relay is seen
though nothing lags.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import structlog
from aiokafka import TopicPartition
from pydantic import ValidationError

from shared.consumer.placing import Placer
from shared.consumer.records import Record
from shared.contracts.platform import Watermark
from shared.postgres import Pool

Connection: TypeAlias = Any

# Relays write once a second: this many reach back over an hour, so that also a service whose relay rests is found.
_NEWEST = 8_000
_PRUNE_SECONDS = 60.0

_FILE = """
with incoming as (
    select i.* from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[],
    $7::bigint[])
        as i (service, history, epoch, fence, at, ends, held_back)
),
highest as (
    select distinct on (service) service, history, epoch, fence
    from (select service, history, epoch, fence from watermark union all select service, history, epoch, fence from
    incoming) w
    order by service, history desc, epoch desc, fence desc
),
void as (
    delete from watermark w using highest h
    where w.service = h.service and (w.history, w.epoch) < (h.history, h.epoch)
)
insert into watermark (service, history, epoch, fence, at, ends, held_back)
select i.service, i.history, i.epoch, i.fence, i.at, i.ends::jsonb, i.held_back
from incoming i join highest h using (service)
where (i.history, i.epoch) = (h.history, h.epoch)
  and i.fence >= coalesce((select max(fence) from watermark w where (w.service, w.history, w.epoch) = (i.service,
  i.history, i.epoch)), 0)
on conflict (service, at) do update
set history = excluded.history, epoch = excluded.epoch, fence = excluded.fence, ends = excluded.ends, held_back =
excluded.held_back
where (watermark.history, watermark.epoch, watermark.fence) < (excluded.history, excluded.epoch, excluded.fence)
"""
# All of the last ten minutes, one a minute for a day: a read model that lags for hours still knows how old it is.
_PRUNE = """
delete from watermark w
using (select service, max(at) as newest from watermark group by service) n
where w.service = n.service and w.at < n.newest and (
    w.at < n.newest - interval '1 day'
    or (w.at < n.newest - interval '10 minutes' and exists (
        select from watermark earlier
        where earlier.service = w.service and earlier.at < w.at and date_trunc('minute', earlier.at) =
        date_trunc('minute', w.at))))
"""
# A row without an epoch has met no event yet, so there is none that it could have missed in another log.
_AS_OF = """
select (
    select w.at from watermark w
    where w.service = s.service and not exists (
        select from jsonb_array_elements(w.ends) e
        where (e ->> 2)::bigint > 0
          and exists (select from consumer_offset f where f.consumer_group = $1 and f.topic = e ->> 0)
          and not exists (
              select from consumer_offset o
              where o.consumer_group = $1 and o.topic = e ->> 0 and o.partition = (e ->> 1)::int and o.next_offset
              >= (e ->> 2)::bigint
                and (o.epoch is null or (o.history, o.epoch) = (w.history, w.epoch))))
    order by w.at desc limit 1
) as at
from unnest($2::text[]) as s (service)
"""
_HELD_BACK = """
select coalesce(sum(held_back), 0)::bigint
from (select distinct on (service) held_back from watermark where service = any($1::text[]) order by service, at
desc) newest
"""


async def as_of(connection: Connection, group: str, services: Sequence[str]) -> datetime | None:
    """Returns the instant up to which the group has applied all that these services committed; None if it is not
    known yet.
    """
    return oldest(row["at"] for row in await connection.fetch(_AS_OF, group, list(services)))


def oldest(instants: Iterable[datetime | None]) -> datetime | None:
    """Returns the least of them, or None if any is unknown: one silent service makes the whole uncertain."""
    known = list(instants)
    return None if not known or None in known else min(at for at in known if at is not None)


async def held_back(connection: Connection, services: Sequence[str]) -> int:
    """Returns how many events Kafka refuses for good, by the relays' newest word; their aggregates heal with the
    next event.
    """
    return int(await connection.fetchval(_HELD_BACK, list(services)))


async def file(connection: Connection, watermarks: Sequence[Watermark], prefix: str = "") -> None:
    """Files what relays said; those of a lower (history, epoch, fence) are void."""
    latest: Mapping[tuple[str, datetime], Watermark] = {(each.service, each.at): each for each in watermarks}
    filed = list(latest.values())
    await connection.execute(
        _FILE,
        [each.service for each in filed],
        [each.history for each in filed],
        [each.epoch for each in filed],
        [each.fence for each in filed],
        [each.at for each in filed],
        [
            json.dumps([[end.topic.removeprefix(prefix), end.partition, end.next_offset] for end in each.ends])
            for each in filed
        ],
        [each.held_back for each in filed],
    )


async def prune(connection: Connection) -> None:
    """Drops what no lagging reader needs any more."""
    await connection.execute(_PRUNE)


class WatermarkReader(Placer):
    """Files watermarks as they come. Only the newest matter: it keeps no position and begins near the end of the
    log.
    """

    def __init__(self, group: str, pool: Pool, prefix: str) -> None:
        super().__init__(group)
        self._pool = pool
        self._prefix = prefix
        self._positions: dict[TopicPartition, int] = {}
        self._pruned_at = 0.0

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        return self._positions

    @property
    def cursors(self) -> Mapping[TopicPartition, int]:
        return self._positions

    def forget(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        for partition in list(self._positions) if partitions is None else partitions:
            self._positions.pop(partition, None)

    async def place(self) -> None:
        consumer = self.consumer
        if not self.unplaced or consumer is None:
            return
        try:
            bounds = await self.bounds(consumer, sorted(self.unplaced))
        except Exception as error:  # noqa: BLE001  whatever it was, it is tried again at the next tick
            self._failed(error)
            return
        for partition, (beginning, end) in bounds.items():
            start = max(beginning, end - _NEWEST)
            if self.resume(partition, start):
                self._positions[partition] = start

    async def receive(self, records: Sequence[Record]) -> None:
        self.receiving_since = time.monotonic()
        try:
            await self._file(records)
            self.last_error, self.progressed_at = None, time.monotonic()
        except Exception as error:  # noqa: BLE001  the next batch brings newer ones; these are of no use by then
            self._failed(error)
            await asyncio.sleep(1)
        finally:
            self.receiving_since = None

    async def _file(self, records: Sequence[Record]) -> None:
        watermarks = [each for each in map(read_watermark, records) if each is not None]
        async with self._pool.acquire(timeout=5) as connection:
            if watermarks:
                await file(connection, watermarks, self._prefix)
            if time.monotonic() - self._pruned_at > _PRUNE_SECONDS:
                await prune(connection)
                self._pruned_at = time.monotonic()
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            if partition in self._positions:
                self._positions[partition] = record.offset + 1

    def _failed(self, error: Exception) -> None:
        self.last_error = f"{type(error).__name__}: {error}"[:300]
        structlog.get_logger().warning("watermarks_postponed", group=self.group, error=self.last_error)


def read_watermark(record: Record) -> Watermark | None:
    """Returns what the record says, or None if it says nothing of use: a newer one comes within a second."""
    try:
        return Watermark.model_validate_json(record.value or b"")
    except (ValidationError, ValueError):
        return None
