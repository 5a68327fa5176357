"""An import whose worker dies in its midst."""

import asyncio
import io
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

import python_calamine

from deploy.bench.desk import open_office, registry_pool
from deploy.bench.imports import OFFICE, made_rows, workbook
from deploy.chaos.failure import Failed
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local.import_desk import COUNTS, ImportDesk, Progress
from deploy.local.installation import Installation
from shared.http.problem import Problem

_ROWS_OF_A_ROUND = 10_000
_ENDS_WITHIN_SECONDS = 1500.0
# Where of the sheet the worker dies, in hundredths; a job that died more often than five times is given up.
_DEATHS = ((5, 25), (35, 60), (65, 90))


class ImportKilled(Scenario):
    """Twenty thousand rows at the usual two rounds: each ends in exactly one way, and a second import adds nothing."""

    name: ClassVar[str] = "import-killed"
    faults: ClassVar[str] = "F23"
    title: ClassVar[str] = "kill -9 of the registry's apis in the midst of an import of a big sheet"
    bites: ClassVar[Mapping[str, int]] = {"deaths in the midst of the sheet": 3, "rows imported": _ROWS_OF_A_ROUND}
    lasts_at_most: ClassVar[float] = 2 * _ENDS_WITHIN_SECONDS

    async def strike(self, stage: Stage) -> None:
        rows = made_rows(_ROWS_OF_A_ROUND * stage.rounds)
        sheet = await asyncio.to_thread(workbook, rows)
        await _open(stage.installation)
        async with ImportDesk.of(stage.installation, "registry", OFFICE) as desk:
            first = await self._imported(stage, desk, sheet, len(rows))
            again = await self._followed(stage, desk, await desk.upload(sheet), None)
            _compare(first, again, len(rows))
            await self._result_is_whole(desk, first, len(rows))
        stage.saw("rows imported", first.counts["rows"])

    async def _imported(self, stage: Stage, desk: ImportDesk, sheet: bytes, rows: int) -> Progress:
        job = await desk.upload(sheet)
        for between in _DEATHS:
            await self._followed(stage, desk, job, rows * stage.dice.randint(*between) // 100)
            for api in stage.processes("registry-api*"):
                await stage.kill(api)
            reached = await desk.progress(job)
            if 0 < reached.finished < rows:
                stage.say(f"the worker died after {reached.finished:,} rows of {rows:,}")
                stage.saw("deaths in the midst of the sheet")
        return await self._followed(stage, desk, job, None)

    async def _followed(self, stage: Stage, desk: ImportDesk, job: str, finished: int | None) -> Progress:
        """Returns how far it is once so many rows are finished, or it has ended. Raises Failed."""
        reached: Progress | None = None

        async def far_enough() -> bool:
            nonlocal reached
            reached = await desk.progress(job)
            return reached.ended or (finished is not None and reached.finished >= finished)

        await stage.until("the import to go on", far_enough, _ENDS_WITHIN_SECONDS, every=0.5)
        assert reached is not None, "it was looked at"  # noqa: S101  tells the type checker what `until` did
        return reached

    async def _result_is_whole(self, desk: ImportDesk, told: Progress, rows: int) -> None:
        content = await desk.result(told.id)
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        found = sum(1 for row in book.get_sheet_by_index(0).to_python() if any(row)) - 1
        if found < rows:
            raise Failed(f"the result sheet holds {found:,} rows of {rows:,}")


async def _open(installation: Installation) -> None:
    """Opens the office of the sheet's kelurahan; none of those that write beside it."""
    pool = await registry_pool(installation, size=1)
    try:
        with suppress(Problem):  # it is open since an earlier course
            await open_office(pool, OFFICE)
    finally:
        pool.terminate()


def _compare(first: Progress, again: Progress, rows: int) -> None:
    """Raises Failed unless every row ended once, and the second import found everything as the first had left it."""
    for told in (first, again):
        counts = told.counts
        ended = sum(counts[name] for name in COUNTS if name != "rows")
        if told.state != "done" or counts["rows"] != rows or ended != rows:
            raise Failed(f"of {rows:,} rows {ended:,} have ended, and the import is {told.state}: {counts}")
    if again.counts["created"]:
        raise Failed(f"imported again, the sheet created {again.counts['created']:,} businesses: {again.counts}")
