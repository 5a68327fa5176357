"""CSV and its relatives: `;`, `,` or tab, with or without a BOM, UTF-8 or windows-1252."""

import codecs
import csv
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from shared.sheets.tables import HEAD_ROWS, SheetRow, fitness
from shared.sheets.wire import SheetRefused

_DELIMITERS = ";,\t|"
_MOST_LINES = 100  # of one record; more is a quote that nobody closed
_END = "\x00end"


def read(content: bytes, labels: frozenset[str]) -> Iterator[SheetRow]:
    """Returns the records that are not blank, numbered from 1. Raises SheetRefused, here or on the way."""
    text = _decode(content)
    if "\x00" in text:
        raise SheetRefused("Berkas ini bukan lembar kerja.", "Kirim berkas .xlsx atau .csv.")
    return _rows(text, _delimiter(text, labels))


def _decode(content: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252", errors="replace")


def _delimiter(text: str, labels: frozenset[str]) -> str:
    """The one under which the header is recognised best; then the one that parts the most."""

    def score(delimiter: str) -> tuple[int, int]:
        rows = list(islice(_rows(text, delimiter), HEAD_ROWS))
        return fitness(rows, labels), sum(len(row.cells) > 1 for row in rows)

    return max(_DELIMITERS, key=score)


def _rows(text: str, delimiter: str) -> Iterator[SheetRow]:
    # A last record of our own: if a quote is left open, it is swallowed, and so it is known.
    reader = csv.reader(_lines(text), delimiter=delimiter)
    before = number = 0
    try:
        for number, record in enumerate(reader, start=1):
            if record == [_END]:
                return
            if reader.line_num - before > _MOST_LINES:
                break
            before = reader.line_num
            cells = _trimmed(record)
            if any(cell.strip() for cell in cells if cell):
                yield SheetRow(number, cells)
    except csv.Error:
        pass  # a field beyond the module's limit: the same open quote
    raise SheetRefused(
        f"Tanda petik di baris {number} dibuka tetapi tidak ditutup.", 'Hapus tanda petik (") itu, lalu kirim lagi.'
    )


def _lines(text: str) -> Iterator[str]:
    yield from StringIO(text if text.endswith(("\n", "\r")) else text + "\n", newline="")
    yield _END


def _trimmed(record: list[str]) -> tuple[str | None, ...]:
    while record and not record[-1].strip():
        record.pop()
    return tuple(cell or None for cell in record)
