"""How many businesses were served: each once per office and period, in the province once however many offices met it.

That depends on all sessions of a business together: on its visits. This is the rule; subjects.py keeps the visits.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from services.reporting.domain import FIRST_DAY, PROVINCE, Fact, Period, is_held, start_of
from services.reporting.projections.total import Column, Contribution, Total, no_contributions
from shared.contracts.mentoring import SessionState

# domain.md §2.14 K3: from so many contact minutes in a year on mentoring is intensive, whichever offices gave them.
INTENSIVE_MINUTES = 300


class Visit(NamedTuple):
    """One business in one session held. `day` is written as ISO does; `attested`: 1 if the business said so, else 0."""

    session: str
    office: str
    day: str
    contact_minutes: int
    attested: int


class Intensity(NamedTuple):
    """An office, or the province, that served a business in a year in which its mentoring was intensive."""

    office: str
    year: int


def visits_of(fact: Fact) -> Mapping[UUID, Visit]:
    """Returns the visit that each known business paid by this session; two that turned out to be one paid one."""
    state = fact.state
    if type(state) is not SessionState or not is_held(state):
        return {}
    day = state.day.isoformat()
    visits: dict[UUID, Visit] = {}
    for subject, business in zip(fact.subjects, state.businesses, strict=True):
        if business.known:
            attested = int(business.attested or (subject in visits and visits[subject].attested))
            visits[subject] = Visit(fact.id, state.office, day, state.contact_minutes, attested)
    return visits


def contributions(visits: Sequence[Visit]) -> list[Contribution]:
    """Returns what one business with these visits counts for: (office or `*`, grain, start) → amounts of TOTAL."""
    return moved((), visits)


def moved(old: Sequence[Visit], new: Sequence[Visit]) -> list[Contribution]:
    """Returns what changes in the totals when a business's visits become others."""
    before, after = _counted(old), _counted(new)
    changes: dict[str, list[int]] = {}
    for place, (was, is_) in enumerate(zip(before, after, strict=True)):
        for name in is_ - was:
            changes.setdefault(name, [0, 0, 0, 0])[place] = 1
        for name in was - is_:
            changes.setdefault(name, [0, 0, 0, 0])[place] = -1
    return [(_key(name), tuple(amounts)) for name, amounts in changes.items()]


def intensive_in(visits: Iterable[Visit]) -> dict[Intensity, int]:
    """Returns the years of intensive mentoring under `*` and each office that served then, with the contact minutes
    of all offices together.
    """
    minutes: dict[str, int] = {}
    offices: dict[str, set[str]] = {}
    for visit in visits:
        year = visit.day[:4]
        minutes[year] = minutes.get(year, 0) + visit.contact_minutes
        offices.setdefault(year, {PROVINCE}).add(visit.office)
    return {
        Intensity(office, int(year)): sum_
        for year, sum_ in minutes.items()
        if sum_ >= INTENSIVE_MINUTES
        for office in offices[year]
    }


class _Counted(NamedTuple):
    """Under which names (office, grain, start) a business counts, for each amount of the total."""

    served: set[str]
    attested: set[str]
    newly_served: set[str]
    intensive: set[str]


def _counted(visits: Sequence[Visit]) -> _Counted:
    """Names and no tuples: a text is hashed once, and every batch builds these sets anew."""
    first = min([visit.day for visit in visits], default="")
    return _Counted(
        _names(visits),
        _names([visit for visit in visits if visit.attested]),
        _names([visit for visit in visits if visit.day == first]),
        {f"{office} year {year}-01-01" for office, year in intensive_in(visits)},
    )


def _names(visits: Sequence[Visit]) -> set[str]:
    return set(
        chain.from_iterable(_names_of(office, visit.day) for visit in visits for office in (PROVINCE, visit.office))
    )


@lru_cache(maxsize=32_768)
def _names_of(office: str, day: str) -> tuple[str, ...]:
    on = date.fromisoformat(day)
    starts = [(period, FIRST_DAY if period is Period.ALL else start_of(period, on)) for period in Period]
    return tuple(f"{office} {period} {start}" for period, start in starts)


@lru_cache(maxsize=32_768)
def _key(name: str) -> tuple[str, str, date]:
    office, grain, start = name.split(" ")
    return office, grain, date.fromisoformat(start)


TOTAL = Total(
    name="businesses_served",
    key=(Column("office", "text"), Column("grain", "text"), Column("starts", "date")),
    amounts=("served", "attested", "newly_served", "intensive"),
    contributions=no_contributions,
    fed_by=("mentoring",),
    since=2,
    derived=True,
)
