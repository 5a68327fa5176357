"""Files that are not what they say, or more than they look."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import IO

import xlsxwriter

from tests.unit.sheets.columns import HEADER

_SHEET = "xl/worksheets/sheet1.xml"
_OPENING = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b'<row r="1"><c r="B1" t="inlineStr"><is><t>Nama Usaha</t></is></c></row>'
)


def workbook(rows: int, *, last: tuple[int, int] | None = None, formatted: int = 0) -> bytes:
    """Returns a workbook with so many rows of data, a cell far away, or formatted cells with nothing in them."""
    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        sheet.write_row(0, 0, HEADER)
        for number in range(1, rows + 1):
            sheet.write_row(number, 0, [number, "Batik", "Siti", f"35760155{number:08d}", "0812", "Mentikan", 5])
        for number in range(rows + 1, rows + 1 + formatted):
            sheet.write_blank(number, 0, None, bold)
        if last is not None:
            sheet.write(*last, "x")
    return stream.getvalue()


def many_rows(rows: int) -> bytes:
    """Returns a workbook of so many small rows, made without holding them."""
    return _with_sheet(
        lambda part: [part.write(b'<row r="%d"><c r="B%d"><v>1</v></c></row>' % (at, at)) for at in range(2, rows + 2)]
    )


def bomb(megabytes: int) -> bytes:
    """Returns a workbook whose sheet is so large when it is unpacked, of next to nothing."""
    return _with_sheet(lambda part: [part.write(b" " * 1024 * 1024) for _ in range(megabytes)])


def understated(content: bytes, size: int) -> bytes:
    """Returns the archive with another size in its directory for the sheet: the check is told a lie."""
    raw = bytearray(content)
    name = raw.rindex(_SHEET.encode())
    entry = raw.rindex(b"PK\x01\x02", 0, name)
    raw[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    return bytes(raw)


def with_part(name: str, content: bytes, parts: int = 1) -> bytes:
    """Returns a workbook with so many more parts."""
    stream = BytesIO(workbook(1))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(parts):
            archive.writestr(f"{name}{number}", content)
    return stream.getvalue()


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """Returns the workbook with other bytes in its first sheet."""
    sheet = zipfile.ZipFile(BytesIO(content)).read(_SHEET)
    return _rewritten(content, lambda part: part.write(sheet.replace(old, new)))


def _with_sheet(write: Callable[[IO[bytes]], object]) -> bytes:
    def whole(part: IO[bytes]) -> None:
        part.write(_OPENING)
        write(part)
        part.write(b"</sheetData></worksheet>")

    return _rewritten(workbook(1), whole)


def _rewritten(content: bytes, write: Callable[[IO[bytes]], object]) -> bytes:
    source, stream = zipfile.ZipFile(BytesIO(content)), BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.infolist():
            with archive.open(entry.filename, "w") as part:
                if entry.filename == _SHEET:
                    write(part)
                else:
                    part.write(source.read(entry.filename))
    return stream.getvalue()
