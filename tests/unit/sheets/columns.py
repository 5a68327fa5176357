"""Columns for sheets under test."""

import re
from collections.abc import Iterable

from shared.sheets.cells import Cell
from shared.sheets.columns import Column, known_labels
from shared.sheets.tables import SheetRow

COLUMNS = (
    Column("name", "Nama Usaha", ("nama produk", "trade name"), required=True),
    Column(
        "owner",
        "Nama Pemilik",
        ("nama", "owner name"),
        required=True,
        fits=lambda text: not re.search(r"\d", text),
    ),
    Column("nik", "NIK", ("no ktp", "nomor ktp"), required=True, fits=lambda text: text.isdigit() and len(text) == 16),
    Column("phone", "No. HP", ("no wa", "telepon"), fits=lambda text: text.startswith("08") and len(text) < 14),
    Column("place", "Kelurahan", ("desa", "kelurahan/desa"), spreads=True),
    Column("cooperative", "NIK Koperasi", ("nomor induk koperasi",)),
    Column("sales", "Omzet per Tahun", ("omzet", "annual sales")),
)
KNOWN = known_labels(COLUMNS, {})
HEADER = ("No", "Nama Usaha", "Nama Pemilik", "NIK", "No. HP", "Kelurahan", "Omzet per Tahun")
NIK = "3576015509800001"


def data(number: int, name: str = "Batik") -> tuple[Cell, ...]:
    return (number, name, "Siti", f"35760155098{number:05d}", f"0812345{number:05d}", "Mentikan", "50 jt")


def sheet(*rows: Iterable[Cell]) -> list[SheetRow]:
    """Returns the rows that are not blank, as the reader gives them."""
    return [SheetRow(number, tuple(row)) for number, row in enumerate(rows, start=1) if any(row)]
