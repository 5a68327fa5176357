"""Where the table of a sheet is: its header, which column means which field, and which rows are no data. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from shared.sheets.cells import Cell, text_of
from shared.sheets.columns import OWN_LABELS, Column, Names, Own, column_letter, fold, within
from shared.sheets.contents import Sample, guessed, unswapped

HEAD_ROWS = 60  # a header further down is no header
_FEWEST_LABELS = 2


@dataclass(frozen=True)
class SheetRow:
    """A row that is not blank. `number` counts as a spreadsheet does (in CSV: the record's number, from 1).

    Printing one tells its number only. `spread` tells what a merged cell's range shows in this row's covered cells,
    which are blank in `cells`.
    """

    number: int
    cells: tuple[Cell, ...] = field(repr=False)
    spread: Mapping[int, Cell] = field(default_factory=dict, repr=False)

    def at(self, column: int) -> Cell:
        return self.cells[column] if column < len(self.cells) else None

    def texts(self) -> list[str]:
        """Returns what each cell shows, covered cells as their range does."""
        if not self.spread:
            return [text_of(cell) for cell in self.cells]
        width = max(len(self.cells), *(column + 1 for column in self.spread), 0)
        return [text_of(self.spread.get(column, self.at(column))) for column in range(width)]


@dataclass(frozen=True)
class Table:
    """`fields` are by column, `own` are the columns of our result sheet, `remarks` are in Bahasa."""

    header_rows: tuple[int, ...]
    labels: tuple[str, ...]
    fields: Mapping[int, str]
    columns: Mapping[str, Column]
    remarks: tuple[str, ...] = ()
    own: Mapping[Own, int] = field(default_factory=dict)

    def filled(self, row: SheetRow) -> SheetRow:
        """Returns the row with what vertically merged cells say of it too, in the columns that spread.

        Only there: a place or an owner merged over ten rows is that of ten businesses, one amount is not ten amounts.
        """
        spread = {at: cell for at, cell in row.spread.items() if self._spreads(at)}
        if not spread:
            return row
        width = max(len(row.cells), *(at + 1 for at in spread), 0)
        return replace(row, cells=tuple(spread.get(at, row.at(at)) for at in range(width)))

    def cells_of(self, row: SheetRow) -> dict[str, Cell]:
        """Returns the row's cells by field."""
        return {name: row.at(column) for column, name in self.fields.items()}

    def _spreads(self, column: int) -> bool:
        return column in self.fields and self.columns[self.fields[column]].spreads


class TableNotFound(Exception):
    """No table, or one without what is needed: `labels` are those that were seen, for giving them fields."""

    def __init__(self, message: str, cure: str, labels: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.labels = labels


@dataclass(frozen=True)
class _Header:
    rows: tuple[SheetRow, ...]
    labels: tuple[str, ...]
    fields: Mapping[int, str]

    @property
    def score(self) -> int:
        return len(set(self.fields.values()))

    @property
    def is_merged(self) -> bool:
        """Whether cells reach from the first row into the second: then the two are one header."""
        return len(self.rows) > 1 and any(self.rows[0].at(at) == cell for at, cell in self.rows[1].spread.items())


def find_table(rows: Sequence[SheetRow], columns: Sequence[Column], remembered: Mapping[str, str]) -> Table:
    """Returns the table whose header is among the sheet's first rows; `remembered` are the office's own labels.

    Raises TableNotFound if no row is like a header, or if a required column is not there.
    """
    header = _best_header(rows[:HEAD_ROWS], Names(columns, remembered))
    known = {column.field: column for column in columns}
    own = _own_columns(header.labels)
    below = [row for row in rows if row.number > header.rows[-1].number]
    sample = Sample.of([row.texts() for row in below], len(header.labels), taken=own.values())
    fields, doubled = _single(header, own.values(), known, sample)
    fields, found = guessed(fields, header.labels, known, sample)
    fields, swapped = unswapped(fields, known, sample)
    _require(columns, fields, header.labels)
    numbers = tuple(row.number for row in header.rows)
    # Cells beside the last label stay in the sheet, under no label.
    width = max(len(header.labels), *(len(row.cells) for row in below), 0)
    labels = header.labels + ("",) * (width - len(header.labels))
    return Table(numbers, labels, fields, known, (*doubled, *found, *swapped), own)


def fitness(rows: Sequence[SheetRow], labels: frozenset[str]) -> int:
    """Returns how many known labels (folded) the best row of a sheet shows: the sheet with the most is the table's."""
    return max((len({fold(text) for text in row.texts()} & labels) for row in rows[:HEAD_ROWS]), default=0)


def _best_header(rows: Sequence[SheetRow], names: Names) -> _Header:
    single = [_header((row,), names) for row in rows]
    double = [
        _header(pair, names) for pair in pairwise(rows) if pair[1].number == pair[0].number + 1 and _only_texts(pair[1])
    ]
    # max() takes the first of equals: one row rather than two, the upper rather than the lower.
    best = max([*single, *double], key=lambda header: (header.score, header.is_merged), default=None)
    if best is None or best.score < _FEWEST_LABELS:
        raise TableNotFound(
            "Tidak ada baris judul kolom yang dikenal.",
            "Beri satu baris judul di atas data, seperti pada templat impor.",
            _widest(rows),
        )
    return best


def _header(rows: tuple[SheetRow, ...], names: Names) -> _Header:
    labels = _joined(*rows) if len(rows) > 1 else _plain(rows[0])
    return _Header(rows, tuple(called[0] for called in labels), names.read(labels))


def _plain(row: SheetRow) -> list[tuple[str, ...]]:
    """Our result sheet has the labels of two header rows joined in one: they mean there what they meant before."""
    texts = row.texts()
    return [within(text) for text in texts] if _own_columns(texts) else [(text,) for text in texts]


def _joined(upper: SheetRow, lower: SheetRow) -> list[tuple[str, ...]]:
    """Both rows as one, with what may be the label if both together are none.

    A group's label stands over its first column; in CSV, and often in XLSX, the cells beside it are just empty.
    """
    top, bottom = upper.texts(), lower.texts()
    width = max(len(top), len(bottom))
    top += [""] * (width - len(top))
    bottom += [""] * (width - len(bottom))
    labels: list[tuple[str, ...]] = []
    group = ""
    for above, below in zip(top, bottom, strict=True):
        group = above or (group if below else "")
        both = " ".join(dict.fromkeys(part for part in (group, below) if part))
        labels.append((both, below, above))
    return labels


def _only_texts(row: SheetRow) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip().isdigit()) for cell in row.cells)


def _widest(rows: Sequence[SheetRow]) -> tuple[str, ...]:
    return tuple(max((row.texts() for row in rows), key=lambda texts: sum(map(bool, texts)), default=[]))


def _own_columns(labels: Sequence[str]) -> dict[Own, int]:
    """Our result sheet's columns, if all of them are there side by side: a lone `Status` is the office's."""
    folded = [fold(label) for label in labels]
    for first in range(len(folded) - len(Own), -1, -1):
        row, status, subject, reason, cure = folded[first : first + len(Own)]
        if (row, status, reason, cure) == OWN_LABELS and subject.startswith("id "):
            return {own: first + place for place, own in enumerate(Own)}
    return {}


def _single(
    header: _Header, taken: Collection[int], known: Mapping[str, Column], sample: Sample
) -> tuple[dict[int, str], list[str]]:
    """One column for each field: of two with one label the first that is filled. Our own columns have no field."""
    fields, remarks = {at: name for at, name in header.fields.items() if at not in taken}, []
    for name in dict.fromkeys(fields.values()):
        places = [at for at, other in fields.items() if other == name]
        if len(places) > 1:
            chosen = max(places, key=lambda at: (sample.filled(at) > 0, -at))
            fields = {at: other for at, other in fields.items() if other != name or at == chosen}
            remarks.append(
                f"Ada {len(places)} kolom untuk {known[name].label}; yang dipakai kolom {column_letter(chosen)}."
            )
    return fields, remarks


def _require(columns: Sequence[Column], fields: Mapping[int, str], labels: tuple[str, ...]) -> None:
    missing = [column.label for column in columns if column.required and column.field not in fields.values()]
    if missing:
        raise TableNotFound(
            f"Kolom ini tidak ditemukan: {', '.join(missing)}.",
            "Tambahkan kolomnya, atau samakan judulnya dengan templat impor.",
            tuple(label for label in labels if label),
        )
