"""What one more visit of a business changes. Nearly every event is one, so it is told from the business's row as it is
written, without taking the row apart. businesses_served.py has the rule; whatever is less plain is left to it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from services.reporting.domain import PROVINCE, Period
from services.reporting.projections.businesses_served import (
    INTENSIVE_MINUTES,
    NO_VISITS,
    PERIODS,
    Intensity,
    Line,
    day_and_session_of,
    day_of,
    is_attested,
    minutes_of,
    most_shared,
    office_of,
    place_of,
    places_of,
    session_of,
)
from services.reporting.projections.total import Amounts, Contribution

_SERVED: Amounts = (1, 0, 0, 0)
_SERVED_FIRST: Amounts = (1, 0, 1, 0)
_FIRST: Amounts = (0, 0, 1, 0)
_FIRST_NO_MORE: Amounts = (0, 0, -1, 0)
_INTENSIVE: Amounts = (0, 0, 0, 1)
# Where the day of the first visit stands in a document that holds one.
_FIRST_DAY = slice(50, 60)
_ENDS_IN_OFFICE = slice(-5, None)
# Of PERIODS two days share at least the longest.
_ALL_TIME = 1
# An office stands so far before the day, in quotes as both are.
_FROM_OFFICE, _TO_OFFICE = 7, 2


class Arrival(NamedTuple):
    """The row with the visit in it, what businesses_served gets by it, and where the business is mentored intensively
    in the year of the visit, with its contact minutes, if it is.
    """

    document: str
    moves: Sequence[Contribution]
    intensive: Mapping[Intensity, int]


def arrival(document: str, line: Line) -> Arrival | None:
    """Returns what becomes of a row when this visit comes to it, or None where that is not told by a look: if the visit
    is known already or attested, or a hand wrote the row.
    """
    if is_attested(line) or " " in document or session_of(line) in document:
        return None
    arrived, moves, is_first_of_year = _counted(document, line)
    more, intensive = _mentored(NO_VISITS if is_first_of_year else document, line)
    return Arrival(arrived, [*moves, *more] if more else moves, intensive)


def _counted(document: str, line: Line) -> tuple[str, list[Contribution], bool]:
    """Returns the document with the visit in it, where the business is served by it, and anew, and whether the visit is
    the first of its year.
    """
    office, day = office_of(line), day_of(line)
    if document == NO_VISITS:
        places = (*places_of(PROVINCE, day), *places_of(office, day))
        return f"[[{line}]]", [(place, _SERVED_FIRST) for place in places], True
    arrived, shared, shared_by_own = _placed(document, line)
    places = (*places_of(PROVINCE, day)[shared:], *places_of(office, day)[shared_by_own:])
    moves: list[Contribution] = [(place, _SERVED) for place in places]
    first = document[_FIRST_DAY]
    if day < first:
        moves += _first_moves(document, first, office, day)
    elif day == first and shared_by_own < len(PERIODS):
        moves += [(place, _FIRST) for place in places_of(office, day)]
    return arrived, moves, shared == _ALL_TIME


def _first_moves(document: str, first: str, office: str, day: str) -> list[Contribution]:
    """Returns how the visits that were the first, of one day and perhaps of several offices, make way for this one."""
    *before, _ = document.split(f'","{first}"')
    were_first = {PROVINCE, *(part[_ENDS_IN_OFFICE] for part in before)}
    no_longer: list[Contribution] = [
        (place, _FIRST_NO_MORE) for whose in were_first for place in places_of(whose, first)
    ]
    return [*no_longer, *((place, _FIRST) for whose in (PROVINCE, office) for place in places_of(whose, day))]


def _mentored(document: str, line: Line) -> tuple[list[Contribution], dict[Intensity, int]]:
    """Returns where the business comes to be mentored intensively, and with how many minutes it is, if it is: in the
    province and at each office that it visited in that year.
    """
    day = day_of(line)
    year = day[:4]
    before = sum(map(int, _minutes_in(year).findall(document)))
    minutes = before + minutes_of(line)
    if minutes < INTENSIVE_MINUTES:
        return [], {}
    served = {PROVINCE, *_offices_in(year, document)}
    now = served | {PROVINCE, office_of(line)}
    known = served if before >= INTENSIVE_MINUTES else set()
    moves: list[Contribution] = [(place_of(whose, Period.YEAR, day), _INTENSIVE) for whose in now - known]
    return moves, {Intensity(whose, int(year)): minutes for whose in now}


def _placed(document: str, line: Line) -> tuple[str, int, int]:
    """Returns the document with the visit in it, and how many of PERIODS a visit of it lies in too: of any office, and
    of the same one. Visits stand by day, so none lies nearer than its neighbours.
    """
    office, day = office_of(line), day_of(line)
    ours = f'"{office}","'
    end = _end_before(document, line)
    near = [*_visit_at(document, end - 2), *_visit_at(document, document.find("[", end) + 1)]
    near_own = [*_visit_at(document, document.rfind(ours, 0, end)), *_visit_at(document, document.find(ours, end))]
    arrived = f"{document[:end]},[{line}]{document[end:]}" if end > 1 else f"[[{line}],{document[1:]}"
    return arrived, most_shared(day, near), most_shared(day, near_own)


def _end_before(document: str, line: Line) -> int:
    """Returns where the last visit ends that stands before this one, or where the first begins. The last one is looked
    at first, for most come to stand behind it.
    """
    sought = day_and_session_of(line)
    low, high = 1, len(document) - 1
    at = high
    while low < high:
        begin = document.rindex("[", 0, at)
        end = document.index("]", begin) + 1
        if day_and_session_of(document[begin + 1 : end - 1]) < sought:
            low = end
        else:
            high = begin - 1
        at = max((low + high) // 2, low + 2)
    return low


def _visit_at(document: str, at: int) -> list[Line]:
    """Returns the visit that this place lies within, if it lies within one."""
    return [] if at < 1 else [document[document.rindex("[", 0, at) + 1 : document.index("]", at)]]


def _offices_in(year: str, document: str) -> set[str]:
    """Returns the offices that were visited in a year."""
    starts = [found.start() for found in _minutes_in(year).finditer(document)]
    return {document[start - _FROM_OFFICE : start - _TO_OFFICE] for start in starts}


@lru_cache(maxsize=256)
def _minutes_in(year: str) -> re.Pattern[str]:
    return re.compile(rf'"{year}-\d\d-\d\d",(\d+)')
