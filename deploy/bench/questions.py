"""What dashboards ask of reporting: each of its answers once or more often, with what makes it read most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.bench import province

# Every one of these pages is full with 100,000 events too: else the fewest would be asked for less than the most.
_FIRST_PAGE = ("limit", "100")
_DEEP_PAGE, _DEEP = ("limit", "20"), 7


@dataclass(frozen=True)
class Question:
    """`path` as the service's OpenAPI names it, with `code` in its place. `pages`: so many are turned before the one
    that is measured.
    """

    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    pages: int = 0
    code: str = ""

    @property
    def address(self) -> str:
        return self.path.replace("{code}", self.code)

    @property
    def name(self) -> str:
        """What people read: the address, and which page."""
        asked = "&".join(f"{name}={value}" for name, value in self.parameters)
        told = f"{self.address}?{asked}" if asked else self.address
        return f"{told} (page {self.pages + 1})" if self.pages else told


def questions(today: date) -> Sequence[Question]:
    """Returns every question that is measured, asked on that day."""
    return [
        Question("/v1/overview"),
        *_of_offices(today),
        *_of_services(today),
        *_of_businesses(today),
        Question("/v1/public/activity", (("period", f"{today.year - 1}"),)),
        Question("/v1/public/businesses"),
        Question("/v1/attention"),
        *_pages("/v1/activity/latest"),
        Question("/v1/indicators"),
        Question("/v1/indicators/{code}", code="sessions"),
        *_behind_figures(today),
    ]


def _of_offices(today: date) -> list[Question]:
    periods = (str(today), f"{_last_month(today):%Y-%m}", f"{today.year}", "all")
    series = [("day", today - timedelta(days=364)), ("month", today.replace(year=today.year - 2))]
    return [
        *(Question("/v1/offices/activity", (("period", period),)) for period in periods),
        *(
            Question("/v1/offices/activity/series", (("grain", grain), ("from", _written(grain, first))))
            for grain, first in series
        ),
    ]


def _of_services(today: date) -> list[Question]:
    year, month = ("period", f"{today.year}"), ("period", f"{_last_month(today):%Y-%m}")
    every = (("by", "field"), ("by", "service"), ("by", "channel"))
    return [
        Question("/v1/sessions/by-service", (year,)),
        Question("/v1/sessions/by-service", (month, *every, _FIRST_PAGE)),
        Question("/v1/sessions/by-service", (year, ("office", province.CODES[0]), ("service", "training"))),
        Question("/v1/consultants/load", (year,)),
        Question("/v1/consultants/load", (month, ("limit", "20")), pages=2),
    ]


def _of_businesses(today: date) -> list[Question]:
    office = province.CODES[0]
    district = province.kelurahan(office, 0)[:8]
    return [
        *(Question("/v1/businesses/by-region", (("within", region),)) for region in ("35", office, district)),
        Question("/v1/businesses/over-time", (("grain", "month"),)),
        *_pages("/v1/businesses/intensive", ("year", f"{today.year}")),
    ]


def _behind_figures(today: date) -> list[Question]:
    month = ("period", f"{_last_month(today):%Y-%m}")
    office, year = ("office", province.CODES[0]), ("period", f"{today.year}")
    return [
        question
        for code, given in (
            ("sessions", (year,)),
            ("contact_minutes", (month, office)),
            ("registrations", (year, office)),
            ("businesses", (("region", province.CODES[0]),)),
            ("served", (month,)),
        )
        for question in _pages("/v1/indicators/{code}/events", *given, code=code)
    ]


def _pages(path: str, *given: tuple[str, str], code: str = "") -> list[Question]:
    """Returns the question for the first page and for a deep one."""
    return [
        Question(path, (*given, _FIRST_PAGE), 0, code),
        Question(path, (*given, _DEEP_PAGE), _DEEP, code),
    ]


def _last_month(today: date) -> date:
    return today.replace(day=1) - timedelta(days=1)


def _written(grain: str, day: date) -> str:
    return f"{day:%Y-%m}" if grain == "month" else str(day)
