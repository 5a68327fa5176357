"""What stands in Kafka, read by a client that knows nothing of the services' consumers."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts import headers as names
from shared.contracts.catalogue import TOPICS
from shared.kafka_admin import bounded, ended_within

_SECONDS = 15.0
_AT_ONCE = 5000


@dataclass
class Contents:
    """How often each event stands in the topics, by its id, and how many records carry none."""

    events: Counter[str] = field(default_factory=Counter)
    nameless: int = 0

    @property
    def duplicates(self) -> int:
        """How many records repeat an event."""
        return self.events.total() - len(self.events)


async def survey(bootstrap: str) -> Contents:
    """Counts everything that stands in the topics of the catalogue. Raises KafkaTrouble."""
    contents = Contents()
    async for record in records(bootstrap):
        ids = [value for name, value in record.headers if name == names.EVENT_ID]
        if ids:
            contents.events[ids[0].decode(errors="replace")] += 1
        else:
            contents.nameless += 1
    return contents


async def records(bootstrap: str) -> AsyncIterator[Any]:
    """Yields every record of the catalogue's topics that stands there now. Raises KafkaTrouble."""
    async with _reader(bootstrap) as consumer:
        places = [TopicPartition(topic.name, number) for topic in TOPICS.values() for number in range(topic.partitions)]
        consumer.assign(places)
        ends: Mapping[TopicPartition, int] = await bounded(consumer.end_offsets(places), "asking for ends", _SECONDS)
        begins = await bounded(consumer.beginning_offsets(places), "asking for beginnings", _SECONDS)
        left = {place for place in places if ends[place] > begins[place]}
        consumer.pause(*(set(places) - left))
        for place in left:
            consumer.seek(place, begins[place])
        while left:
            page = await bounded(consumer.getmany(timeout_ms=1000, max_records=_AT_ONCE), "reading", _SECONDS)
            for found in page.values():
                for record in found:
                    yield record
            for place in list(left):
                if await bounded(consumer.position(place), "asking for a position", _SECONDS) >= ends[place]:
                    left.discard(place)
                    consumer.pause(place)


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await bounded(consumer.start(), "opening a reader", _SECONDS)
        yield consumer
    finally:
        await ended_within(2, consumer.stop())
