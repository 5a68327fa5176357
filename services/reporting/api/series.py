"""Reports through time: one row for each period of a grain."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import Query

from services.reporting import periods
from services.reporting.answers import Snapshot
from services.reporting.domain import Period, today
from services.reporting.exports import Cell, Column, Type
from services.reporting.periods import PeriodAsked
from shared.clock import utc_now
from shared.http.problem import at_field

_USUALLY = 24

From = Annotated[
    str | None,
    Query(alias="from", max_length=20, description="Periode pertama; bawaan: 24 satuan terakhir", examples=["2025-01"]),
]
To = Annotated[
    str | None,
    Query(alias="to", max_length=20, description="Periode terakhir; bawaan: yang berjalan", examples=["2026-06"]),
]
Grain = Annotated[Period, Query(description="Satuan waktu: day, month, quarter atau year", examples=["month"])]
TIME_COLUMNS = (
    Column("period", "Periode"),
    Column("label", "Nama periode"),
    Column("first", "Hari pertama", Type.DAY),
    Column("running", "Masih berjalan"),
)


def series_asked(grain: Period, first: str | None, last: str | None) -> list[PeriodAsked]:
    """Returns the periods that were asked for, oldest first, those of the last one's whole length up to today.

    Raises a 422 Problem for what no series can have.
    """
    if grain is Period.ALL:
        raise at_field("grain", "Satuan itu tidak punya deret.", "Pilih day, month, quarter atau year.")
    day = today(utc_now())
    ends = min(_end("to", last, day).last, day) if last is not None else day
    until = PeriodAsked.containing(grain, ends)
    since = _end("from", first, day) if first is not None else _usual_start(until)
    return periods.series(grain, since, until)


def _end(field: str, text: str, day: date) -> PeriodAsked:
    period = periods.asked(text, day, field)
    if period.grain is Period.ALL:
        raise at_field(field, "Deret perlu awal dan akhir.", "Isi tahun, triwulan, bulan atau hari.")
    return period


def _usual_start(end: PeriodAsked) -> PeriodAsked:
    start = end
    for _ in range(_USUALLY - 1):
        start = start.before or start
    return start


def ends_of(asked: Sequence[PeriodAsked]) -> list[PeriodAsked]:
    """Returns the first and the last period, by which a series is named."""
    return list(dict.fromkeys((asked[0], asked[-1])))


def time_cells(period: PeriodAsked, seen: Snapshot) -> list[Cell]:
    """Returns the cells of TIME_COLUMNS."""
    running = "ya" if period.is_running(seen.instant.today) else "tidak"
    return [str(period), period.label, period.first, running]
