"""What one more visit of a business changes. Nearly every event is one, so it is told from the business's row as it is
written, without taking the row apart. businesses_served.py has the rule; whatever is less plain is left to it.
"""

import re
from bisect import bisect, insort
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from services.reporting.domain import PROVINCE
from services.reporting.projections.businesses_served import (
    INTENSIVE_MINUTES,
    NO_VISITS,
    PERIODS,
    Line,
    day_and_session_of,
    day_of,
    is_attested,
    lines_from,
    minutes_of,
    most_shared,
    office_of,
    places_of,
    session_of,
)
from services.reporting.projections.total import Amounts, Contribution

_SERVED: Amounts = (1, 0, 0, 0)
_SERVED_FIRST: Amounts = (1, 0, 1, 0)
_FIRST: Amounts = (0, 0, 1, 0)
_FIRST_NO_MORE: Amounts = (0, 0, -1, 0)
# Where the day of the first visit stands in a document that holds one.
_FIRST_DAY = slice(50, 60)
_ENDS_IN_OFFICE = slice(-5, None)
# Of PERIODS two days share at least the longest.
_ALL_TIME = 1


class Arrival(NamedTuple):
    """The row with the visit in it, and what businesses_served gets by it."""

    document: str
    moves: Sequence[Contribution]


def arrival(document: str, line: Line) -> Arrival | None:
    """Returns what becomes of a row when this visit comes to it, or None where that is not told by a look: if the visit
    is known already or attested, may make the mentoring of its year intensive, or a hand wrote the row.
    """
    office, day, minutes = office_of(line), day_of(line), minutes_of(line)
    if is_attested(line) or minutes >= INTENSIVE_MINUTES:
        return None
    if document == NO_VISITS:
        places = (*places_of(PROVINCE, day), *places_of(office, day))
        return Arrival(f"[[{line}]]", [(place, _SERVED_FIRST) for place in places])
    if " " in document or session_of(line) in document:
        return None
    arrived, shared, shared_by_own = _placed(document, line)
    if shared > _ALL_TIME and minutes + sum(map(int, _minutes_in(day[:4]).findall(document))) >= INTENSIVE_MINUTES:
        return None
    places = (*places_of(PROVINCE, day)[shared:], *places_of(office, day)[shared_by_own:])
    moves: list[Contribution] = [(place, _SERVED) for place in places]
    first = document[_FIRST_DAY]
    if day < first:
        moves += _first_moves(document, first, office, day)
    elif day == first and shared_by_own < len(PERIODS):
        moves += [(place, _FIRST) for place in places_of(office, day)]
    return Arrival(arrived, moves)


def _first_moves(document: str, first: str, office: str, day: str) -> list[Contribution]:
    """Returns how the visits that were the first, of one day and perhaps of several offices, make way for this one."""
    *before, _ = document.split(f'","{first}"')
    were_first = {PROVINCE, *(part[_ENDS_IN_OFFICE] for part in before)}
    no_longer: list[Contribution] = [
        (place, _FIRST_NO_MORE) for whose in were_first for place in places_of(whose, first)
    ]
    return [*no_longer, *((place, _FIRST) for whose in (PROVINCE, office) for place in places_of(whose, day))]


def _placed(document: str, line: Line) -> tuple[str, int, int]:
    """Returns the document with the visit in it, and how many of PERIODS a visit of it lies in too: of any office, and
    of the same one. Visits stand by day, so none lies nearer than its neighbours; most come to stand last.
    """
    office, day = office_of(line), day_of(line)
    last = document[document.rindex("[") + 1 : -2]
    if day_and_session_of(last) < day_and_session_of(line):
        return f"{document[:-1]},[{line}]]", most_shared(day, [last]), most_shared(day, _last_of(office, document))
    lines = lines_from(document)
    near = _neighbours(lines, line)
    near_own = _neighbours([other for other in lines if office_of(other) == office], line)
    insort(lines, line, key=day_and_session_of)
    return f"[[{'],['.join(lines)}]]", most_shared(day, near), most_shared(day, near_own)


def _last_of(office: str, document: str) -> list[Line]:
    """Returns the last visit at an office, if there is one."""
    at = document.rfind(f'"{office}","')
    return [] if at < 0 else [document[document.rindex("[", 0, at) + 1 : document.index("]", at)]]


def _neighbours(lines: Sequence[Line], line: Line) -> Sequence[Line]:
    """Returns the visits between which one would stand."""
    place = bisect(lines, day_and_session_of(line), key=day_and_session_of)
    return lines[max(place - 1, 0) : place + 1]


@lru_cache(maxsize=256)
def _minutes_in(year: str) -> re.Pattern[str]:
    return re.compile(rf'"{year}-\d\d-\d\d",(\d+)')
