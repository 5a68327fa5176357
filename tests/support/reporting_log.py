"""A log in memory and a consumer that reads it for every set, as the real one does: for tests without a broker."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from services.reporting import store
from services.reporting.projections.applier import SetApplier, SetStandsStill
from services.reporting.store import ReadModelSet, Stage
from shared.consumer import watermarks
from shared.consumer.applier import Received
from shared.contracts.catalogue import TOPIC_OF, TOPICS, AnyEvent, topics_of
from shared.contracts.platform import TopicEnd, Watermark
from shared.outbox import partition_of
from shared.postgres import RETRYABLE, Pool
from tests.support.reporting_events import NOW, dealt_to

_PLACES = """
insert into consumer_offset (consumer_group, topic, partition, history, epoch)
select $1, topic, partition, 1, 1 from unnest($2::text[]) as topic, generate_series(0, 11) as partition
where exists (select from read_model_set where version = $3 and state <> 'retired')
on conflict do nothing
"""
_AT = "select next_offset from consumer_offset where consumer_group = $1 and topic = $2 and partition = $3 for update"
_MOVE = "update consumer_offset set next_offset = $4 where consumer_group = $1 and topic = $2 and partition = $3"
_READ_SO_FAR = "select coalesce(sum(next_offset), 0)::bigint from consumer_offset where consumer_group = $1"
_TOPICS = [topic.name for topic in SetApplier.topics]


@dataclass
class Log:
    """Records by topic and partition. `told` counts them."""

    records: dict[tuple[str, int], list[Received]] = field(default_factory=lambda: defaultdict(list))
    told: int = 0

    def write(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            place = (TOPIC_OF[event.type].name, partition_of(event.aggregate_id))
            self.records[place].append(Received(*place, len(self.records[place]), event, None, 0))
            self.told += 1

    @property
    def events(self) -> list[AnyEvent]:
        """All that was written."""
        return [record.event for records in self.records.values() for record in records]


class Consumer:
    """Reads a few records of every partition in turn, for each set that is not retired, and files watermarks."""

    def __init__(self, pool: Pool, log: Log, batch: int = 40) -> None:
        self._pool = pool
        self._log = log
        self._applied = asyncio.Condition()
        self._batch = batch
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._stopping.set()
        await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._file_watermarks()
            for one in await store.sets_to_run(self._pool):
                if one.stage is not Stage.SUMMING:
                    await self._read_for(one)
            async with self._applied:
                self._applied.notify_all()
            await asyncio.sleep(0)

    async def has_read(self, set_version: int = 1) -> None:
        """Waits until a set has read all that stands in the log now."""
        told = self._log.told
        async with asyncio.timeout(60), self._applied:
            while (await self._pool.fetchval(_READ_SO_FAR, store.group_of(set_version)) or 0) < told:
                await self._applied.wait()

    async def _read_for(self, one: ReadModelSet) -> None:
        await self._pool.execute(_PLACES, one.group, _TOPICS, one.version)
        for topic, partition in sorted(self._log.records):
            try:
                await self._step(one, topic, partition)
            except SetStandsStill:
                return
            except RETRYABLE:
                continue

    async def _step(self, one: ReadModelSet, topic: str, partition: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            at = await connection.fetchval(_AT, one.group, topic, partition)
            if at is None:
                return  # the group was forgotten meanwhile
            batch: Sequence[Received] = self._log.records[topic, partition][at : at + self._batch]
            if batch:
                await connection.execute(_MOVE, one.group, topic, partition, at + len(batch))
                await dealt_to(batch, SetApplier(one, lambda: NOW)).apply(connection, batch)

    async def _file_watermarks(self) -> None:
        async with self._pool.acquire() as connection:
            at = await store.database_clock(connection)
            await watermarks.file(connection, [self._watermark(service, at) for service in ("registry", "mentoring")])

    def _watermark(self, service: str, at: object) -> Watermark:
        names = {topic.name for topic in topics_of(service)} & TOPICS.keys()
        ends = [
            TopicEnd(topic=topic, partition=partition, next_offset=len(records))
            for (topic, partition), records in self._log.records.items()
            if topic in names
        ]
        told = {"service": service, "history": 1, "epoch": 1, "fence": 1, "at": at, "ends": ends, "held_back": 0}
        return Watermark.model_validate(told)
