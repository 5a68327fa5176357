"""How many businesses were served: each once per office and period, in the province once however many offices met it.

That depends on all sessions of a business together: on its visits. This is the rule; subjects.py keeps the visits.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
from operator import sub
from typing import NamedTuple
from uuid import UUID

from services.reporting.domain import FIRST_DAY, PROVINCE, Fact, Period, is_held, start_of
from services.reporting.projections.total import Column, Contribution, Key, Total, no_contributions
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
    return contributions_of_all([visits])


def contributions_of_all(businesses: Iterable[Sequence[Visit]]) -> list[Contribution]:
    """Returns the sums of the contributions of many businesses, each given by its visits: for a rebuild, where a
    change of one at a time would take most of the time.
    """
    sums: tuple[Counter[str], ...] = tuple(Counter() for _ in _AMOUNTS)
    for visits in businesses:
        sums[_SERVED].update(_names(visits))
        sums[_ATTESTED].update(_names([visit for visit in visits if visit.attested]))
        sums[_NEWLY_SERVED].update(_names(_on_first_day(visits)))
        sums[_INTENSIVE].update(f"{office} {year}" for office, year in intensive_in(visits, years_of(visits)))
    return [(_named(name), tuple(sum_[name] for sum_ in sums)) for name in set().union(*sums)]


def _names(visits: Iterable[Visit]) -> Iterable[str]:
    """Returns a name for each place where the visits count, as long as its period is short: an office or `*`, then the
    beginning of a day that all of its days share.
    """
    days = {f"{office} {visit.day}" for visit in visits for office in (PROVINCE, visit.office)}
    months = {day[:-3] for day in days}
    quarters = {f"{month[:-2]}Q{_QUARTERS[month[-2:]]}" for month in months}
    years = {month[:-3] for month in months}
    return chain(days, months, quarters, years, {year[:-5] for year in years})


@lru_cache(maxsize=65_536)
def _named(name: str) -> Key:
    office, _, when = name.partition(" ")
    if "Q" in when:
        return _place(office, Period.QUARTER, f"{when[:5]}{3 * int(when[-1]) + 1:02}-01")
    period = {0: Period.ALL, 4: Period.YEAR, 7: Period.MONTH, 10: Period.DAY}[len(when)]
    return _place(office, period, f"{when or FIRST_DAY.isoformat()}-01-01"[:10])


def moved(old: Sequence[Visit], new: Sequence[Visit]) -> list[Contribution]:
    """Returns what contributions(new) has beyond contributions(old), looking only at what differs: a batch asks it for
    each business that it meets.
    """
    before, after = set(old), set(new)
    if len(before ^ after) > _FEW:
        return _moved_much(old, new)
    sums = _Sums()
    others = list(old)
    for visit in old:
        if visit not in after:
            others.remove(visit)
            sums.count(visit, others, -1)
    for visit in new:
        if visit not in before:
            sums.count(visit, others, 1)
            others.append(visit)
    sums.first_days(_on_first_day(old), _on_first_day(new))
    sums.intensity(old, new, years_of(before ^ after))
    return sums.contributions()


def _moved_much(old: Sequence[Visit], new: Sequence[Visit]) -> list[Contribution]:
    """The same from the two sums as they are: a change of one visit at a time looks at all others each time."""
    sums = {place: list(amounts) for place, amounts in contributions(new)}
    for place, amounts in contributions(old):
        known = sums.setdefault(place, [0] * len(_AMOUNTS))
        known[:] = map(sub, known, amounts)
    return [(place, tuple(amounts)) for place, amounts in sums.items() if any(amounts)]


def years_of(visits: Iterable[Visit]) -> set[str]:
    """Returns the years in which they were paid."""
    return {visit.day[:4] for visit in visits}


def intensive_in(visits: Sequence[Visit], years: Iterable[str]) -> dict[Intensity, int]:
    """Returns in which of the years mentoring was intensive, under `*` and each office that served then, with the
    contact minutes of all offices together.
    """
    found: dict[Intensity, int] = {}
    for year in years:
        paid = [visit for visit in visits if visit.day[:4] == year]
        minutes = sum([visit.contact_minutes for visit in paid])
        if minutes >= INTENSIVE_MINUTES:
            for office in {PROVINCE, *[visit.office for visit in paid]}:
                found[Intensity(office, int(year))] = minutes
    return found


_AMOUNTS = ("served", "attested", "newly_served", "intensive")
_SERVED, _ATTESTED, _NEWLY_SERVED, _INTENSIVE = range(len(_AMOUNTS))
_FEW = 8
# From the longest on: two days share the first so many of them.
_PERIODS = (Period.ALL, Period.YEAR, Period.QUARTER, Period.MONTH, Period.DAY)
_QUARTERS = {f"{month:02}": (month - 1) // 3 for month in range(1, 13)}


class _Sums:
    """What one business counts for, as it changes."""

    def __init__(self) -> None:
        self._amounts: dict[Key, list[int]] = {}

    def count(self, visit: Visit, others: Sequence[Visit], sign: int) -> None:
        """A visit counts in the periods that none of the others lies in, for its office and for the province."""
        mine = [other for other in others if other.office == visit.office]
        self._count(_SERVED, visit, others, mine, sign)
        if visit.attested:
            attested = [other for other in others if other.attested]
            self._count(_ATTESTED, visit, attested, [other for other in mine if other.attested], sign)

    def first_days(self, old: Sequence[Visit], new: Sequence[Visit]) -> None:
        """A business is new where and when it was served first: the province's first day, whichever office it was."""
        if old != new:
            for place in _places_of(old):
                self._add(_NEWLY_SERVED, place, -1)
            for place in _places_of(new):
                self._add(_NEWLY_SERVED, place, 1)

    def intensity(self, old: Sequence[Visit], new: Sequence[Visit], years: Iterable[str]) -> None:
        before, after = intensive_in(old, years), intensive_in(new, years)
        for office, year in before.keys() ^ after.keys():
            sign = 1 if Intensity(office, year) in after else -1
            self._add(_INTENSIVE, (office, Period.YEAR.value, date(year, 1, 1)), sign)

    def contributions(self) -> list[Contribution]:
        return [(place, tuple(amounts)) for place, amounts in self._amounts.items() if any(amounts)]

    def _count(self, amount: int, visit: Visit, others: Sequence[Visit], mine: Sequence[Visit], sign: int) -> None:
        for office, near in ((PROVINCE, others), (visit.office, mine)):
            for period in _PERIODS[_most_shared(visit.day, near) :]:
                self._add(amount, _place(office, period, visit.day), sign)

    def _add(self, amount: int, place: Key, sign: int) -> None:
        self._amounts.setdefault(place, [0] * len(_AMOUNTS))[amount] += sign


def _most_shared(day: str, others: Sequence[Visit]) -> int:
    """Returns how many of the periods of a day one of the others lies in too; 0 if there are none."""
    if not others:
        return 0
    near = [other.day for other in others if other.day[:4] == day[:4]]
    if not near:
        return 1
    if day in near:
        return 5
    months = {other[5:7] for other in near}
    if day[5:7] in months:
        return 4
    return 3 if _QUARTERS[day[5:7]] in {_QUARTERS[month] for month in months} else 2


def _on_first_day(visits: Sequence[Visit]) -> list[Visit]:
    first = min([visit.day for visit in visits], default="")
    return [visit for visit in visits if visit.day == first]


def _places_of(first: Sequence[Visit]) -> set[Key]:
    offices = {PROVINCE, *(visit.office for visit in first)}
    return {_place(office, period, first[0].day) for office in offices for period in _PERIODS} if first else set()


@lru_cache(maxsize=65_536)
def _place(office: str, period: Period, day: str) -> tuple[str, str, date]:
    on = date.fromisoformat(day)
    return office, period.value, FIRST_DAY if period is Period.ALL else start_of(period, on)


TOTAL = Total(
    name="businesses_served",
    key=(Column("office", "text"), Column("grain", "text"), Column("starts", "date")),
    amounts=_AMOUNTS,
    contributions=no_contributions,
    fed_by=("mentoring",),
    since=2,
    derived=True,
)
