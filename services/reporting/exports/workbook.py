"""A report as XLSX: typed cells, a header that stays, a filter, and a sheet that says what must be known.

Written row by row into a temporary file (no report holds personal data), so that memory does not grow with the rows.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from services.reporting.exports.chunks import chunks
from services.reporting.exports.report import Cell, Column, Report, Row, Type
from services.reporting.small_cells import Bounds
from shared.clock import WIB
from shared.http.problem import Problem

MOST_ROWS = 1_000_000  # a sheet of Excel ends at 1,048,576
_LONGEST_TEXT = 32_767
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "remove_timezone": False,
}
_FORMATS = {
    Type.TEXT: "@",
    Type.NUMBER: "#,##0",
    Type.DECIMAL: "#,##0.0",
    Type.DAY: "dd/mm/yyyy",
    Type.MOMENT: "dd/mm/yyyy hh:mm:ss",
}
_WIDTHS = {Type.TEXT: 26, Type.DAY: 12, Type.MOMENT: 20}


async def written(report: Report) -> BinaryIO:
    """Returns the file, at its beginning. It is the caller's to close; it has no name.

    Raises a 422 Problem for more rows than a sheet holds.
    """
    with tempfile.TemporaryDirectory(prefix="plut-export-") as scratch:
        target = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  outlives this block
        try:
            await _write(report, target, scratch)
        except BaseException:
            target.close()
            raise
    target.seek(0)
    return target


async def _write(report: Report, target: BinaryIO, scratch: str) -> None:
    book = _Book(report, target, scratch)
    try:
        async for chunk in chunks(report.rows):
            await asyncio.to_thread(book.add, chunk)
        book.explain()
    finally:
        await asyncio.to_thread(book.close)


class _Book:
    """The workbook while it is being written, in one thread at a time."""

    def __init__(self, report: Report, target: BinaryIO, scratch: str) -> None:
        self._report = report
        self._workbook = xlsxwriter.Workbook(target, {**_OPTIONS, "tmpdir": scratch})
        self._workbook.set_properties({"title": report.title, "comments": report.classification.value})
        self._formats = {kind: self._workbook.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        self._bold = self._workbook.add_format({"bold": True, "text_wrap": True, "bg_color": "#DDE8F0"})
        self._wrapped = self._workbook.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self._sheet = self._begin(report.columns)
        self._rows = 0

    def _begin(self, columns: Sequence[Column]) -> Any:  # noqa: ANN401  has no types
        sheet = self._workbook.add_worksheet("Data")
        for at, column in enumerate(columns):
            width = _WIDTHS.get(column.type, max(12, len(column.label) + 3))
            sheet.set_column(at, at, width, self._formats[column.type])
            sheet.write_string(0, at, column.label, self._bold)
        sheet.freeze_panes(1, 0)
        sheet.set_header("&L" + self._report.classification.value.replace("&", "&&"))
        return sheet

    def add(self, rows: Sequence[Row]) -> None:
        """Writes the next rows. Raises a 422 Problem beyond MOST_ROWS."""
        if self._rows + len(rows) > MOST_ROWS:
            raise _too_many()
        for row in rows:
            self._rows += 1
            for at, (cell, column) in enumerate(zip(row, self._report.columns, strict=True)):
                self._put(self._rows, at, cell, column.type)

    def _put(self, row: int, at: int, cell: Cell, kind: Type) -> None:
        match cell.exact if isinstance(cell, Bounds) and cell.exact is not None else cell:
            case None:
                pass
            case int() | Decimal() as number:
                self._sheet.write_number(row, at, number, self._formats[kind])
            case datetime() as moment:
                local = moment.astimezone(WIB).replace(tzinfo=None)
                self._sheet.write_datetime(row, at, local, self._formats[Type.MOMENT])
            case date() as day:
                self._sheet.write_datetime(row, at, day, self._formats[Type.DAY])
            case other:
                self._sheet.write_string(row, at, str(other)[:_LONGEST_TEXT], self._formats[Type.TEXT])

    def explain(self) -> None:
        """Writes the second sheet, when all rows are there."""
        self._sheet.autofilter(0, 0, self._rows, len(self._report.columns) - 1)
        sheet = self._workbook.add_worksheet("Keterangan")
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 100)
        lines = [*self._report.about(), ("Banyaknya baris", str(self._rows))]
        for card in self._report.indicators:
            lines += [("", ""), *card.told()]
        for row, (label, text) in enumerate(lines):
            sheet.write_string(row, 0, label, self._bold)
            sheet.write_string(row, 1, text, self._wrapped)

    def close(self) -> None:
        """Puts the parts together in the target."""
        self._workbook.close()


def _too_many() -> Problem:
    return Problem(
        422,
        "export-too-long",
        "Terlalu banyak baris untuk XLSX",
        f"Lembar Excel memuat paling banyak {MOST_ROWS} baris.",
        cure="Persempit pilihan, atau unduh sebagai CSV.",
    )
