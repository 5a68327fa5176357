"""Batches applied as a consumer applies them, without a log."""

from collections.abc import Sequence

from shared.consumer.applier import QuickApplier, Received
from shared.consumer.offsets import advancing
from shared.consumer.writing import SMALL
from shared.postgres import Pool


async def apply_batch(pool: Pool, applier: QuickApplier, batch: Sequence[Received]) -> None:
    """Applies one batch: at once if it is small and plain, else in one transaction."""
    async with pool.acquire() as connection:
        if len(batch) <= SMALL and await applier.apply_at_once(connection, batch, advancing(applier.group, [])):
            return
        async with connection.transaction():
            await applier.apply(connection, batch)
