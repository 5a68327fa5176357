"""What an import holds of people: its file, its rows and what was found in it, sealed under a key of the job."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from uuid import UUID

from shared.imports.importer import Importer
from shared.imports.rows import Row
from shared.imports.said import read_said
from shared.privacy.sealing import PersonKey, WrappedKey
from shared.sheets.columns import Own
from shared.sheets.tables import SheetRow, Table
from shared.sheets.wire import decode_row, encode_row

PIECE_BYTES = 1_048_576


class Seal:
    """Seals and opens what belongs to one job; elsewhere it does not open."""

    def __init__(self, key: PersonKey) -> None:
        self._key = key

    def pieces(self, content: bytearray) -> Iterator[bytes]:
        """Yields the file piece by piece, sealed."""
        view = memoryview(content)
        for place in range(0, len(content), PIECE_BYTES):
            yield self._key.seal_bytes(f"piece {place // PIECE_BYTES}", view[place : place + PIECE_BYTES])

    def open_piece(self, place: int, sealed: bytes) -> bytes:
        return self._key.open_bytes(f"piece {place}", sealed)

    def row(self, row: SheetRow) -> bytes:
        return self._key.seal(f"row {row.number}", encode_row(row))

    def open_row(self, number: int, sealed: bytes) -> SheetRow:
        return decode_row(self._key.open_bytes(f"row {number}", sealed))

    def found(self, found: "Found") -> bytes:
        return self._key.seal("found", found.encoded())

    def open_found(self, sealed: bytes) -> "Found":
        return Found.decoded(self._key.open("found", sealed))


@dataclass(frozen=True)
class Found:
    """A table as it was found: `fields` and `own` are columns by number, `remarks` are in Bahasa."""

    labels: tuple[str, ...]
    fields: dict[int, str]
    own: dict[Own, int]
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, remarks: tuple[str, ...]) -> "Found":
        return cls(table.labels, dict(table.fields), dict(table.own), (*remarks, *table.remarks))

    def table(self, importer: Importer) -> Table:
        """Returns the table again, for reading rows by it."""
        columns = {column.field: column for column in importer.columns}
        return Table((), self.labels, self.fields, columns, self.remarks, self.own)

    def encoded(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decoded(cls, text: str) -> "Found":
        told = json.loads(text)
        fields = {int(at): name for at, name in told["fields"].items()}
        own = {Own(name): at for name, at in told["own"].items()}
        return cls(tuple(told["labels"]), fields, own, tuple(told["remarks"]))


def new_seal(importer: Importer, job: UUID) -> tuple[Seal, WrappedKey]:
    """Returns the seal of a new job, and its key for storing."""
    key, wrapped = importer.keys.new_key(job)
    return Seal(key), wrapped


def stored_seal(importer: Importer, job: UUID, wrapped: WrappedKey) -> Seal:
    """Returns the seal of a job that is stored. Raises SealError."""
    return Seal(importer.keys.unwrap(job, wrapped))


def read_row(table: Table, row: SheetRow) -> Row:
    """Returns a data row by its fields, with what the office has said of it in our own columns."""
    return Row(row.number, table.cells_of(table.filled(row)), read_said(table, row))


def kept(table: Table, row: SheetRow, importer: Importer) -> SheetRow:
    """Returns what is stored of a row: everything, or the cells of known columns alone."""
    if importer.keeps_all_columns:
        return row
    known = {*table.fields, *table.own.values()}
    cells = tuple(cell if at in known else None for at, cell in enumerate(row.cells))
    return SheetRow(row.number, cells, {at: cell for at, cell in row.spread.items() if at in known})
