"""Which set answers: the pointer is moved in an instant in which the other set has read as far as the live one."""

import asyncio
from datetime import timedelta
from typing import Any

from services.reporting import store
from services.reporting.projections.comparison import Comparison
from services.reporting.rebuild import sets
from services.reporting.rebuild.lead import alone
from services.reporting.rebuild.progress import Outcome, Progress, Tell
from services.reporting.rebuild.removal import remove_retired
from services.reporting.rebuild.sets import NothingToDoError
from services.reporting.rebuild.waiting import OlderHistoryError, catch_up
from services.reporting.store import ReadModelSet
from shared.settings import Settings

_FREEZE_SECONDS = 5.0


async def switch(connection: Any, old: ReadModelSet, new: ReadModelSet, keep: timedelta | None, tell: Tell) -> None:  # noqa: ANN401  asyncpg's
    """Lets `new` answer instead of `old`. Raises OlderHistoryError if `new` can never come that far."""
    while not await _try_switch(connection, old, new, keep):
        tell(Progress("switching", 0, 0))
        await catch_up(connection, new, tell, "switching")


async def _try_switch(connection: Any, old: ReadModelSet, new: ReadModelSet, keep: timedelta | None) -> bool:  # noqa: ANN401
    async with sets.locked(connection, old):
        if not await _overtakes(connection, old, new):
            return False
        await sets.put_in_place(connection, new, old, keep)
        return True


async def _overtakes(connection: Any, old: ReadModelSet, new: ReadModelSet) -> bool:  # noqa: ANN401
    """The live set stands still meanwhile, for this transaction holds its lock; so not for long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _FREEZE_SECONDS
    while await sets.is_behind(connection, old, new):
        if loop.time() > until:
            return False
        await asyncio.sleep(0.02)
    return True


async def roll_back(settings: Settings, tell: Tell, keep: timedelta) -> Outcome:
    """Lets the set answer again that did before the last switch; the one that did until now is kept in its place.

    Raises NothingToDoError if none is kept, or it cannot answer any more; AlreadyRebuildingError, and what
    postgres.UNAVAILABLE names.
    """
    async with alone(settings) as connection:
        live, kept = await store.live_set(connection), await sets.kept(connection)
        if kept is None:
            raise NothingToDoError("no set is kept: it was removed when its time was over, or there was no switch")
        try:
            await catch_up(connection, kept.fed, tell, "following")
            await switch(connection, live, kept.fed, keep, tell)
        except OlderHistoryError as error:
            raise NothingToDoError(str(error)) from None
        now_kept = await sets.kept(connection)
        return Outcome(kept.fed.version, live.version, Comparison(), now_kept.until if now_kept else None)


async def abandon(settings: Settings, tell: Tell) -> int:
    """Gives up the set that an interrupted rebuild has begun, and removes its rows; returns its version.

    Raises NothingToDoError if there is none; AlreadyRebuildingError, and what postgres.UNAVAILABLE names.
    """
    async with alone(settings) as connection:
        building = await sets.building(connection)
        if building is None:
            raise NothingToDoError("no rebuild is unfinished")
        await sets.retire(connection, building)
        await remove_retired(connection, lambda rows: tell(Progress("removing", rows, 0)))
        return building.version
