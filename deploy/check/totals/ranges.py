"""Ranges of keys, each small enough to be added up within one instant. Together they hold every key there can be.

Where they are cut does not matter to the result: a cut that somebody moved makes a range larger and hides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from deploy.check.reader import Readers

# So many events are added up in a second or two, without any cut.
_AT_ONCE = 50_000
# Characters are compared by their bytes ("C"): nothing stands before the empty text or above the last character.
_LOWEST, _HIGHEST = "", "\U0010ffff"

_OFFICES = """
select id from fact_office where set_version = (select version from read_model_pointer) order by id
"""
_YEARS = """
select distinct date_trunc('year', starts::timestamp)::date as starts from office_activity
where set_version = (select version from read_model_pointer) and office >= $1 and office < $2 and grain = 'year'
order by starts
"""
_REGENCIES = """
select distinct left(region, 5) as region from businesses_by_region
where set_version = (select version from read_model_pointer) and level = 'regency'
  and home_office >= $1 and home_office < $2
order by region
"""


@dataclass(frozen=True, slots=True)
class Span:
    """What lies from `first` on and before `until`; its two ends are the first two parameters of a statement."""

    first: Any
    until: Any


async def of_offices_and_years(readers: Readers, stored: int) -> list[tuple[Span, Span]]:
    """Returns spans of office codes and of days. No month or year lies in two of them."""
    return await _of_offices(readers, stored, _YEARS, date.min, date.max)  # Postgres's -infinity and infinity


async def of_years(readers: Readers, stored: int) -> list[tuple[Span, Span]]:
    """Returns all office codes with spans of days. No month or year lies in two of them."""
    return await _of_offices(readers, stored, _YEARS, date.min, date.max, apart=False)


async def of_offices_and_regencies(readers: Readers, stored: int) -> list[tuple[Span, Span]]:
    """Returns spans of office codes and of region codes; no kabupaten/kota lies in two of them."""
    return await _of_offices(readers, stored, _REGENCIES, _LOWEST, _HIGHEST)


async def _of_offices(
    readers: Readers,
    stored: int,
    cuts: str,
    lowest: Any,  # noqa: ANN401
    highest: Any,  # noqa: ANN401
    *,
    apart: bool = True,
) -> list[tuple[Span, Span]]:
    """Returns the spans of each office between the `cuts` that it has, from the lowest to the highest there can be.

    Not `apart`: those of all offices together.
    """
    if stored <= _AT_ONCE:
        return [(Span(_LOWEST, _HIGHEST), Span(lowest, highest))]
    async with readers.instant("reporting") as connection:
        ids = [row["id"] for row in await connection.fetch(_OFFICES)] if apart else []
        offices = _between(_LOWEST, ids, _HIGHEST)
        return [
            (office, span)
            for office in offices
            for span in _between(
                lowest, [row[0] for row in await connection.fetch(cuts, office.first, office.until)], highest
            )
        ]


def _between(lowest: Any, cuts: Sequence[Any], highest: Any) -> list[Span]:  # noqa: ANN401
    """What lies before the second cut belongs to the first span, so that no span is empty without need."""
    return [Span(*ends) for ends in pairwise([lowest, *cuts[1:], highest])]


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


async def of_visits(readers: Readers, stored: int) -> tuple[list[str | None], list[Period]]:
    """Returns whose visits are counted one after the other (None: everybody's, the province's too), and over which
    periods.
    """
    if stored <= _AT_ONCE:
        return [None], [_ALL]
    async with readers.instant("reporting") as connection:
        rows = await connection.fetch(_COUNTED)
    offices, years = sorted({row["office"] for row in rows} - {"*"}), sorted({row["year"] for row in rows})
    return [*offices], [Period(("all",)), *(Period(_OF_A_YEAR, year) for year in years)]
