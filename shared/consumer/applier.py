"""What a service gives to the consumer: which topics it follows and what a batch of their events does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.contracts.catalogue import AnyEvent, Topic


@dataclass(frozen=True, slots=True)
class Received:
    """An event and where in the log it stood. `recorded_ms` is Kafka's timestamp in milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    event: AnyEvent
    traceparent: str | None
    recorded_ms: int


class Applier(Protocol):
    """Applies events in the transaction that has already moved the offset rows."""

    @property
    def group(self) -> str:
        """The consumer group, which is also the key of the offset rows."""

    @property
    def topics(self) -> tuple[Topic, ...]: ...

    @property
    def durable(self) -> bool:
        """False lets commits return before they are on disk: right only where nothing but the log's own effect is written."""

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Writes the effect of the events, in their order per partition. Asked again after a roll-back; may run under a savepoint.

        Raises asyncpg's DataError or IntegrityConstraintViolationError for what is a record's own fault.
        """
