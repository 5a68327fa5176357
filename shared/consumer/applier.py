"""What a service gives to the consumer: which topics it follows and what a batch of their events does."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from aiokafka import TopicPartition

from shared.contracts.catalogue import AnyEvent, Topic
from shared.pace import Wait
from shared.statements import Write

# How long records wait for others where people watch what they change ...
GATHER = Wait(0, 5, at_great_cost=10)
# ... and where nobody does: messages to clients.
UNSEEN_GATHER = Wait(50, 50)


class Received(NamedTuple):
    """An event and where in the log it stood. `recorded_ms` is Kafka's timestamp in milliseconds since the epoch;
    `prepared` is what the applier itself made of the event while it was read.
    """

    topic: str
    partition: int
    offset: int
    event: AnyEvent
    traceparent: str | None
    recorded_ms: int
    prepared: object = None


class Applier(Protocol):
    """Applies events in the transaction that has already moved the offset rows."""

    @property
    def group(self) -> str:
        """The consumer group, which is also the key of the offset rows."""

    @property
    def topics(self) -> tuple[Topic, ...]: ...

    @property
    def durable(self) -> bool:
        """False lets commits return before they are on disk: right only where nothing but the log's own effect is
        written.
        """

    @property
    def gather(self) -> Wait:
        """GATHER or UNSEEN_GATHER."""

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Writes the effect of the events, in their order per partition. Asked again after a roll-back; may run
        under a savepoint.

        Reports what it drops in `shared.metrics.DUPLICATES_DROPPED`, and an equal version under another event id by
        `shared.consumer.alarms.raise_alarm(connection, group, VERSION_CLASH, …)`.
        Raises asyncpg's DataError or IntegrityConstraintViolationError for what is a record's own fault.
        """


@runtime_checkable
class PreparingApplier(Applier, Protocol):
    """One that works out beforehand what follows from an event alone, while the batch before is being written."""

    @property
    def may_prepare(self) -> asyncio.Event:
        """Not set while Postgres waits for what is worked out of the batch before: preparing would keep it waiting."""

    def prepare(self, one: Received) -> object:
        """Returns what is handed back to `apply` as `prepared`. Raises nothing."""


@runtime_checkable
class SharingApplier(Applier, Protocol):
    """One that writes rows of its own where consumers share the work, so that they need not wait for each other."""

    def dealt(self, partitions: Iterable[TopicPartition]) -> None:
        """Is told which partitions are read here from now on; their topics are named as in the catalogue. It may be in
        the middle of a batch.
        """


@runtime_checkable
class QuickApplier(Applier, Protocol):
    """One that can write a small batch, and move the offset rows with it, by one statement."""

    async def apply_at_once(self, connection: Any, batch: Sequence[Received], advancing: Write) -> bool:  # noqa: ANN401
        """Does what `apply` does in a transaction of its own, which `advancing` is part of: True. False leaves nothing
        behind: the batch is for `apply`. Raises what `apply` raises.
        """


@runtime_checkable
class ForgettingApplier(Applier, Protocol):
    """A replica that can be emptied. After a restore of the publisher it may know what never happened, in versions
    that are
    too high to be overwritten: so it forgets everything and reads all its logs anew. Read models are rebuilt
    beside instead."""

    async def forget(self, connection: Any) -> None:  # noqa: ANN401  the same
        """Deletes all that came from events, in the transaction that sets the positions back."""
