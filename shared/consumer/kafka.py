"""Reading Kafka through FastStream and aiokafka, every risky default set here and nowhere else (docs/operations.md)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared.connections import kafka_options
from shared.consumer.applier import GATHER
from shared.consumer.records import UNREADABLE, Record
from shared.kafka_admin import bounded, ended_within, partition_counts
from shared.pace import Pace
from shared.settings import Settings

REQUEST_SECONDS = 5.0
# Many come only where a consumer is far behind. Then those of several partitions are worked through together: what they
# have for one day is one row. Two batches are in memory at a time, 9 KiB for an event: with 3000 it was 170 MiB in all.
BATCH_RECORDS = 2000
_POLL_SECONDS = 0.5
# Where many records come, a fetch is put off by some milliseconds, so that a busy hour costs a fetch and a transaction
# for several records and not for each. Else a record is handed over at once, and each fetch waits for it at the broker.
# How long at least and at most is the applier's to say. Who finds so many at a time is behind, and puts off nothing.
_ENOUGH = 250
_SILENCE_MS = 50
_FETCH_BYTES = 4 * 1024 * 1024
_PARTITION_BYTES = 1024 * 1024
# Six seconds is the shortest that brokers allow unless told otherwise: so long a killed consumer keeps its partitions.
_SESSION_MS = 6_000
_HEARTBEAT_MS = 1_500
_GRACE_SECONDS = 5.0

Handler = Callable[[Sequence[Record]], Awaitable[None]]
# The first offset of each partition, and the one behind its last.
Bounds = Mapping[TopicPartition, tuple[int, int]]


class LogConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka is untyped
    """Polls long and says that it does: FastStream's own loop sleeps between short polls, which is latency."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  aiokafka's own
        super().__init__(*args, **options)
        self.polled_at = time.monotonic()
        self.failure: BaseException | None = None
        self.gather = GATHER
        self._next: dict[TopicPartition, int] = {}
        self._silence_ms = int(_POLL_SECONDS * 1000)
        self._gather_seconds = 0.0
        self._pace = Pace(time.monotonic(), time.process_time())

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """Returns as soon as there are records, or nothing after half a second; never hangs, also while a group is
        formed.
        """
        del timeout_ms
        self.polled_at = time.monotonic()
        try:
            return await self._poll(*partitions, max_records=max_records)
        except UnicodeDecodeError:
            return await self._step_to_the_unreadable(max_records or BATCH_RECORDS)
        except Exception as error:
            self.failure = error
            raise

    async def start(self) -> None:
        """Starts it. aiokafka offers no way to put off a fetch, so it is done on the way out.

        The broker can wait too, but each record that comes has it look at all partitions of every fetch that waits.
        """
        await super().start()
        fetch = self._fetcher._proc_fetch_request  # noqa: SLF001  see above

        async def fetch_later(*asked: Any) -> bool:  # noqa: ANN401  aiokafka's own
            try:
                await asyncio.sleep(self._gather_seconds)
            except asyncio.CancelledError:
                return False  # as aiokafka's own answers: its close waits for it, and would be cancelled in our place
            return bool(await fetch(*asked))

        self._fetcher._proc_fetch_request = fetch_later  # noqa: SLF001  see above

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Goes on at this offset."""
        self._next[partition] = offset
        super().seek(partition, offset)

    async def _poll(self, *partitions: TopicPartition, max_records: int | None) -> dict[TopicPartition, list[Record]]:
        try:
            async with asyncio.timeout(_POLL_SECONDS + 1):
                found: dict[TopicPartition, list[Record]] = await super().getmany(
                    *partitions, timeout_ms=self._silence_ms, max_records=max_records
                )
        except TimeoutError:
            return {}
        self._gather(sum(map(len, found.values())))
        for partition, records in found.items():
            self._next[partition] = records[-1].offset + 1
        return found

    def _gather(self, found: int) -> None:
        """Sets how long the next fetches are put off."""
        now = time.monotonic()
        self._pace.note(found, now)
        self._pace.note_spent(time.process_time(), now)
        gather_ms = round(self._pace.wait_ms(self.gather)) if found else 0
        self._gather_seconds = gather_ms / 1000 if found < _ENOUGH else 0.0
        self._silence_ms = _SILENCE_MS if gather_ms else int(_POLL_SECONDS * 1000)

    async def _step_to_the_unreadable(self, limit: int) -> dict[TopicPartition, list[Record]]:
        """aiokafka cannot decode a record whose header's name is not UTF-8, and would never get past it: we name
        it and go on.

        By raising it has lost what it had taken from the other partitions, so each goes back to what was handed
        over last.
        """
        for partition in self._waiting():
            super().seek(partition, self._next[partition])
        for partition in self._waiting():
            records = await self._read_up_to_the_unreadable(partition, limit)
            if records:
                return {partition: records}
        return {}

    def _waiting(self) -> list[TopicPartition]:
        """Returns the partitions that have more than was handed over."""
        ours = self._next.keys() & (self.assignment() - self.paused())
        return sorted(each for each in ours if (self.highwater(each) or 0) > self._next[each])

    async def _read_up_to_the_unreadable(self, partition: TopicPartition, limit: int) -> list[Record]:
        """Returns a partition's next records; where one cannot be decoded, those before it and a stand-in for it."""
        try:
            return (await self._poll(partition, max_records=limit)).get(partition, [])
        except UnicodeDecodeError:
            super().seek(partition, self._next[partition])
        records: list[Record] = []
        while len(records) < limit:
            try:
                found = await self._poll(partition, max_records=1)
            except UnicodeDecodeError:
                offset = self._next[partition]
                self.seek(partition, offset + 1)
                return [*records, _stand_in(partition, offset)]
            if partition not in found:
                break
            records += found[partition]
        return records


def _stand_in(partition: TopicPartition, offset: int) -> Record:
    return ConsumerRecord(
        partition.topic, partition.partition, offset, 0, 0, None, None, None, -1, -1, ((UNREADABLE, b""),)
    )


class _Broker(KafkaBroker):
    """FastStream's broker with our consumer below it, connected as all our clients of Kafka are."""

    def __init__(self, connection: Mapping[str, Any], **options: Any) -> None:  # noqa: ANN401  FastStream's own
        super().__init__(connection["bootstrap_servers"], **options)
        self._client_options = connection

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        builder: Any = await super()._connect()
        ours: Callable[..., AIOKafkaConsumer] = partial(LogConsumer, **{**builder.keywords, **self._client_options})
        self.config.broker_config.builder = ours
        return ours


def create_broker(settings: Settings, client_id: str) -> KafkaBroker:
    """Returns a broker that reads only: no producer, no admin client, no topics made by accident, no hidden logging."""
    return _Broker(
        kafka_options(settings),
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
        metadata_max_age_ms=5_000,
        graceful_timeout=_GRACE_SECONDS,
        apply_types=False,
        logger=None,
    )


def subscribe(
    broker: KafkaBroker, topics: Sequence[str], group: str, listener: ConsumerRebalanceListener, handle: Handler
) -> BatchSubscriber:
    """Returns a subscriber that hands raw batches to `handle`: parsing, retries, offsets and parking are ours."""

    async def parse(records: tuple[Record, ...]) -> KafkaMessage:
        return KafkaMessage(body=b"", headers={}, raw_message=records, consumer=subscriber.consumer or FAKE_CONSUMER)

    # FastStream keeps the message in its context. So does whatever begins in it and outlives it, such as the timer of a
    # statement that asyncpg prepares: by the message alone the records of half a dozen batches would stay in memory.
    async def decode(message: KafkaMessage) -> Any:  # noqa: ANN401  FastStream's own
        records, message.raw_message = message.raw_message, ()
        return [records]

    async def take_out(told: list[tuple[Record, ...]]) -> None:
        await handle(told.pop())

    subscriber = broker.subscriber(
        *topics,
        batch=True,
        group_id=group,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        batch_timeout_ms=1,
        max_records=BATCH_RECORDS,
        fetch_max_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_PARTITION_BYTES,
        session_timeout_ms=_SESSION_MS,
        heartbeat_interval_ms=_HEARTBEAT_MS,
        listener=listener,
        parser=parse,
        decoder=decode,
        persistent=False,
        no_reply=True,
    )
    subscriber(take_out)
    return subscriber


async def stop_subscriber(subscriber: BatchSubscriber, within: float) -> None:
    """Stops it within a bound; what aiokafka leaves hanging without brokers is cut off."""
    consumer = subscriber.consumer
    if not await ended_within(within, subscriber.stop()) and consumer is not None:
        await _abandon(subscriber, consumer)


async def _abandon(subscriber: BatchSubscriber, consumer: AIOKafkaConsumer) -> None:
    """A stop that was given up left everything as it was where it hung: the batch that is worked on, and, worse, a
    member of the group that goes on to be dealt partitions and reads none of them.
    """
    for task in subscriber.tasks:
        task.cancel()
    await ended_within(1, consumer.stop())
    for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task"):
        hanging = getattr(consumer._coordinator, name, None)  # noqa: SLF001  there is no other way to what hangs
        if hanging is not None:
            hanging.cancel()
    for part in (consumer._fetcher, consumer._client):  # noqa: SLF001  the same
        if part is not None:
            await ended_within(1, part.close())


async def missing_topics(settings: Settings, topics: Sequence[str]) -> list[str]:
    """Returns those that do not exist yet. Raises KafkaTrouble while no broker answers."""
    return sorted(set(topics) - set(await partition_counts(settings, topics)))


async def bounds(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> Bounds:
    """Returns the first offset and the one behind the last of each partition. Raises KafkaTrouble."""
    beginnings = await bounded(consumer.beginning_offsets(list(partitions)), "asking where logs begin", REQUEST_SECONDS)
    ends = await bounded(consumer.end_offsets(list(partitions)), "asking where logs end", REQUEST_SECONDS)
    return {each: (beginnings[each], ends[each]) for each in partitions}
