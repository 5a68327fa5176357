"""Ranges of keys, each small enough to be added up within one instant. Together they hold every key there can be.

Where they are cut does not matter to the result: a cut that somebody moved makes a range larger and hides nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from deploy.check.reader import Readers

# So many events are added up in a second or two, without any cut.
_AT_ONCE = 100_000
# Characters are compared by their bytes ("C"): nothing stands before the empty text or above the last character.
_LOWEST, _HIGHEST = "", "\U0010ffff"

_OFFICES = """
select id from fact_office where set_version = (select version from read_model_pointer) order by id
"""
_YEARS = """
select distinct starts from office_activity
where set_version = (select version from read_model_pointer) and office >= $1 and office < $2 and grain = 'year'
order by starts
"""
_REGENCIES = """
select distinct region from businesses_by_region
where set_version = (select version from read_model_pointer) and level = 'regency'
order by region
"""


@dataclass(frozen=True, slots=True)
class Span:
    """What lies from `first` on and before `until`; its two ends are the first two parameters of a statement."""

    first: Any
    until: Any


async def of_offices_and_years(readers: Readers, stored: int) -> list[tuple[Span, Span]]:
    """Returns spans of office codes and of days. No month or year lies in two of them."""
    if stored <= _AT_ONCE:
        return [(Span(_LOWEST, _HIGHEST), _always())]
    async with readers.instant("reporting") as connection:
        offices = _between([row["id"] for row in await connection.fetch(_OFFICES)])
        return [
            (span, years)
            for span in offices
            for years in _years([row["starts"] for row in await connection.fetch(_YEARS, span.first, span.until)])
        ]


async def of_regencies(readers: Readers, stored: int) -> list[Span]:
    """Returns spans of region codes; no kabupaten/kota lies in two of them."""
    if stored <= _AT_ONCE:
        return [Span(_LOWEST, _HIGHEST)]
    async with readers.instant("reporting") as connection:
        return _between([row["region"] for row in await connection.fetch(_REGENCIES)])


def _between(cuts: Sequence[str]) -> list[Span]:
    return [Span(*ends) for ends in pairwise([_LOWEST, *cuts[1:], _HIGHEST])]


def _always() -> Span:
    return Span(date.min, date.max)  # Postgres's -infinity and infinity


def _years(firsts: Sequence[date]) -> Iterator[Span]:
    yield from (Span(*ends) for ends in pairwise([date.min, *firsts[1:], date.max]))


@dataclass(frozen=True, slots=True)
class Period:
    """What of the counted visits is looked at together: these grains, of one year or (None) of all."""

    grains: tuple[str, ...]
    year: str | None = None


_OF_A_YEAR = ("day", "month", "quarter", "year")
_ALL = Period((*_OF_A_YEAR, "all"))
_COUNTED = """
select distinct office, extract(year from starts)::int::text as year
from businesses_served where set_version = (select version from read_model_pointer)
union
select distinct office, extract(year from starts)::int::text
from office_activity where set_version = (select version from read_model_pointer) and grain = 'year'
"""


async def of_visits(readers: Readers, stored: int) -> list[tuple[str | None, Period]]:
    """Returns which offices (`*` is the province; None: all of them) are counted together, over which period."""
    if stored <= _AT_ONCE:
        return [(None, _ALL)]
    async with readers.instant("reporting") as connection:
        rows = await connection.fetch(_COUNTED)
    offices, years = sorted({"*", *(row["office"] for row in rows)}), sorted({row["year"] for row in rows})
    periods = [Period(("all",)), *(Period(_OF_A_YEAR, year) for year in years)]
    return [(office, period) for office in offices for period in periods]
