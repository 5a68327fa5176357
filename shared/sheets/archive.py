"""A workbook is a ZIP archive: what its directory promises is checked before anything is unpacked."""

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from xml.etree import ElementTree as ET
from zipfile import BadZipFile, ZipFile, ZipInfo

from shared.sheets.wire import SheetRefused

_MOST_ENTRIES = 200
_MOST_IN_ENTRY = 64 * 1024 * 1024
_MOST_IN_ALL = 128 * 1024 * 1024
_MOST_RATIO = 100
_SMALL = 1024 * 1024  # a small part may well be nothing but repetition


def open_workbook(content: bytes) -> ZipFile:
    """Returns the archive. Raises SheetRefused for what is no .xlsx, or is a bomb."""
    try:
        archive = ZipFile(BytesIO(content))
    except (BadZipFile, ValueError, OverflowError):
        raise SheetRefused("Berkas .xlsx ini rusak.", "Buka dan simpan ulang di Excel, lalu kirim lagi.") from None
    entries = archive.infolist()
    if (
        len(entries) > _MOST_ENTRIES
        or sum(each.file_size for each in entries) > _MOST_IN_ALL
        or any(map(_is_bomb, entries))
    ):
        raise SheetRefused(
            "Isi berkas ini terlalu besar setelah dibuka.",
            "Salin datanya saja ke buku kerja baru, tanpa gambar dan tanpa baris kosong berformat, lalu simpan.",
        )
    if "xl/workbook.xml" not in archive.namelist():
        raise SheetRefused(
            "Berkas ini bukan buku kerja .xlsx.", "Buka di Excel atau LibreOffice, lalu simpan sebagai .xlsx."
        )
    return archive


def _is_bomb(entry: ZipInfo) -> bool:
    ratio = entry.file_size / max(entry.compress_size, 1)
    return entry.file_size > _MOST_IN_ENTRY or (entry.file_size > _SMALL and ratio > _MOST_RATIO)


# What calamine leaves out of a sheet's XML: cells with a formula and no stored value, and cells that hold an error.
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)(?<!/)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?v>(.+?)</(?:\w+:)?v>", re.DOTALL)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_LONGEST_SHOWN = 200


def unread_cells(archive: ZipFile, sheet: int) -> dict[tuple[int, int], str]:
    """Returns by row and column (from 0) what stands in the cells that have no value: `=…` or `#N/A`, as a text."""
    path = _path_of(archive, sheet)
    xml = archive.read(path) if path in archive.namelist() else b""
    if b"f>" not in xml and b'"e"' not in xml and b"<f" not in xml:
        return {}
    return dict(_unread(xml))


def _unread(xml: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for attributes, body in _CELL.findall(xml):
        place = _PLACE.search(attributes)
        text = _without_value(attributes, body)
        if place and text:
            yield (int(place[2]) - 1, _column(place[1])), unescape(text.decode(errors="replace"))[:_LONGEST_SHOWN]


def _without_value(attributes: bytes, body: bytes) -> bytes | None:
    """A formula may well have an empty text as its value: then the cell is of type `str`."""
    value = _VALUE.search(body)
    if b't="e"' in attributes:
        return value[1] if value else None
    formula = _FORMULA.search(body)
    if formula is None or value or b't="str"' in attributes:
        return None
    return b"=" + (formula[1] or b"")


def _path_of(archive: ZipFile, sheet: int) -> str:
    """The part of the archive that holds a sheet, by its place in the workbook."""
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  in the child, under its limits
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314  the same
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    sheets = [each.get(_RELATION) for each in book.iter() if each.tag.endswith("}sheet")]
    target = targets.get(sheets[sheet], "") if sheet < len(sheets) else ""
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
