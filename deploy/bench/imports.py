"""An import measured: a sheet is uploaded, read in its child, and every row judged, searched for and registered.

From the upload until the last row is done, over the API of an installation of the measurement's own. Beside it, in the
same run, what bare COPY of the same cells reaches there.
"""

import asyncio
import io
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import psutil
import xlsxwriter

from deploy.bench import province
from deploy.bench.cpu import Spent
from deploy.bench.desk import only_the_api, open_office, registry_pool
from deploy.bench.words import unlike_name
from deploy.demo.people import nik
from deploy.local.import_desk import ImportDesk, Progress
from deploy.local.installation import Installation

OFFICE = "35.07"
LABELS = ("Nama Usaha", "Nama Pemilik", "NIK", "No HP", "Alamat", "Kelurahan", "Jenis", "Omzet")
# Of a hundred rows: two NIKs that Excel has cut, two rows that stand there twice.
_CUT, _TWICE = 2, 2
_LOOK_SECONDS = 0.25
_COPIED = "create schema bench_import; create table bench_import.copied ({})"

Row = tuple[str, ...]


class ImportFailed(Exception):
    """The import did not end as it should: what was measured would be something else."""


@dataclass(frozen=True)
class Measured:
    """`peak_mib` is of the registry's api and the child that reads the sheet, together."""

    progress: Progress
    seconds: float
    peak_mib: float
    copy_rows_per_s: float

    def as_json(self) -> dict[str, Any]:
        counts = self.progress.counts
        return {
            "rows": counts["rows"],
            "rows_per_s": round(counts["rows"] / self.seconds, 1),
            "peak_mib": round(self.peak_mib, 1),
            "copy_rows_per_s": round(self.copy_rows_per_s),
            "created": counts["created"],
            "rejected": counts["rejected"],
        }


async def measure(installation: Installation, rows: int, say: Callable[[str], None], *, held: bool) -> Measured:
    """Imports a sheet of so many rows, with everything behind the outbox `held` or not.

    Raises ImportFailed, and what the API refuses.
    """
    pool = await registry_pool(installation, size=1)
    try:
        await open_office(pool, OFFICE)
    finally:
        pool.terminate()
    if held:
        await only_the_api(installation)
    cells = made_rows(rows)
    content = await asyncio.to_thread(workbook, cells)
    say(f"{rows:,} rows in {len(content) / 1e6:.1f} MB; now they are imported")
    watch = _Watch(installation)
    watching = asyncio.create_task(watch.run())
    before = Spent.by(installation)
    began = time.monotonic()
    async with ImportDesk.of(installation, "registry", OFFICE) as desk:
        import_id = await desk.upload(content)
        progress = [each async for each in desk.follow(import_id)][-1]
    seconds = time.monotonic() - began
    watching.cancel()
    say(f"microseconds of processor time per row: {Spent.by(installation).since(before, rows)}")
    if progress.state != "done" or progress.counts["rows"] != rows:
        raise ImportFailed(f"{progress.state}: {progress.failure or progress.counts}")
    say("bare COPY of the same cells")
    return Measured(progress, seconds, watch.peak / 1_048_576, await _copied_per_second(installation, cells))


def made_rows(count: int) -> list[Row]:
    """Returns rows of businesses that do not exist, a few of them dirty, the same for the same count."""
    dice = random.Random(count)  # noqa: S311  a measurement's dice
    rows: list[Row] = []
    for number in range(count):
        kind = number % 100
        rows.append(rows[-50] if kind >= 100 - _TWICE else _row(dice, number, cut=kind < _CUT))
    return rows


def _row(dice: random.Random, number: int, *, cut: bool) -> Row:
    somebody = nik(dice, OFFICE)
    return (
        unlike_name(dice),
        f"Pemilik Ukur {number}",
        f"{float(somebody):.5E}".replace(".", ",") if cut else somebody,
        f"0812{number:08d}",
        f"Jl. Ukur {number}, RT 01/RW 02",
        province.kelurahan(OFFICE, dice.randrange(10_000)),
        dice.choice(("UMKM", "IKM")),
        f"Rp {dice.randrange(1, 500)}.000.000",
    )


def workbook(rows: list[Row]) -> bytes:
    """Returns the rows as an office would send them, a title above."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_string(0, 0, "Data UMKM binaan")
        for place, row in enumerate((LABELS, *rows), start=2):
            for column, text in enumerate(row):
                sheet.write_string(place, column, text)
    return target.getvalue()


class _Watch:
    """The greatest memory that the api and its children have held at one instant; what they share counts once."""

    def __init__(self, installation: Installation) -> None:
        self.peak = 0
        pids = {process.name: process.pid for process in installation.processes()}
        self._api = psutil.Process(pids["registry-api"])

    async def run(self) -> None:
        while True:
            with suppress(psutil.Error):
                self.peak = max(self.peak, self._held())
            await asyncio.sleep(_LOOK_SECONDS)

    def _held(self) -> int:
        children = [child.memory_full_info().uss for child in self._api.children(recursive=True)]
        return int(self._api.memory_info().rss + sum(children))


async def _copied_per_second(installation: Installation, rows: list[Row]) -> float:
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        columns = ", ".join(f"c{place} text" for place in range(len(LABELS)))
        await connection.execute(_COPIED.format(columns))
        began = time.monotonic()
        await connection.copy_records_to_table("copied", schema_name="bench_import", records=rows)
        return len(rows) / (time.monotonic() - began)
    finally:
        await connection.close(timeout=5)
