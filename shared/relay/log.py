"""Looks at Kafka's side: where the partitions end, what stands at the ends that we know, and what lies beyond them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.connections import kafka_options
from shared.contracts.catalogue import Topic
from shared.kafka_admin import KafkaTrouble, bounded, ended_within
from shared.relay.evidence import Told, event_id_in, told_by
from shared.relay.position import Seen, Tails
from shared.relay.records import Place
from shared.settings import Settings

_QUIET_READS = 20  # of half a second each
Span = tuple[int, int]  # from this offset, up to but not including that


class LogView:
    """A reader of the service's topics without a group: it commits nothing and never resets by itself."""

    def __init__(self, consumer: Any, prefix: str, topics: Sequence[Topic]) -> None:  # noqa: ANN401  aiokafka has no types
        self._consumer = consumer
        self._prefix = prefix
        self._next: dict[Any, int] = {}  # the offset that each partition is to be read from
        self._places = [(topic.name, partition) for topic in topics for partition in range(topic.partitions)]

    async def compare(self, tails: Tails) -> dict[Place, Seen]:
        """Returns each partition's extent, and the event id just before its tail. Raises KafkaTrouble."""
        extents = await self._extents()
        spans = {
            place: (tail.next_offset - 1, tail.next_offset)
            for place, tail in tails.items()
            if place in extents and extents[place][0] < tail.next_offset <= extents[place][1]
        }
        log = {place: Seen(begin, end, None) for place, (begin, end) in extents.items()}
        async for place, records in self._read(spans):
            for record in records:
                told = told_by(place[0], record, 0)
                log[place] = Seen(*extents[place], event_id_in(record), told.history if told else 0)
        return log

    async def beyond(
        self, tails: Tails, log: Mapping[Place, Seen], broken: Iterable[Place], history: int
    ) -> AsyncIterator[list[Told]]:
        """Yields what our records beyond the tails prove; where a tail is broken, all of the partition is beyond."""
        lost = set(broken)
        spans = {
            place: (seen.begin if place in lost or place not in tails else tails[place].next_offset, seen.end)
            for place, seen in log.items()
        }
        async for (topic, _), records in self._read(spans):
            told = [told_by(topic, record, history) for record in records]
            yield [one for one in told if one is not None]

    async def _extents(self) -> dict[Place, Span]:
        partitions = [self._partition(place) for place in self._places]
        begins = await bounded(self._consumer.beginning_offsets(partitions), "asking where the log begins")
        ends = await bounded(self._consumer.end_offsets(partitions), "asking where the log ends")
        return {place: (begins[self._partition(place)], ends[self._partition(place)]) for place in self._places}

    async def _read(self, spans: Mapping[Place, Span]) -> AsyncIterator[tuple[Place, list[Any]]]:
        """Yields the records of the spans, partition by partition as they come."""
        begins = {self._partition(place): begin for place, (begin, end) in spans.items() if begin < end}
        ends = {self._partition(place): end for place, (begin, end) in spans.items() if begin < end}
        if begins:
            self._consumer.assign(list(begins))
        self._next = begins
        self._seek()
        quiet = 0
        while self._next:
            got = await self._some()
            quiet = 0 if got else quiet + 1
            if quiet > _QUIET_READS:
                raise KafkaTrouble("the log cannot be read to its end")
            for partition, records in got.items():
                yield self._place(partition), [record for record in records if record.offset < ends[partition]]
            for partition in [one for one, offset in self._next.items() if offset >= ends[one]]:
                del self._next[partition]
                self._consumer.pause(partition)

    async def _some(self) -> dict[Any, list[Any]]:
        """Returns the next records; an empty list where one was passed over that aiokafka cannot decode."""
        try:
            return await self._poll(list(self._next), 2000)
        except UnicodeDecodeError:
            self._seek()
        for partition in list(self._next):
            try:
                got = await self._poll([partition], 2000)
            except UnicodeDecodeError:
                return {partition: await self._up_to_the_unreadable(partition)}
            if got:
                return got
        return {}

    async def _up_to_the_unreadable(self, partition: Any) -> list[Any]:  # noqa: ANN401  the same
        """A header whose name is not UTF-8 raises in aiokafka, again and again: one by one, and past it."""
        records: list[Any] = []
        self._consumer.seek(partition, self._next[partition])
        while True:
            try:
                records += (await self._poll([partition], 1)).get(partition, [])
            except UnicodeDecodeError:
                self._next[partition] += 1
                self._consumer.seek(partition, self._next[partition])
                return records

    async def _poll(self, partitions: list[Any], limit: int) -> dict[Any, list[Any]]:
        polling = self._consumer.getmany(*partitions, timeout_ms=500, max_records=limit)
        got: dict[Any, list[Any]] = await bounded(polling, "reading the log")
        for partition, records in got.items():
            self._next[partition] = records[-1].offset + 1
        return got

    def _seek(self) -> None:
        for partition, offset in self._next.items():
            self._consumer.seek(partition, offset)

    def _partition(self, place: Place) -> Any:  # noqa: ANN401  the same
        return TopicPartition(self._prefix + place[0], place[1])

    def _place(self, partition: Any) -> Place:  # noqa: ANN401  the same
        return partition.topic.removeprefix(self._prefix), partition.partition


@asynccontextmanager
async def open_log(settings: Settings, topics: Sequence[Topic]) -> AsyncIterator[LogView]:
    """Yields a view of the topics, which must exist. Raises KafkaTrouble."""
    consumer = AIOKafkaConsumer(
        **kafka_options(settings),
        enable_auto_commit=False,
        auto_offset_reset="none",
        request_timeout_ms=5000,
        fetch_max_bytes=8 << 20,
        fetch_max_wait_ms=100,
    )
    try:
        await bounded(consumer.start(), "opening the log")
        yield LogView(consumer, settings.topic_prefix, topics)
    finally:
        await ended_within(1, consumer.stop())
