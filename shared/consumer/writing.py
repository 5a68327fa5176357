"""One transaction, or one statement that is one: the positions move, and what stands between them takes effect.

Both, or neither.
"""

import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import structlog
from aiokafka import TopicPartition

from shared import failpoint, spans
from shared.consumer import offsets, parking
from shared.consumer.applier import Applier, QuickApplier, Received
from shared.consumer.faults import is_the_records_fault
from shared.consumer.offsets import Move
from shared.consumer.parking import Bad
from shared.consumer.partitions import Share
from shared.consumer.traced import record_applied

Connection: TypeAlias = Any

_NAMED_IN_LOGS = 10
# With more, round trips are not what a batch costs.
SMALL = 64
_log = structlog.get_logger()


class TooManyBad(Exception):
    """More records are to be parked than may be in a minute: a person has to look before reading goes on past this
    one.
    """

    def __init__(self, partition: TopicPartition, offset: int) -> None:
        super().__init__(f"more than {parking.LIMIT_PER_MINUTE} records newly parked in a minute")
        self.partition, self.offset = partition, offset


class Writer:
    """Writes the batches of one applier. `parked_aggregates` are those that their next event heals."""

    def __init__(self, applier: Applier) -> None:
        self._applier = applier
        self._quick = applier if isinstance(applier, QuickApplier) else None
        self._group = applier.group
        self.parked_aggregates: set[tuple[str, str]] = set()

    async def write(self, connection: Connection, shares: Sequence[Share]) -> None:
        """Commits the shares as one; what the database refuses for its content is written again record by record.

        Raises Displaced, TooManyBad, or whatever the database or the applier raises that is not a record's fault.
        """
        moves = [share.move for share in shares]
        began_ns = time.time_ns()
        with structlog.contextvars.bound_contextvars(group=self._group, **_traces(shares)):
            try:
                await self._commit(connection, shares, moves, singly=False)
            except Exception as error:
                if not is_the_records_fault(error):
                    raise
                _log.warning("batch_refused", error=type(error).__name__)
                await self._commit(connection, shares, moves, singly=True)
        if spans.are_on():
            record_applied(self._group, shares, began_ns)

    async def _commit(
        self, connection: Connection, shares: Sequence[Share], moves: Sequence[Move], *, singly: bool
    ) -> None:
        if not singly and await self._at_once(connection, shares, moves):
            await failpoint.point("proj.after_commit")
            return
        async with connection.transaction():
            await offsets.advance(connection, self._group, moves, durable=self._applier.durable)
            aside = _Aside(connection, self._group)
            for share in shares:
                for bad in share.bad:
                    await aside.put(share.partition, bad)
            events = (
                await self._apply_singly(connection, shares, aside) if singly else await self._apply(connection, shares)
            )
            await self._heal(connection, events)
            await failpoint.point("proj.before_commit")
        self.parked_aggregates |= aside.aggregates
        await failpoint.point("proj.after_commit")

    async def _at_once(self, connection: Connection, shares: Sequence[Share], moves: Sequence[Move]) -> bool:
        """Writes a batch by one statement, if it is small and plain: nothing in it is parked or heals."""
        events = [event for share in shares for event in share.events]
        if self._quick is None or not events or len(events) > SMALL:
            return False
        if any(share.bad for share in shares) or self._healing(events):
            return False
        await failpoint.point("proj.before_commit")  # the statement commits itself: nothing of ours runs within
        advancing = offsets.advancing(self._group, moves, durable=self._applier.durable)
        return await self._quick.apply_at_once(connection, events, advancing)

    async def _apply(self, connection: Connection, shares: Sequence[Share]) -> list[Received]:
        events = [event for share in shares for event in share.events]
        if events:
            await self._applier.apply(connection, events)
        return events

    async def _apply_singly(self, connection: Connection, shares: Sequence[Share], aside: "_Aside") -> list[Received]:
        """Finds the culprits: each record under a savepoint of its own, with no constraint left to the commit."""
        await connection.execute("set constraints all immediate")
        applied = []
        for share in shares:
            for event, source in zip(share.events, share.sources, strict=True):
                try:
                    async with connection.transaction():
                        await self._applier.apply(connection, [event])
                    applied.append(event)
                except Exception as error:
                    if not is_the_records_fault(error):
                        raise
                    await aside.put(share.partition, Bad(source, share.partition.topic, describe(error), event.event))
        return applied

    async def _heal(self, connection: Connection, events: Sequence[Received]) -> None:
        healing = self._healing(events)
        if healing:
            await parking.heal(connection, self._group, healing)

    def _healing(self, events: Sequence[Received]) -> list[Received]:
        if not self.parked_aggregates:
            return []
        return [event for event in events if (event.topic, event.event.aggregate_id) in self.parked_aggregates]


class _Aside:
    """Puts records aside within one transaction, as many as may be."""

    def __init__(self, connection: Connection, group: str) -> None:
        self._connection = connection
        self._group = group
        self._left: int | None = None
        self.aggregates: set[tuple[str, str]] = set()

    async def put(self, partition: TopicPartition, bad: Bad) -> None:
        if not await parking.known(self._connection, self._group, [bad.identity]):
            if self._left is None:
                self._left = await parking.budget(self._connection, self._group)
            if self._left == 0:
                raise TooManyBad(partition, bad.record.offset)
            self._left -= 1
        await parking.park(self._connection, self._group, bad)
        aggregate = bad.event.aggregate_id if bad.event else parking.aggregate_of(bad.record)
        if aggregate is not None:
            self.aggregates.add((partition.topic, aggregate))
        _log.warning(
            "record_parked",
            topic=partition.topic,
            partition=partition.partition,
            offset=bad.record.offset,
            error=bad.error,
        )


def describe(error: BaseException) -> str:
    """Returns what the database said, with its SQLSTATE; its detail repeats the row's values and stays away."""
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__}{f' ({state})' if state else ''}: {str(error).splitlines()[0] if str(error) else ''}"


def _traces(shares: Sequence[Share]) -> dict[str, Any]:
    """Returns what ties log lines to the commands behind these events; of a large batch only the first few."""
    first = [event for share in shares for event in share.events[:_NAMED_IN_LOGS]][:_NAMED_IN_LOGS]
    traces = {
        event.traceparent.split("-")[1] for event in first if event.traceparent and event.traceparent.count("-") >= 2
    }
    return {
        "correlation_id": ",".join({str(event.event.correlation_id) for event in first}),
        "trace_id": ",".join(traces),
    }
