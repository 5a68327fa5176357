"""Sound sheets, and what happens to sheets in offices (reliability.md §3)."""

import csv
from dataclasses import dataclass
from datetime import date
from io import BytesIO, StringIO
from typing import Any

from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from openpyxl.worksheet.worksheet import Worksheet

from shared.sheets.cells import Cell, text_of
from tests.unit.sheets.columns import HEADER

Rows = list[list[Cell]]
_TEXTS = st.sampled_from(
    [
        "Batik",
        "Toko\u00a0Jaya ",
        "Warung\nIbu",
        'Kios "A"',
        "Usaha; dua",
        "Koma, lagi",
        "Caf\u00e9",
        "'0812",
        "5 jt",
        "\u2013",
    ]
)
_NUMBERS = st.sampled_from([35.0, 3576015509800001.0, 3.57602e15, 81234567890.0, 0.5, 2])
_CELLS = st.one_of(st.none(), _TEXTS, _NUMBERS, st.just(date(2026, 11, 21)), st.just("=A1+1"))


@dataclass(frozen=True)
class Uploaded:
    """A file, the number of its header's row, and what shows in each row beneath it that is not blank."""

    content: bytes
    header: int
    beneath: dict[int, list[str]]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Rows, int]:
    """Returns the rows of a sheet and how many stand above its header: titles, blanks."""
    above: Rows = draw(st.lists(st.sampled_from([[], ["DATA UMKM"], ["Kota Mojokerto", None, "2026"]]), max_size=4))
    data: Rows = draw(st.lists(st.lists(_CELLS, max_size=len(HEADER) + 1), max_size=12))
    header: list[Cell] = list(HEADER)
    return [*above, header, *data], len(above)


@st.composite
def workbooks(draw: st.DrawFn) -> Uploaded:
    """Returns an .xlsx with other sheets before it, hidden sheets and rows, merged cells, either calendar."""
    rows, above = draw(tables())
    workbook = Workbook()
    workbook.epoch = draw(st.sampled_from([CALENDAR_WINDOWS_1900, CALENDAR_MAC_1904]))
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    for other in draw(st.lists(st.sampled_from(["Petunjuk", "Rekap"]), max_size=2)):
        added = workbook.create_sheet(other, 0)
        added.append(["Isi semua kolom", "lalu kirim"])
        added.sheet_state = draw(st.sampled_from(["visible", "hidden"]))
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row, start=1):
            sheet.cell(number, column, cell)
        sheet.row_dimensions[number].hidden = number > above + 1 and draw(st.booleans())
    _merge(draw, sheet, rows, above)
    stream = BytesIO()
    workbook.save(stream)
    return _uploaded(stream.getvalue(), rows, above)


@st.composite
def delimited(draw: st.DrawFn) -> Uploaded:
    """Returns a CSV with any delimiter, line end, encoding and habit of quoting."""
    rows, above = draw(tables())
    texts: Rows = [["" if cell is None else _written(cell) for cell in row] for row in rows]
    stream = StringIO(newline="")
    quoting: Any = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(
        stream,
        delimiter=draw(st.sampled_from(";,\t")),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=quoting,
    )
    writer.writerows(texts)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "windows-1252", "utf-16"]))
    return _uploaded(stream.getvalue().encode(encoding), texts, above)


def _written(cell: Cell) -> str:
    return cell.strftime("%d/%m/%Y") if isinstance(cell, date) else str(cell)


def _merge(draw: st.DrawFn, sheet: Worksheet, rows: Rows, above: int) -> None:
    """Merges cells of a column; what stood in the covered ones is gone, as in a spreadsheet."""
    first = above + 2
    last = draw(st.integers(first, first + 3))
    if last < len(rows) and draw(st.booleans()):
        column = draw(st.integers(1, len(HEADER)))
        sheet.merge_cells(start_row=first, end_row=last, start_column=column, end_column=column)
        for row in rows[first:last]:
            if len(row) >= column:
                row[column - 1] = None


def _uploaded(content: bytes, rows: Rows, above: int) -> Uploaded:
    shown = {number: [text_of(cell) for cell in row] for number, row in enumerate(rows, start=1)}
    beneath = {number: _trimmed(texts) for number, texts in shown.items() if number > above + 1 and any(texts)}
    return Uploaded(content, above + 1, beneath)


def _trimmed(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts
