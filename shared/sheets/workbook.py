"""Workbooks: calamine reads the values; what it leaves out (merged ranges, cells without a value) is filled in here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from math import isfinite
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from shared.sheets.archive import open_workbook, unread_cells
from shared.sheets.cells import Cell, is_blank
from shared.sheets.formats import Chosen
from shared.sheets.tables import HEAD_ROWS, SheetRow, fitness
from shared.sheets.wire import MOST_COLUMNS, SheetRefused


@dataclass(frozen=True)
class _Candidate:
    index: int
    visible: bool
    fitness: int
    filled: bool

    def rank(self) -> tuple[int, bool, bool, int]:
        return (self.fitness, self.filled, self.visible, -self.index)


def choose_sheet(content: bytes, labels: frozenset[str]) -> Chosen:
    """Returns the sheet whose header shows most of the labels: of equals a visible one, then the first.

    Raises SheetRefused for what is no workbook, a bomb, or empty.
    """
    archive = open_workbook(content)
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        best, others = _best(workbook, labels)
        rows = _rows(workbook.get_sheet_by_index(best.index), unread_cells(archive, best.index))
    except (CalamineError, BadZipFile, ParseError, KeyError):
        raise SheetRefused("Berkas .xlsx ini rusak.", "Buka dan simpan ulang di Excel, lalu kirim lagi.") from None
    return Chosen(rows, tuple(_remarks(best, others)))


def _best(workbook: CalamineWorkbook, labels: frozenset[str]) -> tuple[_Candidate, list[_Candidate]]:
    """The best of the workbook's sheets and the others. A lone one is read once only, for reading takes the time."""
    sheets = [(at, each) for at, each in enumerate(workbook.sheets_metadata) if each.typ is SheetTypeEnum.WorkSheet]
    if len(sheets) == 1:
        return _Candidate(sheets[0][0], visible=True, fitness=0, filled=True), []
    candidates = [_candidate(workbook, at, each, labels) for at, each in sheets]
    best = max(candidates, key=_Candidate.rank, default=None)
    if best is None or not best.filled:
        raise SheetRefused("Buku kerja ini kosong.", "Isi lembar kerjanya, simpan, lalu kirim lagi.")
    return best, [each for each in candidates if each is not best]


def _candidate(workbook: CalamineWorkbook, index: int, told: SheetMetadata, labels: frozenset[str]) -> _Candidate:
    head = list(islice(_rows(workbook.get_sheet_by_index(index), {}), HEAD_ROWS))
    return _Candidate(index, told.visible is SheetVisibleEnum.Visible, fitness(head, labels), bool(head))


def _remarks(best: _Candidate, others: list[_Candidate]) -> Iterator[str]:
    """No sheet is passed over in silence; a sheet's name is not repeated, it may be somebody's."""
    if others:
        yield f"Dibaca: lembar ke-{best.index + 1} dari {len(others) + 1}."
    alike = [f"ke-{each.index + 1}" for each in others if each.fitness > 1 and 2 * each.fitness >= best.fitness]
    if alike:
        yield f"Lembar {', '.join(alike)} juga berisi tabel dan tidak ikut dibaca; unggah masing-masing sendiri."


def _rows(sheet: CalamineSheet, unread: Mapping[tuple[int, int], str]) -> Iterator[SheetRow]:
    """The rows that are not blank. Covered cells are blank; `spread` has what their range shows."""
    if sheet.total_width > 10 * MOST_COLUMNS:
        raise SheetRefused(f"Terlalu banyak kolom: paling banyak {MOST_COLUMNS}.", "Hapus kolom yang tidak diperlukan.")
    ranges = _Ranges(sheet.merged_cell_ranges or [])
    flaws = _by_row(unread)
    for at, values in _numbered(sheet, flaws):
        cells = _trimmed(_filled(values, flaws.get(at, {})))
        spread = ranges.over(at, cells)
        if cells:
            yield SheetRow(at + 1, cells, spread)


def _numbered(sheet: CalamineSheet, flaws: Mapping[int, object]) -> Iterator[tuple[int, Sequence[Cell]]]:
    """The rows that calamine sees, and beneath them those of which it reads no cell."""
    seen = -1
    for seen, values in enumerate(sheet.iter_rows()):
        yield seen, values
    yield from ((at, []) for at in sorted(flaws) if at > seen)


def _by_row(unread: Mapping[tuple[int, int], str]) -> dict[int, dict[int, str]]:
    rows: dict[int, dict[int, str]] = {}
    for (row, column), text in unread.items():
        rows.setdefault(row, {})[column] = text
    return rows


def _filled(values: Sequence[Cell], flaws: Mapping[int, str]) -> Sequence[Cell]:
    width = max(len(values), *(at + 1 for at in flaws), 0)
    return [flaws.get(at, values[at] if at < len(values) else None) for at in range(width)] if flaws else values


class _Ranges:
    """Merged ranges, asked row by row from the top."""

    def __init__(self, ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        self._waiting = sorted(ranges, reverse=True)
        self._open: list[tuple[int, int, int, Cell]] = []  # last row, first and last column, value

    def over(self, row: int, cells: tuple[Cell, ...]) -> dict[int, Cell]:
        while self._waiting and self._waiting[-1][0][0] <= row:
            (_, first), (last_row, last) = self._waiting.pop()
            value = cells[first] if first < len(cells) else None
            if not is_blank(value):
                self._open.append((last_row, first, last, value))
        self._open = [each for each in self._open if each[0] >= row]
        covered = {
            at: value for _, first, last, value in self._open for at in range(first, min(last, MOST_COLUMNS) + 1)
        }
        return {at: value for at, value in covered.items() if at >= len(cells) or cells[at] is None}


def _trimmed(values: Sequence[Cell]) -> tuple[Cell, ...]:
    width = len(values)
    while width and is_blank(values[width - 1]):
        width -= 1
    return tuple(map(_cell, values[:width]))


def _cell(value: Cell) -> Cell:
    if value == "":
        return None
    # "1e999" in the XML is no number that anybody can write down again.
    return "#NUM!" if isinstance(value, float) and not isfinite(value) else value
