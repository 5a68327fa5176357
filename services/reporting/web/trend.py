"""A trend as bars: months with their figures, drawn here, and the same as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.reporting.domain import Period
from services.reporting.periods import PeriodAsked
from shared import days

HEIGHT = 100
MONTHS = 24
_STEP, _WIDTH = 24, 18

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """`whole` and `part` are heights of HEIGHT; `year` is written beneath the first month shown of it."""

    x: int
    width: int
    month: PeriodAsked
    year: str
    letter: str
    amounts: Amounts
    whole: int
    part: int


def months_to(today: date) -> list[PeriodAsked]:
    """Returns the last months, up to that of today."""
    months = [PeriodAsked.containing(Period.MONTH, today)]
    while len(months) < MONTHS and (before := months[0].before) is not None:
        months.insert(0, before)
    return months


def bars(months: Sequence[tuple[PeriodAsked, Amounts]], whole: str, part: str | None = None) -> list[Bar]:
    """Returns a bar for each month: an amount and, of it, another one."""
    most = max((done.get(whole, 0) for _, done in months), default=0)
    return [
        Bar(
            number * _STEP,
            _WIDTH,
            month,
            str(month.first.year) if _opens_year(month, number) else "",
            days.MONTHS[month.first.month - 1][0],
            done,
            height(done.get(whole, 0), most),
            height(done.get(part, 0), most) if part else 0,
        )
        for number, (month, done) in enumerate(months)
    ]


def _opens_year(month: PeriodAsked, number: int) -> bool:
    """The first year is named unless the next one follows at once and would lie upon it."""
    return month.first.month == 1 or (number == 0 and month.first.month < 11)


def height(figure: int, most: int) -> int:
    """Returns the height of a figure beside the greatest; something is never drawn as nothing."""
    return max(2, round(HEIGHT * figure / most)) if figure > 0 and most else 0
