"""One applier's reading: batches in, transactions out, and a look at the rows whenever anything is in doubt.

Whatever fails, the answer is one and the same: roll back, pause the partitions, read the rows again, go back to
the record before
the position, see that it is still the one that was read there, and go on.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import asyncpg
import structlog
from aiokafka import TopicPartition

from shared import metrics
from shared.clock import utc_now
from shared.consumer import alarms, control, offsets, parking
from shared.consumer.applier import Applier, PreparingApplier, Received, SharingApplier
from shared.consumer.faults import is_lost_race
from shared.consumer.offsets import Displaced, Move, Place
from shared.consumer.partitions import AnotherLog, HigherHistory, Misplaced, Share, Standing, take, take_in_steps
from shared.consumer.placing import Placer
from shared.consumer.records import Record
from shared.consumer.retry import is_retry_asked, retry_parked
from shared.consumer.writing import TooManyBad, Writer
from shared.kafka_admin import KafkaTrouble
from shared.postgres import UNAVAILABLE, Pool

Connection: TypeAlias = Any
# What is new of one partition, and where it stood before.
Piece: TypeAlias = tuple[Standing, TopicPartition, Sequence[Record]]
Work: TypeAlias = list[Piece]

_GREATEST_BACKOFF = 5.0
_TIMES_A_GAP_IS_SEEN = 3
_LOOK_AGAIN_SECONDS = 5.0
# Of a large batch so many events of each partition are measured: all of them are equally late.
_SAMPLES = 20
_CLOSE_SECONDS = 1.0


@dataclass
class _Taken:
    """What a batch comes to: shares to write, and partitions whose log was replaced."""

    work: Work
    shares: list[Share] = field(default_factory=list)
    replaced: dict[TopicPartition, tuple[Place, AnotherLog]] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Tells whether the next batch may be read before this one is written."""
        return not self.replaced and not any(share.look_again or share.trouble for share in self.shares)


class Reader(Placer):
    """Applies what one subscription hands over, in its order. One batch at a time is written; placements and errands
    wait for it.
    """

    def __init__(self, applier: Applier, pool: Pool, prefix: str) -> None:
        super().__init__(applier.group)
        metrics.OFFSET_RESETS.labels(applier.group)
        metrics.DUPLICATES_DROPPED.labels(applier.group)
        self.applier = applier
        self.gather = applier.gather
        self.halted: str | None = None
        self._halted_until: float | None = None
        self._preparing = applier if isinstance(applier, PreparingApplier) else None
        self._sharing = applier if isinstance(applier, SharingApplier) else None
        self._pool = pool
        self._prefix = prefix
        self._writer = Writer(applier)
        self._busy = asyncio.Lock()
        self._writing: asyncio.Task[bool] | None = None
        self._connection: Connection | None = None
        self._standings: dict[TopicPartition, Standing] = {}
        self._gaps: dict[TopicPartition, tuple[tuple[int, int], int]] = {}
        self._failures = 0
        self._not_before = 0.0
        self._may_have_met_another_log = True

    async def receive(self, records: Sequence[Record]) -> None:
        async with self._busy:
            self.receiving_since = time.monotonic()
            try:
                await self._work_through(self._sorted_out(records))
            except Exception as error:  # noqa: BLE001  whatever it is: rolled back, looked at again, tried again
                self._failed(error, _partitions_of(records))
            finally:
                self.receiving_since = None

    # Batches: one is read while the one before it is written

    async def _work_through(self, work: Work) -> None:
        """Returns when the batch has been read and its writing has begun; what is not plain is also written."""
        taken = await self._take(work)
        if not await self._written():
            self.doubt(self._kafkas(partition) for _, partition, _ in work)
            return
        if taken.is_plain:
            self._settle(taken.shares)
            self._writing = asyncio.create_task(self._write_behind(taken))
        else:
            await self._finish(taken)

    async def _written(self) -> bool:
        """Waits for the batch that is being written, if there is one; tells whether reading may go on from its end."""
        writing, self._writing = self._writing, None
        return writing is None or await writing

    async def _write_behind(self, taken: "_Taken") -> bool:
        self.writing_since = time.monotonic()
        try:
            return await self._finish(taken)
        except Exception as error:  # noqa: BLE001  the same answer as above
            self._failed(error, [self._kafkas(share.partition) for share in taken.shares])
            return False
        finally:
            self.writing_since = None

    async def _finish(self, taken: "_Taken") -> bool:
        """Writes what was taken, and does what the records ask for. Tells whether it goes on; raises what writing
        raises.
        """
        halt: HigherHistory | TooManyBad | None = None
        shares = taken.shares
        while shares:
            try:
                await self._write(shares)
                break
            except TooManyBad as error:
                halt = error
                shares = [take(*each) for each in _up_to(taken.work, shares, error)]
        self._settle(shares)
        self._failures = 0
        self.last_error = None
        for partition, (place, another) in taken.replaced.items():
            await self._begin_again(partition, place, another)
        halt = halt or next((share.trouble for share in shares if share.trouble), None)
        if halt is not None:
            await self._halt(halt)
        return halt is None

    def _sorted_out(self, records: Sequence[Record]) -> Work:
        """Returns the records by partition; what belongs to no placed partition is dropped, for it will be fetched
        again.
        """
        by_partition: dict[TopicPartition, list[Record]] = {}
        for record in records:
            by_partition.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        return [
            (self._standings[partition], self._named(partition), found)
            for partition, found in by_partition.items()
            if partition in self._standings
        ]

    async def _take(self, work: Work) -> "_Taken":
        taken = _Taken(work)
        for each in work:
            try:
                taken.shares.append(await self._read(each))
            except Misplaced as error:
                self._note_gap(self._kafkas(each[1]), error.gap)
                self.doubt([self._kafkas(each[1])])
            except AnotherLog as error:
                taken.replaced[each[1]] = each[0].place, error
        return taken

    async def _read(self, each: Piece) -> Share:
        prepared = 0
        for share in take_in_steps(*each):
            share.events[prepared:] = map(self._prepared, share.events[prepared:])
            prepared = len(share.events)
            if self._writing is not None:
                await asyncio.sleep(0)  # so that Postgres never waits for its next statement
                if self._preparing is not None:
                    await self._preparing.may_prepare.wait()
        return share

    def _prepared(self, one: Received) -> Received:
        return one._replace(prepared=self._preparing.prepare(one)) if self._preparing else one

    async def _write(self, shares: Sequence[Share]) -> None:
        moving = [share for share in shares if share.taken]
        if moving:
            await self._writer.write(await self._own_connection(), moving)
            self._count(moving)

    def _settle(self, shares: Sequence[Share]) -> None:
        for share in shares:
            partition = self._kafkas(share.partition)
            if partition in self._standings:
                self._standings[partition] = share.standing
            if share.look_again:
                self.doubt([partition])

    def _count(self, shares: Sequence[Share]) -> None:
        self.progressed_at = time.monotonic()
        seconds = metrics.EVENT_END_TO_END.labels(self.group)
        now = utc_now()
        for share in shares:
            for event in share.events[:: 1 + len(share.events) // _SAMPLES]:
                seconds.observe(max(0.0, (now - event.event.recorded_at).total_seconds()))

    def _failed(self, error: Exception, partitions: Iterable[TopicPartition]) -> None:
        self.doubt(partitions)
        if isinstance(error, Displaced) or is_lost_race(error):
            structlog.get_logger().info("batch_displaced", group=self.group, reason=str(error))
            return
        self._failures += 1
        self.last_error = f"{type(error).__name__}: {error}"[:300]
        self._not_before = time.monotonic() + min(0.1 * 2 ** min(self._failures, 10), _GREATEST_BACKOFF)
        log = structlog.get_logger().bind(group=self.group, failures=self._failures)
        self._drop_connection()
        if isinstance(error, UNAVAILABLE):
            self.doubt()  # whatever crashed may have taken back what was committed last, of any partition
        if isinstance(error, (*UNAVAILABLE, KafkaTrouble)):
            log.warning("batch_postponed", error=self.last_error)
        else:
            log.error("batch_failed", exc_info=error)

    # Places

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        if self._sharing is not None:
            self._sharing.dealt(map(self._named, assigned))
        super().on_partitions_assigned(assigned)

    def forget(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        for partition in list(self._standings) if partitions is None else partitions:
            self._standings.pop(partition, None)

    async def place(self) -> None:
        if not self.unplaced or self.halted or time.monotonic() < self._not_before:
            return
        async with self._busy:
            await self._written()
            partitions = sorted(self.unplaced)
            try:
                await self._place(partitions)
            except Exception as error:  # noqa: BLE001  the same answer as for a batch
                self._failed(error, partitions)
            else:
                self.last_error = None  # a quiet group would go on telling of a trouble that is over

    async def _place(self, partitions: Sequence[TopicPartition]) -> None:
        consumer = self.consumer
        if consumer is None:
            return
        connection = await self._own_connection()
        told = await control.read(connection, self.group)
        if told.stopped_because is not None:
            self.halted = told.stopped_because
            return
        places = await offsets.places(connection, self.group, [self._named(each) for each in partitions])
        self._writer.parked_aggregates = await parking.open_aggregates(connection, self.group)
        bounds = await self.bounds(consumer, partitions)
        for partition in partitions:
            gap = await self._known_gap(connection, partition)
            try:
                standing = Standing.at(places[self._named(partition)], *bounds[partition], gap)
            except AnotherLog as error:
                await self._begin_again(self._named(partition), places[self._named(partition)], error)
                continue
            if self.resume(partition, standing.cursor):
                self._standings[partition] = standing

    async def _begin_again(self, partition: TopicPartition, before: Place, error: AnotherLog) -> None:
        """Writes down that this log is another one: it is read from its beginning, and what is known is dropped by
        version.

        Raises Displaced if the row has left that place: somebody else noticed, and may have read the new log by now.
        """
        connection = await self._own_connection()
        async with connection.transaction():
            after = replace(before, next_offset=0, digest=None, resets=before.resets + 1)
            await offsets.advance(connection, self.group, [Move(partition, before, after)])
            detail = f"{partition.topic} {partition.partition}: {error}"
            await alarms.raise_alarm(connection, self.group, alarms.LOG_REPLACED, detail)
        self._may_have_met_another_log = True
        metrics.OFFSET_RESETS.labels(self.group).inc()
        structlog.get_logger().warning(
            "log_replaced", group=self.group, topic=partition.topic, partition=partition.partition, reason=str(error)
        )
        self.doubt([self._kafkas(partition)])

    def _note_gap(self, partition: TopicPartition, gap: tuple[int, int]) -> None:
        known, times = self._gaps.get(partition, (gap, 0))
        self._gaps[partition] = (gap, times + 1 if known == gap else 1)

    async def _known_gap(self, connection: Connection, partition: TopicPartition) -> tuple[int, int] | None:
        """Returns a hole that was seen again after fetching anew: the log has it, and waiting will not fill it."""
        gap, times = self._gaps.get(partition, ((0, 0), 0))
        if times < _TIMES_A_GAP_IS_SEEN or gap[1] < gap[0]:
            return None
        detail = f"{partition.topic} {partition.partition}: nothing between offsets {gap[0]} and {gap[1]}"
        await alarms.raise_alarm(connection, self.group, alarms.LOG_GAP, detail)
        return gap

    # Standing still

    async def _halt(self, reason: HigherHistory | TooManyBad) -> None:
        """Stops the whole applier with an alarm; `recover` looks whether the reason is gone."""
        self.doubt()
        connection = await self._own_connection()
        if isinstance(reason, TooManyBad):
            told = f"{reason}; `plut parked resume` lets it go on"
            async with connection.transaction():
                await control.stop(connection, self.group, told)
                await alarms.raise_alarm(connection, self.group, alarms.PARKING_LIMIT, str(reason))
        else:
            told = f"history {reason.met} begins, {reason.known} is known: it must be rebuilt"
            await alarms.raise_alarm(connection, self.group, alarms.HIGHER_HISTORY, told)
            self._halted_until = time.monotonic() + _LOOK_AGAIN_SECONDS
        self.halted = told
        structlog.get_logger().error("consumer_halted", group=self.group, reason=told)

    async def recover(self) -> None:
        """Goes on if the reason for standing still may be gone."""
        if self.halted is None:
            return
        if self._halted_until is None:
            told = await control.read(self._pool, self.group)
            if told.stopped_because is not None:
                return
            await alarms.clear_alarms(self._pool, self.group, alarms.PARKING_LIMIT)
        elif time.monotonic() < self._halted_until:
            return
        self.halted = self._halted_until = None
        self.wake.set()

    # Errands

    async def run_errands(self) -> None:
        """Does what operators ask for: a new history, and parked records once more. Raises what the database raises."""
        if await self._has_errands():
            async with self._busy:
                await self._written()
                await self._do_errands()
        metrics.PARKED_EVENTS.labels(self.group).set(await parking.count_open(self._pool, self.group))

    async def _has_errands(self) -> bool:
        """Asked beside the batches, for there is nearly never anything: whoever waits until one has been written keeps
        the next from being read meanwhile.
        """
        if self._has_lost_its_connection():
            return True
        told = await control.read(self._pool, self.group)
        return self._is_to_stop(told) or told.new_history is not None or await is_retry_asked(self._pool, self.group)

    async def _do_errands(self) -> None:
        if self._has_lost_its_connection():
            self._drop_connection()
            self.doubt()
        told = await control.read(self._pool, self.group)
        if self._is_to_stop(told):
            self.halted = told.stopped_because
            self.doubt()
        if told.new_history is not None:
            await self._begin_new_history(told)
        touched = await retry_parked(self._pool, self.applier)
        if touched:
            self.doubt(self._kafkas(partition) for partition in touched)

    def _is_to_stop(self, told: control.Control) -> bool:
        """Tells whether another member of the group has stopped it."""
        return told.stopped_because is not None and self.halted is None

    async def settle_replacement(self) -> None:
        """Another log is no matter for alarm any more once it has been read to its end; the row stays as history."""
        if self._may_have_met_another_log:
            await alarms.clear_alarms(self._pool, self.group, alarms.LOG_REPLACED)
            self._may_have_met_another_log = False

    async def _begin_new_history(self, told: control.Control) -> None:
        assert told.new_history is not None  # noqa: S101  the caller has looked
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            await offsets.reset_for_new_history(
                connection, self.applier, told.new_history_of or "", told.new_history, told.new_epoch or 1
            )
            await control.new_history_begun(connection, self.group)
            await alarms.clear_alarms(connection, self.group, alarms.HIGHER_HISTORY)
        structlog.get_logger().warning("new_history_begun", group=self.group, history=told.new_history)
        self.halted = self._halted_until = None
        self.doubt()

    # Small things

    @property
    def positions(self) -> dict[TopicPartition, int]:
        return {partition: standing.place.next_offset for partition, standing in self._standings.items()}

    @property
    def cursors(self) -> dict[TopicPartition, int]:
        return {partition: standing.cursor for partition, standing in self._standings.items()}

    async def close(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await asyncio.wait({writing}, timeout=_CLOSE_SECONDS)
            writing.cancel()
            await asyncio.wait({writing}, timeout=_CLOSE_SECONDS)
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*UNAVAILABLE):
                await self._pool.release(connection, timeout=2)

    def _drop_connection(self) -> None:
        """After a failure its state is unknown, and a rollback over a dead line would take half a minute."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(asyncpg.InterfaceError):  # the pool may have taken it back, for it was lost
                connection.terminate()

    def _has_lost_its_connection(self) -> bool:
        """After a crash of Postgres nothing new may come for a while, and its rows may stand where they stood before:
        commits of what can be read again do not wait for the disk.
        """
        try:
            return self._connection is not None and self._connection.is_closed()
        except asyncpg.InterfaceError:  # the pool has taken it back, for it was lost
            return True

    async def _own_connection(self) -> Connection:
        """Returns the one connection that this reader keeps: taking it from the pool for every batch costs a round
        trip.
        """
        if self._connection is None:
            self._connection = await self._pool.acquire(timeout=5)
        return self._connection

    def _named(self, partition: TopicPartition) -> TopicPartition:
        return TopicPartition(partition.topic.removeprefix(self._prefix), partition.partition)

    def _kafkas(self, partition: TopicPartition) -> TopicPartition:
        return TopicPartition(self._prefix + partition.topic, partition.partition)


def _partitions_of(records: Sequence[Record]) -> set[TopicPartition]:
    return {TopicPartition(each.topic, each.partition) for each in records}


def _up_to(work: Work, shares: Sequence[Share], limit: TooManyBad) -> Work:
    """Returns the part of the work that lies before the record at which the limit was reached."""
    before: Work = []
    counted = {share.partition for share in shares}
    for standing, partition, records in work:
        if partition == limit.partition:
            rest = [record for record in records if record.offset < limit.offset]
            return [*before, (standing, partition, rest)] if rest else before
        if partition in counted:
            before.append((standing, partition, records))
    return before
