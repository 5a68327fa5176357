"""The sheets that we hand out: the result of an import, and the template. Texts stay texts; nothing is a formula."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

import xlsxwriter

from shared.sheets.cells import Cell
from shared.sheets.columns import Column

ROW, STATUS, REASON, CURE = "Baris", "Status", "Alasan", "Saran"
_SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FORMATS = {"day": "dd/mm/yyyy", "moment": "dd/mm/yyyy hh:mm", "time": "hh:mm", "span": "[h]:mm"}


@dataclass(frozen=True)
class ResultRow:
    """A row as it stood, and what became of it. `faults` are comments by column of the sheet."""

    number: int
    cells: Sequence[Cell] = field(repr=False)
    status: str
    subject: str = ""
    reason: str = ""
    cure: str = ""
    faults: Mapping[int, str] = field(default_factory=dict)


def write_result(target: BinaryIO, labels: Sequence[str], subject_label: str, rows: Iterable[ResultRow]) -> None:
    """Writes the sheet again with our columns behind it, so that it can be corrected and uploaded again."""
    with xlsxwriter.Workbook(target, _SAFE) as workbook:
        sheet, pen = workbook.add_worksheet("Hasil"), _Pen(workbook)
        header = [*labels, ROW, STATUS, subject_label, REASON, CURE]
        sheet.write_row(0, 0, header, pen.header)
        last = 0
        for last, row in enumerate(rows, start=1):
            for at in range(len(labels)):
                cell = row.cells[at] if at < len(row.cells) else None
                pen.write(sheet, last, at, cell, faulty=at in row.faults)
            own: list[Cell] = [row.number, row.status, row.subject, row.reason, row.cure]
            for at, cell in enumerate(own, start=len(labels)):
                pen.write(sheet, last, at, cell, faulty=False)
            for at, comment in row.faults.items():
                sheet.write_comment(last, at, comment)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, last, len(header) - 1)


def write_template(target: BinaryIO, columns: Sequence[Column]) -> None:
    """Writes an empty table, lists to choose from, and a sheet that explains each column with an example."""
    with xlsxwriter.Workbook(target, _SAFE) as workbook:
        sheet, pen = workbook.add_worksheet("Data"), _Pen(workbook)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, max(14, len(column.label) + 4), pen.text)
            sheet.write_string(0, at, column.label, pen.header)
            if column.choices:
                sheet.data_validation(1, at, 1000, at, {"validate": "list", "source": list(column.choices)})
        sheet.freeze_panes(1, 0)
        _explain(workbook.add_worksheet("Petunjuk"), pen, columns)


def _explain(sheet: Any, pen: "_Pen", columns: Sequence[Column]) -> None:  # noqa: ANN401  has no types
    for at, label in enumerate(("Kolom", "Wajib", "Keterangan", "Contoh isian")):
        sheet.write_string(0, at, label, pen.header)
    sheet.set_column(0, 3, 30)
    for row, column in enumerate(columns, start=1):
        told = (column.label, "ya" if column.required else "tidak", column.help, column.example)
        for at, text in enumerate(told):
            sheet.write_string(row, at, text, pen.text)


class _Pen:
    """The formats of one workbook, and how each kind of cell is written."""

    def __init__(self, workbook: Any) -> None:  # noqa: ANN401  has no types
        self.header = workbook.add_format({"bold": True, "text_wrap": True, "bg_color": "#DDE8F0"})
        self.text = workbook.add_format({"num_format": "@"})
        self._plain = {name: workbook.add_format({"num_format": code}) for name, code in _FORMATS.items()}
        self._plain |= {"text": self.text, "number": workbook.add_format()}
        self._faulty = {
            name: workbook.add_format({"num_format": code, "bg_color": "#FFC7CE"})
            for name, code in (_FORMATS | {"text": "@", "number": "General"}).items()
        }

    def write(self, sheet: Any, row: int, column: int, cell: Cell, *, faulty: bool) -> None:  # noqa: ANN401
        formats = self._faulty if faulty else self._plain
        match cell:
            case None | "":
                if faulty:
                    sheet.write_blank(row, column, None, formats["text"])
            case bool():
                sheet.write_boolean(row, column, cell)
            case int() | float():
                sheet.write_number(row, column, cell, formats["number"])
            case str():
                sheet.write_string(row, column, cell, formats["text"])
            case _:
                sheet.write_datetime(row, column, cell, formats[_kind(cell)])


def _kind(cell: date | time | timedelta) -> str:
    kinds = {datetime: "moment", date: "day", time: "time", timedelta: "span"}
    return kinds[type(cell)]
