"""What kind of file was uploaded, told by its content and never by its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.sheets.tables import HEAD_ROWS, SheetRow
from shared.sheets.wire import LONGEST_CELL, MOST_COLUMNS, SheetRefused

MOST_ROWS = 50_000
_SAVE_AS = "Buka berkasnya di Excel atau LibreOffice, lalu simpan sebagai .xlsx."
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True)
class Chosen:
    """The sheet to be read; its rows come once."""

    rows: Iterator[SheetRow]
    remarks: tuple[str, ...] = ()


def choose_sheet(content: bytes, labels: frozenset[str]) -> Chosen:
    """Returns the sheet of the file whose header shows most of the labels. Raises SheetRefused."""
    chosen = _opened(content, labels)
    return Chosen(_within_limits(chosen.rows), chosen.remarks)


def _opened(content: bytes, labels: frozenset[str]) -> Chosen:
    from shared.sheets import delimited, workbook

    if not content.strip():
        raise SheetRefused("Berkas kosong.", "Pilih berkas yang berisi data.")
    if content.startswith(b"PK"):
        return workbook.choose_sheet(content, labels)
    _refuse_strangers(content)
    return Chosen(delimited.read(content, labels))


def _refuse_strangers(content: bytes) -> None:
    start = content[:512].lstrip().lower()
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if _ENCRYPTED in content:
            raise SheetRefused("Berkas ini dikunci dengan kata sandi.", "Hapus kata sandinya, simpan, lalu kirim lagi.")
        raise SheetRefused("Ini buku kerja Excel lama (.xls).", _SAVE_AS)
    if start.startswith(b"%pdf"):
        raise SheetRefused("Ini berkas PDF, bukan lembar kerja.", "Kirim lembar kerja aslinya (.xlsx atau .csv).")
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml")):
        raise SheetRefused("Ini halaman web, bukan lembar kerja.", _SAVE_AS)


def _within_limits(rows: Iterator[SheetRow]) -> Iterator[SheetRow]:
    count = 0
    for count, row in enumerate(rows, start=1):
        if count > MOST_ROWS + HEAD_ROWS:
            raise SheetRefused(
                "Terlalu banyak baris: paling banyak 50.000 baris data dalam satu berkas.",
                "Bagi menjadi beberapa berkas, misalnya satu berkas untuk setiap kecamatan.",
            )
        if len(row.cells) > MOST_COLUMNS:
            raise SheetRefused(
                f"Terlalu banyak kolom: paling banyak {MOST_COLUMNS}.", "Hapus kolom yang tidak diperlukan."
            )
        if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in row.cells):
            raise SheetRefused(
                f"Ada sel yang terlalu panjang di baris {row.number}.", "Pendekkan isinya; paling panjang 4.000 huruf."
            )
        yield row
    if count == 0:
        raise SheetRefused("Lembar ini kosong.", "Isi datanya, simpan, lalu kirim lagi.")
