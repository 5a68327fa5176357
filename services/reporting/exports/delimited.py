"""A report as CSV: UTF-8 with its mark, so that Excel knows; nothing that a spreadsheet would take for a formula.

The table stands first. What must be known of it follows beneath in lines that begin with #.
"""

import csv
import io
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from services.reporting.exports.chunks import chunks
from services.reporting.exports.report import Cell, Report
from shared.clock import WIB

_BEGIN_FORMULAS = ("=", "+", "-", "@")
_BEGIN_CELLS = ("\t", "\r", "\n")


class Separator(StrEnum):
    """What parts the columns. Excel in Bahasa Indonesia expects a semicolon, and then a comma in 12,5."""

    COMMA = "koma"
    SEMICOLON = "titik-koma"

    @property
    def sign(self) -> str:
        return ";" if self is Separator.SEMICOLON else ","

    @property
    def decimal(self) -> str:
        return "," if self is Separator.SEMICOLON else "."


async def write(report: Report, separator: Separator) -> AsyncIterator[bytes]:
    """Yields the file, as many rows at a time as `chunks` has."""
    yield b"\xef\xbb\xbf" + _lines([[column.label for column in report.columns]], separator)
    rows = 0
    async for chunk in chunks(report.rows):
        rows += len(chunk)
        yield _lines(chunk, separator)
    yield _lines(_about(report, rows), separator)


def _about(report: Report, rows: int) -> list[Sequence[Cell]]:
    lines: list[Sequence[Cell]] = [(), *((f"# {label}", text) for label, text in report.about())]
    for card in report.indicators:
        lines += [(f"# {card.name}: {label}", text) for label, text in card.told()]
    return [*lines, ("# Banyaknya baris", rows)]


def _lines(rows: Iterable[Sequence[Cell]], separator: Separator) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=separator.sign)
    writer.writerows([_written(cell, separator) for cell in row] for row in rows)
    return target.getvalue().encode()


def _written(cell: Cell, separator: Separator) -> str | int:
    match cell:
        case None:
            return ""
        case int():
            return cell
        case Decimal():
            return f"{cell:f}".replace(".", separator.decimal)
        case datetime():
            return cell.astimezone(WIB).isoformat(timespec="seconds")
        case date():
            return cell.isoformat()
        case _:
            return harmless(str(cell))


def harmless(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula: with an apostrophe before it, where one would.

    Some look past spaces, and some take the wide signs of other scripts for the plain ones.
    """
    begun = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return f"'{text}" if text.startswith(_BEGIN_CELLS) or begun.startswith(_BEGIN_FORMULAS) else text
