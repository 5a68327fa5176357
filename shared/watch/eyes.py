"""What the watch asks of Kafka, by one consumer without a group and one admin client. Each wait is bounded."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import kafka_admin
from shared.connections import kafka_options
from shared.contracts.catalogue import TOPICS, WATERMARK
from shared.kafka_admin import bounded, ended_within
from shared.settings import Settings
from shared.watch.look import Look, Place, Standing

# Relays speak once a second: this reaches back over an hour, so that one that fell silent is found too.
_NEWEST = 8_000
# Groups of others on the same cluster are none of our business, and would be labels without a bound.
_OURS = re.compile(r"(registry|mentoring|reporting)-[a-z0-9-]{1,40}")


class Eyes:
    """Opened anew after every trouble: aiokafka's clients may never recover. Every method raises KafkaTrouble."""

    def __init__(self, settings: Settings, client: Any, consumer: AIOKafkaConsumer) -> None:  # noqa: ANN401  aiokafka has no types
        self._prefix = settings.topic_prefix
        self._client = client
        self._consumer = consumer
        self._topics = [self._prefix + name for name in (*TOPICS, WATERMARK.name)]
        self._watermarks = TopicPartition(self._prefix + WATERMARK.name, 0)

    async def look(self) -> Look:
        topics = await bounded(self._client.describe_topics(self._topics), "asking for topics")
        cluster = await bounded(self._client.describe_cluster(), "asking for brokers")
        places = [(topic["topic"], each["partition"]) for topic in topics for each in topic["partitions"]]
        short = sum(len(each["isr"]) < len(each["replicas"]) for topic in topics for each in topic["partitions"])
        return Look(len(cluster["brokers"]), short, await self._ends(places), await self._groups())

    async def heard(self) -> dict[str, float]:
        """Returns by service when its relays spoke last (seconds since 1970), if they have since the last call."""
        if self._watermarks not in self._consumer.assignment():
            await self._begin_to_listen()
        found = await bounded(self._consumer.getmany(timeout_ms=200), "listening to relays")
        return {
            record.key.decode(): record.timestamp / 1000
            for records in found.values()
            for record in records
            if record.key
        }

    async def _begin_to_listen(self) -> None:
        place = self._watermarks
        beginning = (await bounded(self._consumer.beginning_offsets([place]), "asking where logs begin"))[place]
        end = (await bounded(self._consumer.end_offsets([place]), "asking where logs end"))[place]
        self._consumer.assign([place])
        self._consumer.seek(place, max(beginning, end - _NEWEST))

    async def _ends(self, places: Iterable[Place]) -> dict[Place, int]:
        wanted = [TopicPartition(*place) for place in places]
        if not wanted:
            return {}
        found = await bounded(self._consumer.end_offsets(wanted), "asking where logs end")
        return {(place.topic, place.partition): end for place, end in found.items()}

    async def _groups(self) -> dict[str, Standing]:
        known = await bounded(self._client.list_consumer_groups(), "asking for groups")
        names = sorted(name for name, *_ in known if self._is_ours(name))
        return {name.removeprefix(self._prefix): await self._standing(name) for name in names}

    async def _standing(self, name: str) -> Standing:
        (answer,) = await bounded(self._client.describe_consumer_groups([name]), "asking who is in a group")
        found = await bounded(self._client.list_consumer_group_offsets(name), "asking how far a group is")
        members = len(answer.groups[0][-1])
        return Standing(members, {(place.topic, place.partition): told.offset for place, told in found.items()})

    def _is_ours(self, name: str) -> bool:
        return name.startswith(self._prefix) and _OURS.fullmatch(name.removeprefix(self._prefix)) is not None


@asynccontextmanager
async def open_eyes(settings: Settings) -> AsyncIterator[Eyes]:
    """Yields eyes on a cluster that answers. Raises KafkaTrouble."""
    async with kafka_admin.admin(settings) as client:
        consumer = AIOKafkaConsumer(**kafka_options(settings), enable_auto_commit=False, request_timeout_ms=5000)
        try:
            await bounded(consumer.start(), "looking for a broker")
            yield Eyes(settings, client, consumer)
        finally:
            await ended_within(1, consumer.stop())
