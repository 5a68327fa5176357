"""What one more visit of a business changes. Nearly every event is one, so it is told from the business's row as it is
written, without taking the row apart. businesses_served.py has the rule; whatever is less plain is left to it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from services.reporting.domain import PROVINCE
from services.reporting.projections.businesses_served import (
    INTENSIVE_MINUTES,
    NO_VISITS,
    PERIODS,
    Line,
    day_of,
    document_of,
    is_attested,
    lines_from,
    minutes_of,
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
    first = document[_FIRST_DAY]
    if " " in document or session_of(line) in document:
        return None
    if minutes + sum(map(int, _minutes_in(day[:4]).findall(document))) >= INTENSIVE_MINUTES:
        return None
    own = f'"{office}",'
    shared = _spans('"', day).shared_with(document)
    shared_by_own = _spans(f'{own}"', day).shared_with(document) if own in document else 0
    places = (*places_of(PROVINCE, day)[shared:], *places_of(office, day)[shared_by_own:])
    moves: list[Contribution] = [(place, _SERVED) for place in places]
    if day < first:
        moves += _first_moves(document, first, office, day)
    elif day == first and shared_by_own < len(PERIODS):
        moves += [(place, _FIRST) for place in places_of(office, day)]
    return Arrival(_with(document, line), moves)


def _first_moves(document: str, first: str, office: str, day: str) -> list[Contribution]:
    """Returns how the visits that were the first, of one day and perhaps of several offices, make way for this one."""
    *before, _ = document.split(f'","{first}"')
    were_first = {PROVINCE, *(part[_ENDS_IN_OFFICE] for part in before)}
    no_longer: list[Contribution] = [
        (place, _FIRST_NO_MORE) for whose in were_first for place in places_of(whose, first)
    ]
    return [*no_longer, *((place, _FIRST) for whose in (PROVINCE, office) for place in places_of(whose, day))]


def _with(document: str, line: Line) -> str:
    last = document[document.rindex("[") + 1 : -2]
    if (day_of(last), session_of(last)) < (day_of(line), session_of(line)):
        return f"{document[:-1]},[{line}]]"
    return document_of([*lines_from(document), line])


class _Spans(NamedTuple):
    """What a document holds if one of its visits lies in the same day, month, quarter or year."""

    day: str
    month: str
    quarter: tuple[str, ...]
    year: str

    def shared_with(self, document: str) -> int:
        """Returns how many of PERIODS a visit of the document lies in too."""
        if self.year not in document:
            return 1
        if self.day in document:
            return 5
        if self.month in document:
            return 4
        return 3 if any(month in document for month in self.quarter) else 2


@lru_cache(maxsize=10_240)
def _spans(before: str, day: str) -> _Spans:
    year, month = day[:4], int(day[5:7])
    first = month - (month - 1) % 3
    quarter = tuple(f"{before}{year}-{one:02}-" for one in range(first, first + 3))
    return _Spans(f'{before}{day}"', f"{before}{day[:8]}", quarter, f"{before}{year}-")


@lru_cache(maxsize=256)
def _minutes_in(year: str) -> re.Pattern[str]:
    return re.compile(rf'"{year}-\d\d-\d\d",(\d+)')
