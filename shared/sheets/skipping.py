"""Which rows beneath a header are no data. Pure.

A row is skipped for what it surely is; whatever could be data is data, and is told there what it lacks.
"""

import re

from shared.sheets.cells import is_blank, text_of
from shared.sheets.columns import fold
from shared.sheets.tables import SheetRow, Table

TOTAL = "baris jumlah"
SEPARATOR = "baris pemisah"
REPEATED_HEADER = "judul yang diulang"
COLUMN_NUMBERS = "nomor kolom"
NUMBER_ONLY = "hanya nomor urut"
NOTE = "catatan"

_TOTAL = re.compile(r"(?:sub|grand)?\s*(?:total|jumlah|jml|rata-rata|subtotal)\b.*", re.IGNORECASE)
_RULER = re.compile(r"[\W_]+")
_SECTION = re.compile(
    r"(?:[a-z]|[ivx]+|\d{1,2})?[.)]?\s*(?:kecamatan|kec|kelurahan|kel|desa|kota|kabupaten|kab|dusun|lingkungan|rt|rw|bulan|"
    r"tahun|triwulan|semester|sentra|kelompok|data)\b.*",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\*.*|(?:catatan|keterangan|ket|note|nb|sumber|mengetahui|menyetujui|nip|ttd|tanda tangan|kepala|petugas|"
    r"dicetak)\b.*",
    re.IGNORECASE,
)
_MOSTLY = 0.6
_ENOUGH = 3  # cells of known columns that make a row data though nothing that is required stands in it


def why_skipped(row: SheetRow, table: Table) -> str | None:
    """Returns None for a data row, else in Bahasa what the row is. Rows of above the header are not asked about."""
    texts = [text for text in row.texts() if text]
    if _repeats_header(texts, table):
        return REPEATED_HEADER
    if _numbers_columns(texts):
        return COLUMN_NUMBERS
    required, mapped = _filled(row, table)
    if required <= 1 and any(_TOTAL.fullmatch(text) for text in texts):
        return TOTAL
    if required >= 1 and len(texts) > 1 and len(set(texts)) > 1:
        return None
    return _lone(row, table, texts, mapped) if mapped < _ENOUGH else None


def _lone(row: SheetRow, table: Table, texts: list[str], mapped: int) -> str | None:
    """What a row of hardly any cell is. A lone text in a required column is data that lacks the rest."""
    if all(_RULER.fullmatch(text) for text in texts):
        return SEPARATOR
    if all(text.strip(".)").isdigit() for text in texts) and not mapped:
        return NUMBER_ONLY
    if any(_NOTE.fullmatch(text) for text in texts):
        return NOTE
    if len(set(texts)) == 1 and (row.spread or _SECTION.fullmatch(texts[0])):
        return SEPARATOR
    if _filled(row, table)[0]:
        return None
    return SEPARATOR if len(set(texts)) == 1 and not is_blank(row.at(0)) else NOTE


def _filled(row: SheetRow, table: Table) -> tuple[int, int]:
    """How many required columns, and how many with a field, hold something of their own; a count is no content."""
    required = mapped = 0
    for at, name in table.fields.items():
        column = table.columns[name]
        text = text_of(row.at(at))
        if text:
            mapped += 1
            required += column.required and not _TOTAL.fullmatch(text) and not (column.fits and _is_count(text))
    return required, mapped


def _is_count(text: str) -> bool:
    return text.isdigit() and len(text) < 7


def _repeats_header(texts: list[str], table: Table) -> bool:
    labels = {fold(label) for label in table.labels}
    known = sum(fold(text) in labels for text in texts)
    return len(texts) > 1 and known >= _MOSTLY * len(texts)


def _numbers_columns(texts: list[str]) -> bool:
    """`1 2 3 4` or `(1) (2) (3)` beneath the header, as printed forms have it."""
    numbers = [text.strip("()[]. ") for text in texts]
    return len(numbers) > _ENOUGH and numbers == [
        str(number) for number in range(int_or_zero(numbers[0]), int_or_zero(numbers[0]) + len(numbers))
    ]


def int_or_zero(text: str) -> int:
    return int(text) if text.isdigit() and len(text) <= 2 else 0
