"""A report as JSON, for programs: columns, rows by the keys of the columns, and the cards of what is shown."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from pydantic import BaseModel

from services.reporting.domain import Period
from services.reporting.exports.chunks import chunks
from services.reporting.exports.report import Classification, Column, Report, Row, Type
from services.reporting.indicators import Indicator, Measure
from services.reporting.small_cells import Bounds
from shared.clock import WIB

# What `_told` writes.
_OURS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class BoundsTold(BaseModel):
    """A number that is not told to everybody: it lies between these two, both included."""

    at_least: int
    at_most: int


class ColumnTold(BaseModel):
    key: str
    label: str
    type: Type
    unit: str
    indicator: str | None = None


class PeriodTold(BaseModel):
    """`running`: it is not over, so its figures still grow. All time has no last day."""

    period: str
    label: str
    first: date
    last: date | None
    running: bool


class AmountRead(BaseModel):
    total: str
    amount: str


class IndicatorCard(BaseModel):
    """What a figure means. `reads` names the read model's columns, `parts` the indicators that it is reckoned from."""

    code: str
    name: str
    counts: str
    formula: str
    unit: str
    measure: Measure
    adding_up: str
    events: list[str]
    since: str
    leaves_out: str
    reads: list[AmountRead]
    parts: list[str]


class ReportAnswer(BaseModel):
    """A report. `as_of`: everything committed up to then is in the figures; null until all have been heard of.

    `next_cursor`: of a page, where the next one begins. In `rows`, null is unknown or withheld; a number that
    everybody must not know is told by its bounds.
    """

    title: str
    classification: Classification
    asked_by: str
    as_of: datetime | None
    behind_ms: int | None
    position: str
    periods: list[PeriodTold]
    filters: dict[str, str]
    notes: list[str]
    next_cursor: str | None = None
    columns: list[ColumnTold]
    indicators: list[IndicatorCard]
    rows: list[dict[str, int | float | str | BoundsTold | None]]


@cache
def card(one: Indicator) -> IndicatorCard:
    """Returns the card as programs read it; every report tells some."""
    return IndicatorCard(
        code=one.code,
        name=one.name,
        counts=one.counts,
        formula=one.formula,
        unit=one.unit,
        measure=one.measure,
        adding_up=one.adding_up,
        events=list(one.events),
        since=one.since,
        leaves_out=one.leaves_out,
        reads=[AmountRead(total=amount.total, amount=amount.amount) for amount in one.reads],
        parts=list(one.parts),
    )


async def write(report: Report) -> AsyncIterator[bytes]:
    """Yields the report, as many rows at a time as `chunks` has."""
    keys = [column.key for column in report.columns]
    yield _head(report).model_dump_json(exclude={"rows"})[:-1].encode() + b',"rows":['
    between = b""
    async for chunk in chunks(report.rows):
        yield between + _rows(keys, chunk)
        between = b","
    yield b"]}"


def _head(report: Report) -> ReportAnswer:
    instant = report.instant
    return ReportAnswer(
        title=report.title,
        classification=report.classification,
        asked_by=report.asked_by,
        as_of=instant.as_of,
        behind_ms=instant.behind_ms,
        position=str(instant.position),
        periods=[
            PeriodTold(
                period=str(one),
                label=one.label,
                first=one.first,
                last=None if one.grain is Period.ALL else one.last,
                running=one.is_running(instant.today),
            )
            for one in report.periods
        ],
        filters=dict(report.filters),
        notes=list(report.notes),
        next_cursor=report.next_cursor,
        columns=[_column(column) for column in report.columns],
        indicators=[card(one) for one in report.indicators],
        rows=[],
    )


def _column(one: Column) -> ColumnTold:
    return ColumnTold(key=one.key, label=one.label, type=one.type, unit=one.unit, indicator=one.indicator)


def _rows(keys: Sequence[str], rows: Sequence[Row]) -> bytes:
    """Returns the rows with commas between them."""
    return orjson.dumps([dict(zip(keys, row, strict=True)) for row in rows], _told, _OURS)[1:-1]


def _told(cell: object) -> Any:  # noqa: ANN401  what JSON knows
    """Returns a cell that JSON does not know as it is."""
    match cell:
        case Bounds():
            return cell.exact if cell.exact is not None else {"at_least": cell.low, "at_most": cell.high}
        case Decimal():
            return float(cell)
        case datetime():
            return cell.astimezone(WIB).isoformat()
        case date():
            return cell.isoformat()
    raise TypeError(f"no cell of a report: {cell!r}")
