"""Tables of indicators side by side with the period before and the year before; what the document says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from services.reporting.answers.activity import Beside
from services.reporting.answers.figures import Amounts, reading
from services.reporting.domain import Period
from services.reporting.exports import Cell, Column, ReportAnswer, Type
from services.reporting.indicators import INDICATORS

BEFORE = "Nilai berakhiran `_before` dan `_year_before` adalah periode sebelumnya dan periode yang sama tahun lalu."
_INSTANT: Mapping[str, Any] = {
    "classification": "TERBATAS – tanpa data pribadi",
    "asked_by": "Analis provinsi",
    "as_of": "2026-11-21T03:42:07.120000Z",
    "behind_ms": 340,
    "position": "1.0.48211",
    "next_cursor": None,
    "notes": [],
}
_PERIOD = {
    "period": "2026-Q2",
    "label": "Triwulan II 2026",
    "first": "2026-04-01",
    "last": "2026-06-30",
    "running": False,
}
_CSV = {"schema": {"type": "string", "format": "binary"}}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def beside_columns(codes: Sequence[str], beside: Beside) -> list[Column]:
    """Returns for each indicator its columns: the period asked for, and what stands beside it."""
    return [column for code in codes for column in _beside_column(code, beside)]


def _beside_column(code: str, beside: Beside) -> list[Column]:
    name = INDICATORS[code].name
    columns = [Column.of(code)]
    if beside.before is not None:
        columns.append(Column.of(code, key=f"{code}_before", label=f"{name} ({beside.before.label})"))
    if beside.year_before is not None:
        columns.append(Column.of(code, key=f"{code}_year_before", label=f"{name} ({beside.year_before.label})"))
    return columns


def beside_cells(codes: tuple[str, ...], beside: Beside, amounts: Iterable[Amounts]) -> list[Cell]:
    """Returns the cells of those columns; `amounts` of each period in the order of `beside.told`."""
    read = figures_of(codes, beside.asked.grain)
    return list(chain.from_iterable(zip(*map(read, amounts), strict=True)))


@cache
def figures_of(codes: tuple[str, ...], grain: Period) -> Callable[[Amounts], list[Cell]]:
    """Returns what makes indicators' figures of amounts; a report may ask it thousands of times.

    A figure is None where it is not told: a share of nothing, intensity of less than a year.
    """
    told = grain is Period.YEAR
    readings = [reading(code) if told or code != "intensive" else _not_told for code in codes]
    return lambda amounts: [read(amounts) for read in readings]


def _not_told(_: Amounts) -> None:
    return None


def text(key: str, label: str) -> Column:
    """Returns a column of texts."""
    return Column(key, label, Type.TEXT)


def documented(title: str, *rows: Mapping[str, Any], filters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns what the document says of a route that answers with a report: its forms, and an example."""
    example = {
        "title": title,
        **_INSTANT,
        "periods": [_PERIOD],
        "filters": dict(filters or {}),
        "columns": [_column(key, cell) for key, cell in rows[0].items()],
        "indicators": [],
        "rows": [dict(row) for row in rows],
    }
    content = {"application/json": {"example": example}, "text/csv": _CSV, _XLSX: _CSV}
    return {
        "response_model": ReportAnswer,
        "responses": {
            200: {"description": "Laporan", "content": content},
            304: {"description": "Tidak berubah sejak ETag yang dikirim"},
        },
    }


def _column(key: str, cell: object) -> dict[str, Any]:
    code = key.removesuffix("_before").removesuffix("_year")
    card = INDICATORS.get(code)
    kind = "text" if isinstance(cell, str) else "decimal" if isinstance(cell, float) else "number"
    return {
        "key": key,
        "label": card.name if card else key,
        "type": kind,
        "unit": card.unit if card else "",
        "indicator": card.code if card else None,
    }
