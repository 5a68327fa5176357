"""Which rows beneath a header are no data. Pure.

A row is skipped for what it surely is; whatever could be data is data, and is told there what it lacks.
"""

import re
from dataclasses import replace
from functools import lru_cache
from itertools import islice

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
_NUMBERING = re.compile(r"(?:\d{1,5}|[ivxlc]{1,6}|[a-z])[.)]?", re.IGNORECASE)
_RULER = re.compile(r"[\W_]+")
_SECTION = re.compile(
    r"(?:[a-z]|[ivx]+|\d{1,2})?[.)]?\s*(?:kecamatan|kec|kelurahan|kel|desa|kota|kabupaten|kab|dusun|lingkungan|rt|rw|bulan|"
    r"tahun|triwulan|semester|sentra|kelompok|data)\b.*",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"\*.*|(?:catatan|keterangan|ket|note|nb|sumber ?:|mengetahui|menyetujui|nip|ttd|tanda tangan|kepala|petugas|"
    r"dicetak)(?!\w).*",
    re.IGNORECASE,
)
_COUNT = re.compile(r"(?:rp\.? ?)?\d{1,3}(?:[.,]?\d{3})*(?:,\d+)?(?: ?[^\W\d]+)?", re.IGNORECASE)
_MOSTLY = 0.6
_ENOUGH = 3  # cells of known columns that make a row data though nothing that is required stands in it


def why_skipped(row: SheetRow, table: Table) -> str | None:
    """Returns None for a data row, else in Bahasa what the row is. Rows of above the header are not asked about."""
    row = _as_it_was(row, table)
    texts = [text for text in row.texts() if text]
    if not texts:
        return NOTE
    if _repeats_header(texts, table):
        return REPEATED_HEADER
    if _numbers_columns(texts):
        return COLUMN_NUMBERS
    if all(_RULER.fullmatch(text) for text in texts):
        return SEPARATOR
    if any(_TOTAL.fullmatch(text) for text in texts) and not _says_more(row, table):
        return TOTAL
    return _lone(row, table, texts)


def _as_it_was(row: SheetRow, table: Table) -> SheetRow:
    """Without what we wrote beside it the last time."""
    if not table.own:
        return row
    own = set(table.own.values())
    cells = tuple(None if at in own else cell for at, cell in enumerate(row.cells))
    return replace(row, cells=cells, spread={at: cell for at, cell in row.spread.items() if at not in own})


def _lone(row: SheetRow, table: Table, texts: list[str]) -> str | None:
    """What a row of hardly any cell is. A lone text in a required column is data that lacks the rest."""
    mapped = [table.columns[name] for at, name in table.fields.items() if not is_blank(row.at(at))]
    required = any(column.required for column in mapped)
    words = {text for text in texts if not _NUMBERING.fullmatch(text)}
    if len(mapped) >= _ENOUGH or (required and len(words) > 1):
        return None
    if not mapped and all(is_blank(cell) or _NUMBERING.fullmatch(text_of(cell)) for cell in row.cells):
        return NUMBER_ONLY
    return _lone_text(row, words, required=required)


def _lone_text(row: SheetRow, words: set[str], *, required: bool) -> str | None:
    if any(_NOTE.fullmatch(word) for word in words):
        return NOTE
    if len(words) == 1 and (row.spread or _SECTION.fullmatch(next(iter(words)))):
        return SEPARATOR
    if required:
        return None
    return SEPARATOR if len(words) == 1 and not is_blank(row.at(0)) else NOTE


def _says_more(row: SheetRow, table: Table) -> bool:
    """Whether a required column holds something beside the word for a total and its counts."""
    texts = [text_of(row.at(at)) for at, name in table.fields.items() if table.columns[name].required]
    return any(text and not _TOTAL.fullmatch(text) and not _COUNT.fullmatch(text) for text in texts)


@lru_cache(maxsize=8)
def _folded(labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold, labels))


def _repeats_header(texts: list[str], table: Table) -> bool:
    labels = _folded(table.labels)
    most_others = len(texts) - _MOSTLY * len(texts)
    others = (text for text in texts if fold(text) not in labels)
    # Data shows it by its first cells: the rest need not be folded.
    return len(texts) > 1 and sum(1 for _ in islice(others, int(most_others) + 1)) <= most_others


def _numbers_columns(texts: list[str]) -> bool:
    """`1 2 3 4` or `(1) (2) (3)` beneath the header, as printed forms have it."""
    numbers = [text.strip("()[]. ") for text in texts]
    first = int(numbers[0]) if re.fullmatch(r"[0-9]", numbers[0]) else 0
    return len(numbers) > _ENOUGH and numbers == [str(first + place) for place in range(len(numbers))]
