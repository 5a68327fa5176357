"""Removes the rows of retired sets, some at a time: by whoever retired them, else by the consumer."""

import asyncio
from collections.abc import Callable
from typing import Any

from services.reporting import store
from services.reporting.domain import Kind
from services.reporting.projections import TABLES
from services.reporting.rebuild import sets
from shared.consumer import offsets
from shared.postgres import Pool
from shared.upkeep import Upkeep

_REMOVE_LOCK = 7_305_524
_LEFT_BEHIND_SECONDS = 3.0  # a consumer looks meanwhile which sets it should run
_LOOK_SECONDS = 0.25

_TRY = "select pg_try_advisory_lock($1)"
_LET_GO = "select pg_advisory_unlock($1)"
_RETIRED = "select version from read_model_set where state = 'retired' and removed_at is null order by version"
# Parts of one table have rows of the same place: those of other sets are not meant.
_REMOVE = """
delete from {table}
where set_version = $1 and ctid = any(array(select ctid from {table} where set_version = $1 limit 20000))
"""
_REMOVED = "update read_model_set set removed_at = clock_timestamp() where version = $1"


async def remove_retired(connection: Any, tell: Callable[[int], None]) -> None:  # noqa: ANN401  asyncpg's
    """Removes what retired sets have left; goes on where an interrupted call has stopped. `tell` hears the rows."""
    while not await connection.fetchval(_TRY, _REMOVE_LOCK):  # noqa: ASYNC110  a wait within a statement is timed out
        await asyncio.sleep(_LOOK_SECONDS)
    try:
        await _remove_all(connection, tell)
    finally:
        await connection.execute(_LET_GO, _REMOVE_LOCK)


async def _remove_all(connection: Any, tell: Callable[[int], None]) -> None:  # noqa: ANN401
    for row in await connection.fetch(_RETIRED):
        await _remove(connection, row["version"], tell)


async def _remove(connection: Any, set_version: int, tell: Callable[[int], None]) -> None:  # noqa: ANN401
    removed = 0
    for table in _tables():
        while (number := await _remove_some(connection, table, set_version)) > 0:
            removed += number
            tell(removed)
    await asyncio.sleep(_LEFT_BEHIND_SECONDS)
    async with connection.transaction():
        await offsets.forget_group(connection, store.group_of(set_version))
        await connection.execute(_REMOVED, set_version)


async def _remove_some(connection: Any, table: str, set_version: int) -> int:  # noqa: ANN401
    tag = await connection.execute(_REMOVE.format(table=table), set_version)
    return int(tag.rsplit(" ", 1)[1])


def _tables() -> list[str]:
    """Every table whose rows belong to a set."""
    derived = ["served_business", "intensive_business", "happening", "subject_alias"]
    return [*(f"fact_{kind}" for kind in Kind), *derived, *dict.fromkeys(total.name for total in TABLES)]


class Sweeper(Upkeep):
    """Retires the kept set when its time is over, and removes what retired sets have left."""

    name = "sweeper"
    left_undone = "nothing_swept"

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    async def do(self) -> None:
        """Leaves it to whoever is at it already."""
        async with self._pool.acquire(timeout=5) as connection:
            await sets.retire_outlived(connection)
            if not await connection.fetchval(_TRY, _REMOVE_LOCK):
                return
            try:
                await _remove_all(connection, lambda _: None)
            finally:
                await connection.execute(_LET_GO, _REMOVE_LOCK)
