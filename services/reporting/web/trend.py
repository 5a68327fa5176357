"""A trend as bars: months with their figures, drawn here, and the same as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.reporting.periods import PeriodAsked
from services.reporting.web.cards import Amounts
from shared import days

HEIGHT = 100
_STEP, _WIDTH = 24, 18


@dataclass(frozen=True, slots=True)
class Bar:
    """`whole` and `part` are heights of HEIGHT; `year` is written beneath the first month shown of it."""

    x: int
    width: int
    month: PeriodAsked
    year: str
    letter: str
    amounts: tuple[int, int]
    whole: int
    part: int


def bars(months: Sequence[tuple[PeriodAsked, Amounts]], whole: str, part: str | None = None) -> list[Bar]:
    """Returns a bar for each month: an amount and, of it, another one."""
    figures = [(done.get(whole, 0), done.get(part, 0) if part else 0) for _, done in months]
    most = max((one for one, _ in figures), default=0)
    return [
        Bar(
            number * _STEP,
            _WIDTH,
            month,
            str(month.first.year) if number == 0 or month.first.month == 1 else "",
            days.MONTHS[month.first.month - 1][0],
            figure,
            height(figure[0], most),
            height(figure[1], most),
        )
        for number, ((month, _), figure) in enumerate(zip(months, figures, strict=True))
    ]


def height(figure: int, most: int) -> int:
    """Returns the height of a figure beside the greatest; something is never drawn as nothing."""
    return max(2, round(HEIGHT * figure / most)) if figure > 0 and most else 0
