"""A workbook is a ZIP archive: what its directory promises is checked before anything is unpacked."""

from io import BytesIO
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
