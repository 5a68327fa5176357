"""What a service tells the import job: its columns, its keys, and what one row means to it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from shared.auth.principal import Principal
from shared.commands import Request
from shared.imports.rows import Row, RowOutcome
from shared.privacy.blind_index import BlindIndex
from shared.privacy.sealing import KeyWrapper
from shared.sheets.columns import Column


@dataclass(frozen=True)
class Job:
    """One uploaded sheet of one office. `principal` uploaded it, and every row is a command in his name."""

    id: UUID
    office: str
    dry_run: bool
    principal: Principal
    correlation_id: UUID


@dataclass(frozen=True)
class Entry:
    """A row, and the command that it is: the key is the row's own, so that what it did is found again."""

    job: Job
    row: Row
    fingerprint: bytes
    request: Request


@dataclass(frozen=True)
class Reader:
    """Who handled a sheet of personal data."""

    actor: str
    office: str
    job: UUID
    correlation_id: UUID


class RowCommand(Protocol):
    """A row as it was understood."""

    @property
    def keys(self) -> Collection[str]:
        """What it shares with others: rows that share a key run one after the other, in the order of the sheet."""
        ...

    async def execute(self, entry: Entry) -> RowOutcome:
        """Judges and executes the row, by `commands.execute_row`; a dry run leaves nothing.

        Raises Busy and what UNAVAILABLE names: then the row is tried again.
        """
        ...

    def prepare(self, entry: Entry) -> None:
        """Does what needs no database, while Postgres works at earlier rows."""
        ...


class RowRules(Protocol):
    """The rules for the rows of one sheet."""

    def read(self, row: Row) -> RowCommand:
        """Understands a row; what is wrong with it is told when it is executed."""
        ...

    async def execute_together(self, job: Job, commands: Sequence[RowCommand]) -> Sequence[RowOutcome | None]:
        """Executes those of some prepared rows, in the order of the sheet, about which nothing has to be decided.

        None: the row is to be executed by itself, after the others; in the end each has become of what it would have
        become one by one. Raises what `execute` raises.
        """
        ...


class Survey(Protocol):
    """Looks over a sheet while it is read, or once more after a crash."""

    def see(self, row: Row) -> None: ...

    async def rules(self) -> RowRules:
        """Returns the rules for its rows, all of which are stored by now; where they must be, all were seen."""
        ...


class Importer(Protocol):
    """One service's kind of sheet. `keys` seal the uploaded file and its rows, `index` makes their fingerprints."""

    columns: Sequence[Column]
    subject_label: str  # of the id in the result sheet: `ID Usaha`
    keeps_all_columns: bool  # else only the cells of known columns are stored, and repeated in the result
    looks_over: bool  # whether all rows must be seen before the first is read; else each speaks for itself
    keys: KeyWrapper
    index: BlindIndex

    def survey(self, job: Job) -> Survey: ...

    async def still_there(self, connection: Any, subjects: Collection[UUID]) -> set[UUID]:  # noqa: ANN401
        """Returns those of the subjects that the office still has."""
        ...

    async def note(self, connection: Any, action: str, reader: Reader) -> None:  # noqa: ANN401
        """Writes down in the trail who uploaded (`upload_import`) or read (`read_import`) a sheet."""
        ...
