"""Periods as people write and read them: 2024, 2024-Q2, 2024-05, 2024-05-17 or all; Triwulan II 2024. Days are WIB."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from services.reporting.domain import FIRST_DAY, Period, start_of
from shared import days
from shared.http.problem import Problem, at_field

MOST_IN_A_SERIES = 400
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?:-Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01]))?)?", re.ASCII
)
_ROMAN = ("I", "II", "III", "IV")
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_CURE = "Tulis tahun (2024), triwulan (2024-Q2), bulan (2024-05), hari (2024-05-17), atau all untuk semua waktu."


class Rows(NamedTuple):
    """The rows of a total that add up to a period: those of this grain that start from `first` to `last`."""

    grain: Period
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class PeriodAsked:
    """A day, month, quarter, year or all time. `first` is its first day; `containing` and `parse` see to that."""

    grain: Period
    first: date

    @classmethod
    def containing(cls, grain: Period, day: date) -> "PeriodAsked":
        """Returns the period of this grain that holds the day."""
        return cls(grain, start_of(grain, day))

    @classmethod
    def parse(cls, text: str) -> "PeriodAsked | None":
        """Returns the period that `str` writes so, or None for what is none."""
        if text == Period.ALL:
            return EVER
        found = _WRITTEN.fullmatch(text)
        if found is None:
            return None
        month = int(found["month"] or 3 * int(found["quarter"] or 1) - 2)
        try:
            return cls(_grain(found), date(int(found["year"]), month, int(found["day"] or 1)))
        except ValueError:  # the thirty-first of June, the year 0
            return None

    def __str__(self) -> str:
        match self.grain:
            case Period.DAY:
                return self.first.isoformat()
            case Period.MONTH:
                return f"{self.first:%Y-%m}"
            case Period.QUARTER:
                return f"{self.first.year}-Q{self._quarter}"
            case Period.YEAR:
                return str(self.first.year)
            case Period.ALL:
                return Period.ALL.value

    @property
    def label(self) -> str:
        """What people call it: 17 Mei 2024, Mei 2024, Triwulan II 2024, 2024, Semua waktu."""
        match self.grain:
            case Period.DAY:
                return days.day(self.first)
            case Period.MONTH:
                return days.month(self.first)
            case Period.QUARTER:
                return f"Triwulan {_ROMAN[self._quarter - 1]} {self.first.year}"
            case Period.YEAR:
                return str(self.first.year)
            case Period.ALL:
                return "Semua waktu"

    @property
    def last(self) -> date:
        """The last day. All time has none that we know, for plans lie ahead."""
        if self.grain is Period.DAY:
            return self.first
        return date.max if self.grain is Period.ALL else self._months_on(_MONTHS[self.grain]) - timedelta(days=1)

    @property
    def before(self) -> "PeriodAsked | None":
        """The period of the same length just before, or None where nothing can have been."""
        return None if self.first <= FIRST_DAY else self.containing(self.grain, self.first - timedelta(days=1))

    @property
    def year_before(self) -> "PeriodAsked | None":
        """The same period a year before, or None where nothing can have been; of 29 February there is none."""
        if self.grain is Period.ALL or self.first.year <= FIRST_DAY.year:
            return None
        try:
            return PeriodAsked(self.grain, self.first.replace(year=self.first.year - 1))
        except ValueError:
            return None

    @property
    def summed(self) -> Rows:
        """The rows that answer it where a total is summed per day, month and year."""
        match self.grain:
            case Period.QUARTER:
                return Rows(Period.MONTH, self.first, self._months_on(2))
            case Period.ALL:
                return Rows(Period.YEAR, self.first, self.last)
        return self.distinct

    @property
    def distinct(self) -> Rows:
        """The row that answers it where a total has one for every period, for its numbers do not add up."""
        return Rows(self.grain, self.first, self.first)

    def months(self) -> Iterator["PeriodAsked"]:
        """Yields the months of a month, quarter or year."""
        for number in range(_MONTHS[self.grain]):
            yield PeriodAsked(Period.MONTH, self._months_on(number))

    def is_running(self, today: date) -> bool:
        """Tells whether its figures still grow by themselves: it has begun and is not over."""
        return self.first <= today <= self.last

    def is_over(self, today: date) -> bool:
        """Tells whether its last day has passed."""
        return self.last < today

    @property
    def _quarter(self) -> int:
        return (self.first.month + 2) // 3

    def _months_on(self, number: int) -> date:
        months = self.first.year * 12 + self.first.month - 1 + number
        return date(months // 12, months % 12 + 1, 1)


EVER = PeriodAsked(Period.ALL, FIRST_DAY)


def _grain(found: re.Match[str]) -> Period:
    if found["quarter"]:
        return Period.QUARTER
    if found["day"]:
        return Period.DAY
    return Period.MONTH if found["month"] else Period.YEAR


def asked(text: str, today: date, field: str = "period") -> PeriodAsked:
    """Returns the period that somebody asks for; raises a 422 Problem for what is none, or has not begun."""
    period = PeriodAsked.parse(text)
    if period is None:
        raise at_field(field, "Periode tidak terbaca.", _CURE)
    if period.first < FIRST_DAY:
        raise at_field(field, "Periode terlalu lampau.", f"Isi periode mulai {FIRST_DAY.year}.")
    if period.first > today:
        raise at_field(
            field, "Periode itu belum mulai.", f"Isi paling lambat {period.containing(period.grain, today)}."
        )
    return period


def series(grain: Period, first: PeriodAsked, last: PeriodAsked) -> list[PeriodAsked]:
    """Returns the periods of a grain from the one that holds `first`'s first day to that of `last`'s first day.

    Raises a 422 Problem for reversed ends, and for more than MOST_IN_A_SERIES.
    """
    if last.first < first.first:
        raise at_field("to", "Periode akhir lebih awal daripada periode awal.", "Tukar isi `from` dan `to`.")
    found, end = [PeriodAsked.containing(grain, first.first)], PeriodAsked.containing(grain, last.first)
    while found[-1] != end:
        if len(found) == MOST_IN_A_SERIES:
            raise _too_many()
        found.append(PeriodAsked.containing(grain, found[-1].last + timedelta(days=1)))
    return found


def _too_many() -> Problem:
    cure = f"Minta paling banyak {MOST_IN_A_SERIES} periode sekali, atau pilih satuan yang lebih panjang."
    return at_field("to", f"Rentang lebih dari {MOST_IN_A_SERIES} periode.", cure)
