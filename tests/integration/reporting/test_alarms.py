"""Pages that are late set alarms off, also when nobody looks at one and whoever should tell it is dead."""

import asyncio
from datetime import timedelta

from services.reporting.lateness import Lateness
from shared.clock import utc_now
from shared.consumer import watermarks
from shared.contracts.platform import Watermark
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support.alarms import Samples, fires, nothing_told, told_here


async def test_pages_that_are_late_set_alarms_off(database: Database, worker: Pool) -> None:
    fresh = await _told_when(database, worker, timedelta(seconds=1))
    late = await _told_when(database, worker, -timedelta(seconds=100))
    fires("PagesLate PagesOftenLateFast PagesOftenLateSteadily", fresh, late)
    fires("PagesOftenLateSlowly", fresh, late)


async def _told_when(database: Database, worker: Pool, ahead: timedelta) -> Samples:
    """What the api tells when relays last spoke so long ago. What comes later is newer, so the older is told last."""
    nothing_told()
    async with worker.acquire() as connection:
        await connection.execute("delete from watermark")
        for service in ("registry", "mentoring"):
            told = {"service": service, "history": 1, "epoch": 1, "fence": 1, "at": utc_now() + ahead}
            await watermarks.file(connection, [Watermark.model_validate({**told, "ends": [], "held_back": 0})])
    lateness = Lateness(await database.pool("reporting", "app"))
    await lateness.start()
    async with asyncio.timeout(30):
        while not any(series.startswith("read_models_behind") for series in told_here()):  # noqa: ASYNC110  a figure sets no event
            await asyncio.sleep(0.05)
    await lateness.stop()
    return told_here()
