"""What every subscription of ours has in common: partitions wait, paused, until somebody has found where to go on."""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared import failpoint, metrics
from shared.consumer import kafka
from shared.consumer.applier import GATHER
from shared.consumer.kafka import Bounds, LogConsumer
from shared.consumer.records import Record
from shared.kafka_admin import KafkaTrouble, bounded


class Placer(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """Pauses what is dealt; `place` finds the positions; `receive` gets what is read from there."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.gather = GATHER
        metrics.REBALANCES.labels(group)  # 0 is told too: what begins with 1 has not risen, to Prometheus
        self.subscriber: BatchSubscriber | None = None
        self.wake = asyncio.Event()
        self.unplaced: set[TopicPartition] = set()
        self._strays: set[tuple[TopicPartition, int, int]] = set()
        self.receiving_since: float | None = None
        self.writing_since: float | None = None
        self.last_error: str | None = None
        self.progressed_at = time.monotonic()
        self.unanswered_since: float | None = None

    @property
    def working_since(self) -> float | None:
        """Returns when the oldest batch that is worked on was handed over (time.monotonic); None if there is none."""
        return min((since for since in (self.writing_since, self.receiving_since) if since is not None), default=None)

    async def bounds(self, consumer: LogConsumer, partitions: Sequence[TopicPartition]) -> Bounds:
        """Asks where logs begin and end, and remembers since when that has gone unanswered. Raises KafkaTrouble."""
        try:
            found = await kafka.bounds(consumer, partitions)
        except KafkaTrouble:
            self.unanswered_since = self.unanswered_since or time.monotonic()
            raise
        self.unanswered_since = None
        return found

    @property
    @abstractmethod
    def positions(self) -> Mapping[TopicPartition, int]:
        """Returns the next offset of every placed partition."""

    @property
    @abstractmethod
    def cursors(self) -> Mapping[TopicPartition, int]:
        """Returns the offset that must come next in every placed partition."""

    @abstractmethod
    async def place(self) -> None:
        """Finds the place of every partition that waits for it; raises nothing, but tries again later."""

    @abstractmethod
    async def receive(self, records: Sequence[Record]) -> None:
        """Works on a batch; raises nothing but cancellation, for FastStream would swallow it."""

    @abstractmethod
    def forget(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        """Drops the places of these partitions, or of all."""

    async def close(self) -> None:
        """Gives back what it holds; safe to call twice."""

    @property
    def consumer(self) -> LogConsumer | None:
        """Returns the present consumer; FastStream makes it when the subscriber starts, before partitions are dealt."""
        return None if self.subscriber is None else self.subscriber.consumer

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        metrics.REBALANCES.labels(self.group).inc()
        structlog.get_logger().info("partitions_dealt", group=self.group, partitions=len(assigned))
        self.forget()
        self.unplaced.clear()
        self.doubt(assigned)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await failpoint.point("proj.rebalance")
        self.forget(revoked)
        self.unplaced -= set(revoked)

    def doubt(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        """Pauses partitions (all, if none is named) until their places have been found again."""
        doubted = set(self.positions if partitions is None else partitions)
        self.forget(doubted)
        if self.consumer is not None and doubted:
            held = doubted & self.consumer.assignment()
            self.consumer.pause(*held)
            self.unplaced |= held
        self.wake.set()

    async def look_for_strays(self) -> None:
        """Doubts partitions whose consumer is elsewhere than we are, twice in a row: aiokafka resets offsets
        without a word.
        """
        consumer = self.consumer
        if consumer is None or self.working_since is not None:
            return
        placed = self.cursors.keys() & consumer.assignment()
        positions = await bounded(_positions(consumer, placed), "asking for positions", 1)
        cursors = self.cursors
        strays = {(each, at, cursors[each]) for each, at in positions.items() if at != cursors.get(each, at)}
        self.doubt([partition for partition, *_ in strays & self._strays])
        self._strays = strays

    def resume(self, partition: TopicPartition, offset: int) -> bool:
        """Goes on at an offset, if the partition is still ours to read."""
        consumer = self.consumer
        if consumer is None or partition not in consumer.assignment() or partition not in self.unplaced:
            return False
        consumer.seek(partition, offset)
        self.unplaced.discard(partition)
        consumer.resume(partition)
        return True


async def _positions(consumer: LogConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    return {partition: await consumer.position(partition) for partition in partitions}


class Gate(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """Between one consumer and the placer that outlives it: shut, it keeps out what a consumer that could not be
    stopped in time still says. Two that deal partitions to one placer would have it forget what it reads.
    """

    def __init__(self, placer: Placer) -> None:
        self._placer = placer
        self._open = True

    def shut(self) -> None:
        """Lets nothing through from now on."""
        self._open = False

    async def receive(self, records: Sequence[Record]) -> None:
        if self._open:
            await self._placer.receive(records)
        if self._open and self._placer.consumer is not None:
            self._placer.consumer.polled_at = time.monotonic()  # nobody could poll while a batch was worked on

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        if self._open:
            self._placer.on_partitions_assigned(assigned)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if self._open:
            await self._placer.on_partitions_revoked(revoked)
