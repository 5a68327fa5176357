"""How many businesses were served: each once per office and period, in the province once however many offices met it.

That depends on all sessions of a business together: on its visits. This is the rule; subjects.py keeps the visits.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import chain
from operator import sub
from typing import NamedTuple
from uuid import UUID

from services.reporting.domain import FIRST_DAY, PROVINCE, Fact, Period, is_held, start_of
from services.reporting.projections.total import Amounts, Column, Contribution, Key, Total, no_contributions
from shared.contracts.mentoring import SessionState

# domain.md §2.14 K3: from so many contact minutes in a year on mentoring is intensive, whichever offices gave them.
INTENSIVE_MINUTES = 300


_ID_LENGTH = 36

# A visit as a business's row keeps it: an element of its JSON without the brackets, everything but the minutes at its
# place. An applier meets all visits of a business for each that changes, and reads no more of them than it needs.
Line = str
_SESSION, _OFFICE, _DAY, _YEAR, _MINUTES, _ATTESTED_AT = (
    slice(1, 37),
    slice(40, 45),
    slice(48, 58),
    slice(48, 52),
    slice(60, -2),
    -1,
)


class Visit(NamedTuple):
    """One business in one session held. `day` is written as ISO does; `attested`: 1 if the business said so, else 0."""

    session: str
    office: str
    day: str
    contact_minutes: int
    attested: int

    @property
    def line(self) -> Line:
        return f'"{self.session}","{self.office}","{self.day}",{self.contact_minutes},{self.attested}'


NO_VISITS = "[]"
_NOTHING: Amounts = (0, 0, 0, 0)


def lines_from(document: str) -> list[Line]:
    """Returns the visits that the column of that name holds."""
    if document == NO_VISITS:
        return []
    if " " in document:  # nobody but a hand writes spaces
        return [Visit(*visit).line for visit in json.loads(document)]
    return document[2:-2].split("],[")


def visit_of(line: Line) -> Visit:
    """Returns the visit that a line tells of."""
    return Visit(line[_SESSION], line[_OFFICE], line[_DAY], int(line[_MINUTES]), int(line[_ATTESTED_AT]))


def between(lines: Iterable[Line], first: str, last: str) -> list[Visit]:
    """Returns the visits of these days, both included and written as ISO does."""
    return [visit_of(line) for line in lines if first <= line[_DAY] <= last]


def amounts_in(lines: Sequence[Line], office: str, grain: str, first: str, last: str) -> Amounts:
    """Returns what a business with these visits counts for in one period, for an office or `*`: the row of
    `contributions` under that key, without the others. The days are the period's own.
    """
    within = [line for line in lines if first <= line[_DAY] <= last]
    mine = within if office == PROVINCE else [line for line in within if line[_OFFICE] == office]
    if not mine:
        return _NOTHING
    new_on = min([line[_DAY] for line in lines])
    minutes = sum([int(line[_MINUTES]) for line in within]) if grain == Period.YEAR else 0
    told = (True, any(map(is_attested, mine)), any(line[_DAY] == new_on for line in mine), minutes >= INTENSIVE_MINUTES)
    return tuple(map(int, told))


def document_of(lines: Iterable[Line]) -> str:
    """Returns what the column holds of these visits: by day and session, the same however they came."""
    visits = "],[".join(sorted(lines, key=day_and_session_of))
    return f"[[{visits}]]" if visits else NO_VISITS


def day_and_session_of(line: Line) -> tuple[str, str]:
    """Returns by what the visits of a document are sorted."""
    return line[_DAY], line[_SESSION]


def session_of(line: Line) -> str:
    """Returns the id of the session by which the visit was paid."""
    return line[_SESSION]


def office_of(line: Line) -> str:
    """Returns the office that held the session."""
    return line[_OFFICE]


def day_of(line: Line) -> str:
    """Returns the business day, written as ISO does."""
    return line[_DAY]


def minutes_of(line: Line) -> int:
    """Returns the contact minutes."""
    return int(line[_MINUTES])


def is_attested(line: Line) -> bool:
    """Tells whether the business said that it was there."""
    return line[_ATTESTED_AT] == "1"


def offices_of(lines: Iterable[Line]) -> set[str]:
    """Returns the offices that were visited."""
    return {line[_OFFICE] for line in lines}


class Intensity(NamedTuple):
    """An office, or the province, that served a business in a year in which its mentoring was intensive."""

    office: str
    year: int


def visits_of(fact: Fact) -> Mapping[UUID, Line]:
    """Returns the visit that each known business paid by this session; two that turned out to be one paid one."""
    state = fact.state
    if type(state) is not SessionState or not is_held(state):
        return {}
    paid = f'"{_written(fact.id)}","{state.office}","{state.day}",{state.contact_minutes},'
    attested: dict[UUID, bool] = {}
    for subject, business in zip(fact.subjects, state.businesses, strict=True):
        if business.known:
            attested[subject] = business.attested or attested.get(subject, False)
    return {subject: f"{paid}{int(said)}" for subject, said in attested.items()}


def _written(id_: str) -> str:
    """Returns an id as a line keeps it: a uuid may be written in several ways."""
    return id_.lower() if len(id_) == _ID_LENGTH else str(UUID(id_))


def contributions(visits: Iterable[Line]) -> list[Contribution]:
    """Returns what one business with these visits counts for: (office or `*`, grain, start) → amounts of TOTAL."""
    return contributions_of_all([list(visits)])


def contributions_of_all(businesses: Iterable[Sequence[Line]]) -> list[Contribution]:
    """Returns the sums of the contributions of many businesses, each given by its visits: for a rebuild, where a
    change of one at a time would take most of the time.
    """
    sums: tuple[Counter[str], ...] = tuple(Counter() for _ in _AMOUNTS)
    for lines in businesses:
        sums[_SERVED].update(_names(lines))
        sums[_ATTESTED].update(_names(_attested(lines)))
        sums[_NEWLY_SERVED].update(_names(_on_first_day(lines)))
        sums[_INTENSIVE].update(f"{office} {year}" for office, year in intensive_in(lines, years_of(lines)))
    return [(_named(name), tuple(sum_[name] for sum_ in sums)) for name in set().union(*sums)]


def _names(lines: Iterable[Line]) -> Iterable[str]:
    """Returns a name for each place where the visits count, as long as its period is short: an office or `*`, then the
    beginning of a day that all of its days share.
    """
    days = {f"{office} {line[_DAY]}" for line in lines for office in (PROVINCE, line[_OFFICE])}
    months = {day[:-3] for day in days}
    quarters = {f"{month[:-2]}Q{_QUARTERS[month[-2:]]}" for month in months}
    years = {month[:-3] for month in months}
    return chain(days, months, quarters, years, {year[:-5] for year in years})


@lru_cache(maxsize=65_536)
def _named(name: str) -> Key:
    office, _, when = name.partition(" ")
    if "Q" in when:
        return place_of(office, Period.QUARTER, f"{when[:5]}{3 * int(when[-1]) + 1:02}-01")
    period = {0: Period.ALL, 4: Period.YEAR, 7: Period.MONTH, 10: Period.DAY}[len(when)]
    return place_of(office, period, f"{when or FIRST_DAY.isoformat()}-01-01"[:10])


@dataclass(frozen=True)
class Change:
    """What happened to a business's visits: some stay, some are gone, some have come."""

    stay: Sequence[Line]
    gone: Sequence[Line]
    come: Sequence[Line]

    @cached_property
    def old(self) -> list[Line]:
        return [*self.stay, *self.gone]

    @cached_property
    def new(self) -> list[Line]:
        return [*self.stay, *self.come]

    @cached_property
    def intensities(self) -> tuple[dict[Intensity, int], dict[Intensity, int]]:
        """Returns where mentoring was intensive before and is now, in the years that the change touches."""
        years = years_of(self.gone) | years_of(self.come)
        return intensive_in(self.old, years), intensive_in(self.new, years)


def moved(change: Change) -> list[Contribution]:
    """Returns what contributions(new) has beyond contributions(old), looking only at what differs: a batch asks it for
    each business that it meets.
    """
    if len(change.gone) + len(change.come) > _FEW:
        return _moved_much(change)
    sums = _Sums()
    others = list(change.old)
    for line in change.gone:
        others.remove(line)
        sums.count(line, others, -1)
    for line in change.come:
        sums.count(line, others, 1)
        others.append(line)
    sums.first_days(_on_first_day(change.old), _on_first_day(change.new))
    sums.intensity(*change.intensities)
    return sums.contributions()


def _moved_much(change: Change) -> list[Contribution]:
    """The same from the two sums as they are: a change of one visit at a time looks at all others each time."""
    sums = {place: list(amounts) for place, amounts in contributions(change.new)}
    for place, amounts in contributions(change.old):
        known = sums.setdefault(place, [0] * len(_AMOUNTS))
        known[:] = map(sub, known, amounts)
    return [(place, tuple(amounts)) for place, amounts in sums.items() if any(amounts)]


def years_of(lines: Iterable[Line]) -> set[str]:
    """Returns the years in which they were paid."""
    return {line[_YEAR] for line in lines}


def intensive_in(lines: Sequence[Line], years: Iterable[str]) -> dict[Intensity, int]:
    """Returns in which of the years mentoring was intensive, under `*` and each office that served then, with the
    contact minutes of all offices together.
    """
    found: dict[Intensity, int] = {}
    for year in years:
        paid = [line for line in lines if line[_YEAR] == year]
        minutes = sum([int(line[_MINUTES]) for line in paid])
        if minutes >= INTENSIVE_MINUTES:
            for office in {PROVINCE, *offices_of(paid)}:
                found[Intensity(office, int(year))] = minutes
    return found


_AMOUNTS = ("served", "attested", "newly_served", "intensive")
_SERVED, _ATTESTED, _NEWLY_SERVED, _INTENSIVE = range(len(_AMOUNTS))
_FEW = 8
# From the longest on: two days share the first so many of them.
PERIODS = (Period.ALL, Period.YEAR, Period.QUARTER, Period.MONTH, Period.DAY)
_QUARTERS = {f"{month:02}": (month - 1) // 3 for month in range(1, 13)}


class _Sums:
    """What one business counts for, as it changes."""

    def __init__(self) -> None:
        self._amounts: dict[Key, list[int]] = {}

    def count(self, line: Line, others: Sequence[Line], sign: int) -> None:
        """A visit counts in the periods that none of the others lies in, for its office and for the province."""
        office, day = line[_OFFICE], line[_DAY]
        mine = [other for other in others if other[_OFFICE] == office]
        self._count(_SERVED, (office, day), others, mine, sign)
        if line[_ATTESTED_AT] == "1":
            self._count(_ATTESTED, (office, day), _attested(others), _attested(mine), sign)

    def first_days(self, old: Sequence[Line], new: Sequence[Line]) -> None:
        """A business is new where and when it was served first: the province's first day, whichever office it was."""
        if old != new:
            for place in _places_of(old):
                self._add(_NEWLY_SERVED, place, -1)
            for place in _places_of(new):
                self._add(_NEWLY_SERVED, place, 1)

    def intensity(self, before: Collection[Intensity], after: Collection[Intensity]) -> None:
        for office, year in {*before} ^ {*after}:
            sign = 1 if Intensity(office, year) in after else -1
            self._add(_INTENSIVE, (office, Period.YEAR.value, date(year, 1, 1)), sign)

    def contributions(self) -> list[Contribution]:
        return [(place, tuple(amounts)) for place, amounts in self._amounts.items() if any(amounts)]

    def _count(self, amount: int, at: tuple[str, str], others: Sequence[Line], mine: Sequence[Line], sign: int) -> None:
        own, day = at
        for office, near in ((PROVINCE, others), (own, mine)):
            for place in places_of(office, day)[most_shared(day, near) :]:
                self._add(amount, place, sign)

    def _add(self, amount: int, place: Key, sign: int) -> None:
        known = self._amounts.get(place)
        if known is None:
            known = self._amounts[place] = [0] * len(_AMOUNTS)
        known[amount] += sign


def _attested(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line[_ATTESTED_AT] == "1"]


def most_shared(day: str, others: Sequence[Line]) -> int:
    """Returns how many of PERIODS hold the day and one of the others too; 0 if there are none."""
    if not others:
        return 0
    year = day[:4]
    near = [other[_DAY] for other in others if other[_YEAR] == year]
    if not near:
        return 1
    if day in near:
        return 5
    months = {other[5:7] for other in near}
    if day[5:7] in months:
        return 4
    return 3 if _QUARTERS[day[5:7]] in {_QUARTERS[month] for month in months} else 2


def _on_first_day(lines: Sequence[Line]) -> list[Line]:
    first = min([line[_DAY] for line in lines], default="")
    return [line for line in lines if line[_DAY] == first]


def _places_of(first: Sequence[Line]) -> set[Key]:
    offices = {PROVINCE, *offices_of(first)}
    return {place for office in offices for place in places_of(office, first[0][_DAY])} if first else set()


def place_of(office: str, period: Period, day: str) -> tuple[str, str, date]:
    """Returns the key of the period that holds the day, for an office or the province."""
    return places_of(office, day)[PERIODS.index(period)]


# Offices, and the days of three years.
@lru_cache(maxsize=10_240)
def places_of(office: str, day: str) -> tuple[tuple[str, str, date], ...]:
    """Returns the keys of all PERIODS that hold the day."""
    return tuple([(office, grain, starts) for grain, starts in _periods_of(day)])


@lru_cache(maxsize=4_096)
def _periods_of(day: str) -> tuple[tuple[str, date], ...]:
    on = date.fromisoformat(day)
    return tuple((period.value, FIRST_DAY if period is Period.ALL else start_of(period, on)) for period in PERIODS)


TOTAL = Total(
    name="businesses_served",
    key=(Column("office", "text"), Column("grain", "text"), Column("starts", "date")),
    amounts=_AMOUNTS,
    counts=no_contributions,
    fed_by=("mentoring",),
    since=2,
    derived=True,
)
