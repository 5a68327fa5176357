"""One job while one process holds its lease: read the sheet, then work its rows, and say how far it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from shared import failpoint, metrics
from shared.imports import store
from shared.imports.content import Seal, read_row, stored_seal
from shared.imports.importer import Importer, Survey
from shared.imports.lanes import Lanes, Task
from shared.imports.reading import SheetReading
from shared.imports.rows import Remark, Row, RowOutcome, tally
from shared.imports.store import Failure, ImportRecord, SealedRow, State
from shared.postgres import UNAVAILABLE, Pool, transaction
from shared.privacy.sealing import SealError
from shared.sheets.tables import Table, TableNotFound
from shared.sheets.wire import SheetRefused

LEASE = timedelta(seconds=30)
_HOLD_SECONDS = 0.5  # so that progress is never older than a second
_PAGE = 200  # rows that are understood in a row hold up requests
_MOST_TRIES = 5
_NOT_REACHED = Remark("Impor terputus sebelum baris ini dikerjakan.", "Unggah lagi lembar ini.")
_CANCELLED = Remark("Impor dibatalkan sebelum baris ini dikerjakan.", "Unggah lagi lembar ini bila perlu.")
_BROKEN_OFF = Failure(
    "Impor ini berulang kali terputus di tengah jalan.", "Bagi lembarnya menjadi beberapa berkas, atau hubungi admin."
)
_UNREADABLE = Failure("Isi impor ini tidak bisa dibuka lagi.", "Unggah lagi lembarnya.")


class Run:
    """What is kept of it survives a crash: rows that have a status are never worked again, the others are."""

    def __init__(
        self,
        pool: Pool,
        importer: Importer,
        record: ImportRecord,
        lease: UUID,
        stopping: asyncio.Event,
        clock: Callable[[], datetime],
    ) -> None:
        self.job = record.job
        self._pool = pool
        self._importer = importer
        self._record = record
        self._lease = lease
        self._stopping = stopping
        self._clock = clock
        self._cancelled = record.cancel_requested
        self._lost = False
        self._held_until = clock() + LEASE
        self._ended: dict[int, RowOutcome] = {}
        self._saving = asyncio.Lock()
        self._log = structlog.get_logger(job=str(record.job.id))

    @property
    def halted(self) -> bool:
        """Whether no further row is to be begun here."""
        return self._cancelled or self._lost or self._stopping.is_set()

    async def finish(self) -> None:
        """Works until the job has ended, or leaves it to whoever takes it next. Raises LeaseLost, or UNAVAILABLE."""
        keeper = asyncio.create_task(self._keep(), name="import_keeper")
        try:
            await self._finish()
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _finish(self) -> None:
        try:
            if self._record.tries > _MOST_TRIES:
                await self._end(State.FAILED, _BROKEN_OFF)
                return
            seal = await self._seal()
            survey = self._importer.survey(self.job)
            table = await self._table(seal, survey)
            if not self._cancelled:
                await self._work(seal, table, survey)
        except (SheetRefused, TableNotFound) as refused:
            await self._end(State.FAILED, Failure(refused.message, refused.cure))
        except SealError:
            await self._end(State.FAILED, _UNREADABLE)
        else:
            await self._end_or_leave()

    async def _seal(self) -> Seal:
        async with transaction(self._pool, [self.job.office]) as connection:
            wrapped = await store.read_key(connection, self.job.id)
        if wrapped is None:
            raise SealError("its key is gone")
        return stored_seal(self._importer, self.job.id, wrapped)

    async def _table(self, seal: Seal, survey: Survey) -> Table:
        """The table as it was found; its rows were seen by the survey."""
        if self._record.found_sealed is None:
            found = await SheetReading(self._pool, self._importer, self.job, seal, self.saving).read(survey)
            return found.table(self._importer)
        table = seal.open_found(self._record.found_sealed).table(self._importer)
        if self._importer.looks_over:
            await self._look_over(seal, table, survey)
        return table

    async def _work(self, seal: Seal, table: Table, survey: Survey) -> None:
        lanes = Lanes(self._pool, self._importer, self.job, await survey.rules(), self)
        async for page in self._pages(open_only=True):
            tasks = [Task(self._read(seal, table, row), row.fingerprint) for row in page if row.fingerprint is not None]
            await lanes.work(tasks)
            await self.save()
            if self.halted:
                return

    def _read(self, seal: Seal, table: Table, row: SealedRow) -> Row:
        return read_row(table, seal.open_row(row.number, row.content))

    async def _look_over(self, seal: Seal, table: Table, survey: Survey) -> None:
        async for page in self._pages(open_only=False):
            for row in page:
                if row.fingerprint is not None:
                    survey.see(self._read(seal, table, row))
            await asyncio.sleep(0)  # requests come first

    async def _pages(self, *, open_only: bool) -> AsyncIterator[Sequence[SealedRow]]:
        after = 0
        while page := await self._page(after, open_only=open_only):
            yield page
            after = page[-1].number

    async def _page(self, after: int, *, open_only: bool) -> Sequence[SealedRow]:
        async with transaction(self._pool, [self.job.office]) as connection:
            return await store.read_rows(connection, self.job.id, after, _PAGE, open_only=open_only)

    def end_row(self, number: int, outcome: RowOutcome) -> None:
        """Notes what became of a row; it is saved within the second."""
        self._ended[number] = outcome

    async def save(self) -> None:
        """Saves what became of rows, prolongs the lease, and learns whether to cancel. Raises LeaseLost."""
        async with self._saving:
            ended = dict(self._ended)
            async with self.saving() as connection:
                if ended:
                    await store.end_rows(connection, self.job.id, ended)
                if ended and not self.job.dry_run:
                    await store.remember_rows(connection, self.job, ended)
            for number in ended:
                del self._ended[number]
        for status, count in tally(ended.values()).items():
            metrics.IMPORT_ROWS.labels(status).inc(count)

    @asynccontextmanager
    async def saving(self) -> AsyncIterator[Any]:
        """Yields a transaction of whoever holds the lease. Raises LeaseLost."""
        until = self._clock() + LEASE
        async with transaction(self._pool, [self.job.office]) as connection:
            self._cancelled |= await store.hold_lease(connection, self.job.id, self._lease, until)
            yield connection
        self._held_until = until

    async def _keep(self) -> None:
        """Saves and prolongs while rows are worked; a lease that could not be prolonged in time is lost."""
        while not self._lost:
            await asyncio.sleep(_HOLD_SECONDS)
            try:
                await self.save()
            except store.LeaseLost:
                self._lost = True
            except UNAVAILABLE:
                self._lost = self._clock() >= self._held_until

    async def _end_or_leave(self) -> None:
        if self._cancelled:
            await self._end(State.CANCELLED)
        elif self._lost:
            raise store.LeaseLost
        elif self._stopping.is_set():
            async with transaction(self._pool, [self.job.office]) as connection:
                await store.let_go(connection, self.job.id, self._lease)
        else:
            await self._end(State.DONE)

    async def _end(self, state: State, failure: Failure | None = None) -> None:
        await self.save()
        await failpoint.point("imports.before_end")
        async with self.saving() as connection:
            if state is State.FAILED and self._record.found_sealed is None:
                await store.begin_reading(connection, self.job.id)  # half a sheet is none
            elif state is not State.DONE:
                why = _CANCELLED if state is State.CANCELLED else _NOT_REACHED
                await store.skip_rest(connection, self.job.id, why)
            await store.end_import(connection, self.job.id, state, self._clock(), failure)
        self._log.info("import_ended", state=state)
