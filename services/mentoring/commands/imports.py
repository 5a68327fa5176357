"""Sheets of past sessions, row by row."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.mentoring.commands.past_sessions import import_session
from services.mentoring.domain.meaning import Colleague
from services.mentoring.domain.sheet import COLUMNS, lanes_of
from services.mentoring.store import consultants, import_accesses
from services.mentoring.store import sessions as store
from shared.clock import utc_now
from shared.imports.importer import Entry, Job, Reader, RowCommand
from shared.imports.rows import Row, RowOutcome
from shared.imports.store import drop_file
from shared.postgres import Pool, transaction
from shared.privacy.blind_index import BlindIndex
from shared.privacy.keys import Keys
from shared.privacy.sealing import KeyWrapper
from shared.sheets.columns import Column


class SessionImporter:
    """Sheets of past sessions. Implements shared.imports.importer.Importer.

    Of other columns nothing is kept: they hold clients' names and numbers, which belong into the registry alone.
    """

    columns: Sequence[Column] = COLUMNS
    subject_label = "ID Sesi"
    keeps_all_columns = False
    looks_over = False

    def __init__(self, pool: Pool, keys: Keys) -> None:
        self._pool = pool
        self.keys = KeyWrapper(keys)
        self.index = BlindIndex(keys.index_root, "mentoring.import_row.fingerprint")

    def survey(self, job: Job) -> "SessionSurvey":
        return SessionSurvey(self._pool, job)

    async def still_there(self, connection: Any, subjects: Collection[UUID]) -> set[UUID]:  # noqa: ANN401  pooled or plain
        """A session that was cancelled may be written down again."""
        return await store.still_standing(connection, subjects)

    async def note(self, connection: Any, action: str, reader: Reader) -> None:  # noqa: ANN401
        await import_accesses.write_access(connection, action, reader, utc_now())


class SessionSurvey:
    """Looks at nothing: each row speaks for itself."""

    def __init__(self, pool: Pool, job: Job) -> None:
        self._pool = pool
        self._job = job

    def see(self, row: Row) -> None: ...

    async def rules(self) -> "SessionRows":
        """Drops the file: its rows are stored by now, without the columns that are none of mentoring's business."""
        async with transaction(self._pool, [self._job.office]) as connection:
            await drop_file(connection, self._job.id)
            colleagues = await consultants.list_colleagues(connection, self._job.office)
        return SessionRows(self._pool, colleagues)


class SessionRows:
    """The rules for the rows of one sheet."""

    def __init__(self, pool: Pool, colleagues: Sequence[Colleague]) -> None:
        self._pool = pool
        self._colleagues = colleagues

    def read(self, row: Row) -> RowCommand:
        return _Row(self._pool, self._colleagues, lanes_of(row.cells))

    async def execute_together(self, job: Job, commands: Sequence[RowCommand]) -> Sequence[RowOutcome | None]:  # noqa: ARG002
        """None of them: each depends on what stands in its consultants' calendars."""
        return [None] * len(commands)


class _Row:
    """A row of a sheet; what is wrong with it is told when it is executed."""

    def __init__(self, pool: Pool, colleagues: Sequence[Colleague], keys: Collection[str]) -> None:
        self._pool = pool
        self._colleagues = colleagues
        self.keys = keys

    def prepare(self, entry: Entry) -> None: ...

    async def execute(self, entry: Entry) -> RowOutcome:
        return await import_session(self._pool, entry, self._colleagues)
