"""Tells Prometheus how late the pages are, whether anybody looks at one or not.

By the api, which goes on when relays and consumers are dead: of their own they would tell nothing then.
"""

from services.reporting import store
from services.reporting.freshness import as_of, behind_ms
from services.reporting.projections import TOTALS
from services.reporting.settings import SERVICE
from shared.loops import BackgroundLoop
from shared.metrics import READ_MODELS_BEHIND
from shared.postgres import UNAVAILABLE, Pool, transaction

_LOOK_SECONDS = 10.0


class Lateness(BackgroundLoop):
    """What is not known is not told: without Postgres, or before anything was heard of the services."""

    name = "lateness"

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool

    async def run(self) -> None:
        while not self.stopping.is_set():
            self._tell(await self._behind())
            self.started.set()
            await self.rest(_LOOK_SECONDS)

    async def _behind(self) -> int | None:
        """Returns milliseconds."""
        try:
            async with transaction(self._pool, snapshot=True) as connection:
                live = await store.live_set(connection)
                fresh = await as_of(connection, live, TOTALS)
                return behind_ms(fresh, await store.database_clock(connection))
        except UNAVAILABLE as error:
            self._log.warning("lateness_unknown", error=type(error).__name__)
            return None

    def _tell(self, behind: int | None) -> None:
        if behind is None:
            READ_MODELS_BEHIND.remove(SERVICE)
        else:
            READ_MODELS_BEHIND.labels(SERVICE).set(behind / 1000)
