"""The registry's events in: copies are kept, waiting sessions are resolved, and clients' answers are heard."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from services.mentoring.handlers.attestations import AttestationHearer
from services.mentoring.handlers.copies import CopyKeeper
from services.mentoring.store.copies import forget_copies
from shared.clock import utc_now
from shared.consumer.applier import GATHER, Received
from shared.contracts.catalogue import ATTESTATION, BUSINESS, OFFICE, Topic
from shared.contracts.registry import AttestationState
from shared.statements import Write


class ReplicaApplier:
    """Follows the registry. Durable, for it publishes: what resolves or confirms a session is an event like any other.

    Copies first: their rows are locked before the sessions', as commands do it.
    """

    topics: tuple[Topic, ...] = (OFFICE, BUSINESS, ATTESTATION)
    durable = True
    gather = GATHER

    def __init__(self, group: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.group = group
        self._copies = CopyKeeper(group, clock)
        self._attestations = AttestationHearer(group, clock)

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Writes what the events say into copies and sessions, and tells each session's new state."""
        await self._copies.take(connection, batch)
        answers = [each for each in batch if isinstance(each.event.state, AttestationState)]
        await self._attestations.take(connection, answers)

    async def apply_at_once(self, connection: Any, batch: Sequence[Received], advancing: Write) -> bool:  # noqa: ANN401
        """Does it by one statement for what is nearly all that comes: businesses that no session waits for."""
        return await self._copies.take_at_once(connection, batch, advancing)

    async def forget(self, connection: Any) -> None:  # noqa: ANN401  pooled or plain
        """Drops the copies, so that they are read again from the beginning of a new history.

        What a client said stays said: sessions keep it, and hear nothing new when it is read again.
        """
        await forget_copies(connection)
