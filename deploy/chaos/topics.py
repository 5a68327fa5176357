"""What stands in Kafka, read by a client that knows nothing of the services' consumers."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contracts import headers as names
from shared.contracts.catalogue import TOPICS
from shared.kafka_admin import KafkaTrouble, bounded, ended_within

_SECONDS = 15.0
_AT_ONCE = 5000

# By (topic, partition).
Ends = Mapping[tuple[str, int], int]


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


async def ends(bootstrap: str) -> Ends:
    """Returns the offset behind the last record of each partition of the catalogue's topics. Raises KafkaTrouble."""
    async with _reader(bootstrap) as consumer:
        places = [TopicPartition(topic.name, number) for topic in TOPICS.values() for number in range(topic.partitions)]
        found = await bounded(consumer.end_offsets(places), "asking for ends", _SECONDS)
        return {(place.topic, place.partition): end for place, end in found.items()}


async def commit(bootstrap: str, group: str, offsets: Ends) -> None:
    """Sets a group's offsets in Kafka; nobody may be in it. Raises KafkaTrouble."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    try:
        await bounded(consumer.start(), "opening a member", _SECONDS)
        consumer.assign([TopicPartition(*place) for place in offsets])
        told = {TopicPartition(*place): offset for place, offset in offsets.items()}
        await bounded(consumer.commit(told), "setting offsets", _SECONDS)
    finally:
        await ended_within(2, consumer.stop())


async def make_anew(bootstrap: str, topic: str) -> None:
    """Deletes a topic, makes it again, and writes strange records until it is longer than it was."""
    before = max(end for (name, _), end in (await ends(bootstrap)).items() if name == topic)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await bounded(admin.start(), "opening an admin client", _SECONDS)
    try:
        await bounded(admin.delete_topics([topic]), "deleting a topic", _SECONDS)
        await _until_made(admin, topic)
    finally:
        await ended_within(2, admin.close())
    async with producer(bootstrap) as sender:
        for partition in range(TOPICS[topic].partitions):
            for _ in range(before + 20):
                strange = [(names.TYPE, b"SomethingUnheardOf")]
                await bounded(sender.send(topic, b"{}", partition=partition, headers=strange), "filling", _SECONDS)
        await bounded(sender.flush(), "filling a topic", _SECONDS)


@asynccontextmanager
async def producer(bootstrap: str) -> AsyncIterator[Any]:
    """Opens a producer that sends what it is told, up to 6 MB, as no relay would. Raises KafkaTrouble."""
    sender = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=6 << 20)
    try:
        await bounded(sender.start(), "opening a producer", _SECONDS)
        yield sender
    finally:
        await ended_within(2, sender.stop())


async def _until_made(admin: Any, topic: str) -> None:  # noqa: ANN401  aiokafka's
    """The relay may be quicker: then the topic is there, made anew all the same."""
    new = NewTopic(topic, TOPICS[topic].partitions, 1, topic_configs={"retention.ms": "-1"})
    until = time.monotonic() + _SECONDS * 2
    while topic not in await bounded(admin.list_topics(), "asking for topics", _SECONDS):
        if time.monotonic() > until:
            raise KafkaTrouble(f"{topic} could not be made again")
        await bounded(admin.create_topics([new]), "making a topic", _SECONDS)
        await asyncio.sleep(0.2)
