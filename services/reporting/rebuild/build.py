"""Builds the next set beside the live one: read, summed, caught up, compared, and put in place."""

from datetime import timedelta
from typing import Any

from services.reporting import store
from services.reporting.projections import RULES, summing, totals_of
from services.reporting.projections.comparison import Comparer, Comparison
from services.reporting.projections.summing import Summing
from services.reporting.rebuild import sets
from services.reporting.rebuild.lead import alone, connected
from services.reporting.rebuild.progress import Outcome, Progress, Tell
from services.reporting.rebuild.removal import remove_retired
from services.reporting.rebuild.switch import switch
from services.reporting.rebuild.waiting import OlderHistoryError, catch_up
from services.reporting.store import ReadModelSet, Stage
from shared.settings import Settings

_PAGE = 5_000


async def rebuild(settings: Settings, tell: Tell, keep: timedelta | None = None) -> Outcome:
    """Builds, compares and switches; returns when the new set answers and the rows of retired ones are gone.

    The set that answered before is kept for `keep`, so that the switch can be taken back; without it, or if it holds an
    older history than its publishers have by now, it is removed.
    `settings` are those of the worker. Needs a running consumer and running relays, and waits for them.
    Raises AlreadyRebuildingError, and what postgres.UNAVAILABLE names. After a new history it is called the same way,
    and one that begins meanwhile has it begin anew.
    """
    async with alone(settings) as connection:
        while True:
            try:
                return await _Rebuilder(settings, connection, tell).run(keep)
            except OlderHistoryError:
                tell(Progress("reading", 0, 0))


class _Rebuilder:
    def __init__(self, settings: Settings, connection: Any, tell: Tell) -> None:  # noqa: ANN401  asyncpg's
        self._settings = settings
        self._connection = connection
        self._tell = tell

    async def run(self, keep: timedelta | None) -> Outcome:
        await self._remove_retired()
        live = await store.live_set(self._connection)
        building = await self._building()
        if building.stage is Stage.READING:
            await self._catch_up(building, "reading")
            building = await sets.enter(self._connection, building, Stage.SUMMING)
        if building.stage is Stage.SUMMING:
            await self._sum(building)
            building = await sets.enter(self._connection, building, Stage.FOLLOWING)
        await self._catch_up(building, "following")
        comparison = await self._compare(live, building)
        await self._put_in_place(live, building, keep)
        await self._remove_retired()
        kept = await sets.kept(self._connection)
        return Outcome(building.version, live.version, comparison, kept.until if kept else None)

    async def _building(self) -> ReadModelSet:
        """The set that an interrupted call left, if it was begun with the present rules and history; else the next."""
        left = await sets.building(self._connection)
        if left is not None:
            if left.rules == RULES and not await sets.is_of_an_older_history(self._connection, left):
                return left
            await sets.retire(self._connection, left)
        return await sets.begin_next(self._connection, RULES)

    async def _catch_up(self, building: ReadModelSet, step: str) -> None:
        await catch_up(self._connection, building, self._tell, step)

    async def _sum(self, building: ReadModelSet) -> None:
        """Sums what the facts contribute; goes on where an interrupted call has stopped."""
        whole = await summing.how_many(self._connection, building.version)

        def tell(done: int) -> None:
            self._tell(Progress("summing", min(done, whole), whole))

        async with connected(self._settings) as reading:
            await Summing(reading, self._connection, building, _PAGE, tell).run()

    async def _compare(self, live: ReadModelSet, building: ReadModelSet) -> Comparison:
        common = [total for total in totals_of(building.rules) if total.known_to(live.rules)]
        comparer = Comparer(self._connection, live.version, building.version, common)
        compared = 0

        def tell(rows: int) -> None:
            nonlocal compared
            compared += rows
            self._tell(Progress("comparing", compared, 0))

        return await comparer.compare(lambda: self._catch_up(building, "comparing"), tell)

    async def _put_in_place(self, live: ReadModelSet, building: ReadModelSet, keep: timedelta | None) -> None:
        if await sets.is_of_an_older_history(self._connection, live):
            keep = None
        await switch(self._connection, live, building, keep, self._tell)

    async def _remove_retired(self) -> None:
        await remove_retired(self._connection, lambda rows: self._tell(Progress("removing", rows, 0)))
