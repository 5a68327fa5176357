"""Runs every set of read models that is not retired: begins with new ones, leaves those that stand still."""

from services.reporting import store
from services.reporting.projections import RULES, happenings
from services.reporting.projections.applier import SetApplier
from services.reporting.store import ReadModelSet, Stage
from shared.clock import utc_now
from shared.consumer.host import ConsumerHost
from shared.loops import BackgroundLoop
from shared.postgres import UNAVAILABLE, Pool
from shared.upkeep import Upkeep

_LOOK_SECONDS = 0.25


class SetRunner(BackgroundLoop):
    """Looks at the sets some times a second. Sets of rules newer than this program's are left to a newer program."""

    name = "sets"

    def __init__(self, host: ConsumerHost, pool: Pool) -> None:
        super().__init__()
        self._host = host
        self._pool = pool
        self._running: dict[str, Stage] = {}

    async def run(self) -> None:
        while not self.stopping.is_set():
            try:
                await self.look()
                self.started.set()
            except UNAVAILABLE as error:
                self._log.warning("sets_unknown", error=f"{type(error).__name__}: {error}")
            await self.rest(_LOOK_SECONDS)

    async def look(self) -> None:
        """Adds and removes appliers so that those run which should. Raises what UNAVAILABLE names."""
        async with self._pool.acquire(timeout=5) as connection:
            sets = {one.group: one for one in await store.sets_to_run(connection) if _moves(one)}
        for group in self._running.keys() - sets.keys():
            await self._leave(group)
        for group in sets.keys() - self._running.keys():
            await self._begin(sets[group])

    async def _begin(self, fed: ReadModelSet) -> None:
        if fed.rules > RULES:
            self._log.error("set_of_newer_rules", set=fed.version, rules=fed.rules, known=RULES)
            return
        await self._host.add(SetApplier(fed))
        self._running[fed.group] = fed.stage
        self._log.info("set_followed", set=fed.version, stage=fed.stage)

    async def _leave(self, group: str) -> None:
        await self._host.remove(group)
        del self._running[group]
        self._log.info("set_left", group=group)


class Forgetter(Upkeep):
    """Forgets the happenings that are too old to be the latest, some at a time."""

    name = "forgetter"
    every_seconds = 600.0
    left_undone = "nothing_forgotten"

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    async def do(self) -> None:
        async with self._pool.acquire(timeout=5) as connection:
            while not self.stopping.is_set() and await happenings.forget_old(connection, utc_now()):
                pass


def _moves(one: ReadModelSet) -> bool:
    return one.stage is not Stage.SUMMING
