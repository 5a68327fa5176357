"""From the uploaded file to stored rows, in bounded memory: a child reads it, pages of rows are sealed and stored."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from shared import failpoint
from shared.imports import store
from shared.imports.content import Found, Seal, kept, read_row
from shared.imports.importer import Importer, Job, Survey
from shared.imports.rows import Remark, RowOutcome, RowStatus
from shared.imports.store import SealedRow
from shared.postgres import Pool, transaction
from shared.sheets.columns import known_labels
from shared.sheets.reading import Sheet, open_sheet
from shared.sheets.skipping import why_skipped
from shared.sheets.tables import HEAD_ROWS, SheetRow, Table, find_table
from shared.sheets.wire import SheetRefused

_PAGE = 200
Saving = Callable[[], AbstractAsyncContextManager[Any]]


class SheetReading:
    """Reads one job's file. Begun again after a crash: what the first reading stored is dropped."""

    def __init__(self, pool: Pool, importer: Importer, job: Job, seal: Seal, saving: Saving) -> None:
        self._pool = pool
        self._importer = importer
        self._job = job
        self._seal = seal
        self._saving = saving

    async def read(self, survey: Survey) -> Found:
        """Stores every row beneath the header and shows it to the survey.

        Raises SheetRefused, TableNotFound, LeaseLost, UNAVAILABLE.
        """
        async with self._saving() as connection:
            await store.begin_reading(connection, self._job.id)
            remembered = await store.read_mapping(connection, self._job.office)
        labels = known_labels(self._importer.columns, remembered)
        async with open_sheet(await self._content(), labels) as sheet:
            found = await self._store_rows(sheet, remembered, survey)
        await failpoint.point("imports.after_reading")
        async with self._saving() as connection:
            await store.begin_working(connection, self._job.id, self._seal.found(found))
        return found

    async def _content(self) -> bytes:
        pieces: list[bytes] = []
        async with transaction(self._pool, [self._job.office]) as connection:
            while (sealed := await store.read_piece(connection, self._job.id, len(pieces))) is not None:
                pieces.append(self._seal.open_piece(len(pieces), sealed))
        return b"".join(pieces)

    async def _store_rows(self, sheet: Sheet, remembered: dict[str, str], survey: Survey) -> Found:
        rows = sheet.rows()
        head = [row async for row in _first(rows, HEAD_ROWS)]
        table = find_table(head, self._importer.columns, remembered)
        stored, page = 0, [row for row in head if row.number > table.header_rows[-1]]
        while page or (page := [row async for row in _first(rows, _PAGE)]):
            await self._store(table, page, survey)
            stored += len(page)
            page = []
        if not stored:
            raise SheetRefused("Tidak ada baris data di bawah judul kolom.", "Isi sedikitnya satu baris data.")
        return Found.of(table, sheet.remarks)

    async def _store(self, table: Table, page: list[SheetRow], survey: Survey) -> None:
        rows = [self._sealed(table, row, survey) for row in page]
        async with self._saving() as connection:
            await store.insert_rows(connection, self._job, rows)

    def _sealed(self, table: Table, row: SheetRow, survey: Survey) -> SealedRow:
        content = self._seal.row(kept(table, row, self._importer))
        why = why_skipped(row, table)
        if why is not None:
            return SealedRow(row.number, content, None, RowOutcome(RowStatus.SKIPPED, (Remark(_told(why)),)))
        told = read_row(table, row)
        survey.see(told)
        return SealedRow(row.number, content, told.fingerprint(self._importer.index), None)


async def _first(rows: AsyncIterator[SheetRow], most: int) -> AsyncIterator[SheetRow]:
    """Yields the next rows, so many at the most; the rest stays for the next call."""
    for _ in range(most):
        row = await anext(rows, None)
        if row is None:
            return
        yield row


def _told(why: str) -> str:
    return f"Bukan baris data: {why}."
