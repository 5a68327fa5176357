"""Who was served: the shortcut that appliers take says what the definition says, whatever the visits."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.reporting.domain import PROVINCE, Period, start_of
from services.reporting.periods import PeriodAsked
from services.reporting.projections.arrivals import arrival
from services.reporting.projections.businesses_served import (
    TOTAL,
    Line,
    Visit,
    amounts_in,
    contributions,
    contributions_of_all,
    document_of,
    intensive_in,
    lines_from,
    moved,
    visit_of,
)
from services.reporting.projections.subjects import Due
from services.reporting.projections.total import Differences, Key

FIRST = date(2023, 11, 1)
_DAYS = st.integers(0, 500).map(lambda number: (FIRST + timedelta(days=number)).isoformat())


def _session(number: int) -> str:
    return str(UUID(int=number))


def _lines(visits: Sequence[Visit]) -> list[Line]:
    return [visit.line for visit in visits]


def _visits_in(document: str) -> list[Visit]:
    return [visit_of(line) for line in lines_from(document)]


_VISITS = st.lists(
    st.builds(
        Visit,
        session=st.integers(0, 15).map(_session),
        office=st.sampled_from(["35.76", "35.79", "35.01"]),
        day=_DAYS,
        contact_minutes=st.sampled_from([0, 1, 60, 150, 299, 300]),
        attested=st.integers(0, 1),
    ),
    max_size=12,
    unique_by=lambda visit: visit.session,
)


def _defined(visits: Sequence[Visit]) -> dict[Key, tuple[int, ...]]:
    """The definition, word for word: for every office and period, who lies in it."""
    found: dict[Key, tuple[int, ...]] = {}
    days = {visit.day: date.fromisoformat(visit.day) for visit in visits}
    for office in {PROVINCE, *(visit.office for visit in visits)}:
        for period in Period:
            for start in {start_of(period, day) for day in days.values()}:
                inside = [
                    visit
                    for visit in visits
                    if office in (PROVINCE, visit.office) and start_of(period, days[visit.day]) == start
                ]
                year = [visit for visit in visits if start_of(Period.YEAR, days[visit.day]) == start]
                intensive = period is Period.YEAR and sum(visit.contact_minutes for visit in year) >= 300
                told = (
                    bool(inside),
                    any(visit.attested for visit in inside),
                    any(visit.day == min(days) for visit in inside),
                    bool(inside) and intensive,
                )
                if any(told):
                    found[(office, period.value, start)] = tuple(map(int, told))
    return found


@settings(max_examples=100, deadline=None)
@given(_VISITS)
def test_contributions_are_the_definition(visits: list[Visit]) -> None:
    assert dict(contributions(_lines(visits))) == _defined(visits)


@settings(max_examples=60)
@given(st.lists(_VISITS, max_size=3))
def test_many_businesses_add_up_to_what_each_contributes(businesses: list[list[Visit]]) -> None:
    sums: dict[Key, tuple[int, ...]] = {}
    for visits in businesses:
        for key, amounts in _defined(visits).items():
            known = sums.get(key, (0,) * len(amounts))
            sums[key] = tuple(one + other for one, other in zip(known, amounts, strict=True))
    assert dict(contributions_of_all(map(_lines, businesses))) == sums


@settings(max_examples=150, deadline=None)
@given(_VISITS, _VISITS)
@example([Visit(_session(1), "35.76", "2024-01-01", 150, 1)], [Visit(_session(1), "35.79", "2023-12-31", 150, 0)])
def test_what_moves_is_the_difference(old: list[Visit], new: list[Visit]) -> None:
    before, after = _defined(old), _defined(new)
    nothing = (0,) * len(TOTAL.amounts)
    differences = {
        key: tuple(a - b for a, b in zip(after.get(key, nothing), before.get(key, nothing), strict=True))
        for key in before.keys() | after.keys()
    }
    stay = set(old) & set(new)
    sessions = {visit.session for visit in {*old, *new} - stay}
    due = Due(sessions, _lines([visit for visit in new if visit not in stay]))
    assert dict(moved(due.applied_to(_lines(old)))) == {
        key: amounts for key, amounts in differences.items() if any(amounts)
    }


@settings(max_examples=300, deadline=None)
@given(_VISITS, _VISITS.filter(bool))
@example([Visit(_session(1), "35.76", "2024-01-01", 60, 0)], [Visit(_session(2), "35.79", "2024-01-01", 60, 0)])
@example([Visit(_session(1), "35.76", "2024-02-01", 60, 0)], [Visit(_session(2), "35.76", "2024-03-31", 60, 0)])
@example([Visit(_session(1), "35.76", "2024-02-01", 60, 0)], [Visit(_session(2), "35.79", "2024-01-31", 60, 0)])
@example([Visit(_session(1), "35.76", "2024-02-01", 240, 0)], [Visit(_session(2), "35.79", "2024-03-31", 60, 0)])
@example([Visit(_session(1), "35.76", "2024-02-01", 300, 0)], [Visit(_session(2), "35.79", "2024-03-31", 60, 0)])
@example([Visit(_session(1), "35.76", "2023-12-31", 300, 0)], [Visit(_session(2), "35.79", "2024-01-01", 300, 0)])
@example([Visit(_session(1), "35.76", "2024-02-01", 0, 0)], [Visit(_session(2), "35.79", "2024-02-01", 300, 0)])
def test_what_a_look_tells_of_a_visit_is_the_difference(there: list[Visit], others: list[Visit]) -> None:
    come = others[0]
    told = arrival(document_of(_lines(there)), come.line)
    if told is None:
        return
    assert come.session not in {visit.session for visit in there}
    assert _visits_in(told.document) == sorted([*there, come], key=lambda visit: (visit.day, visit.session))
    before, after = (intensive_in(_lines(visits), {come.day[:4]}) for visits in (there, [*there, come]))
    assert told.intensive == after
    assert before.keys() <= after.keys()
    gathered = Differences(TOTAL)
    gathered.add(told.moves)
    defined = Differences(TOTAL)
    defined.add(moved(Due({come.session}, [come.line]).applied_to(_lines(there))))
    assert gathered.rows() == defined.rows()


def test_a_look_tells_of_plain_visits_and_leaves_the_rest_to_the_rule() -> None:
    there = document_of([Visit(_session(1), "35.76", "2024-02-01", 60, 0).line])
    assert arrival(there, Visit(_session(2), "35.76", "2024-02-02", 60, 0).line) is not None
    left = {
        "known already": Visit(_session(1), "35.76", "2024-02-02", 60, 0),
        "attested": Visit(_session(2), "35.76", "2024-02-02", 60, 1),
    }
    assert [why for why, visit in left.items() if arrival(there, visit.line) is not None] == []
    assert arrival(json.dumps(json.loads(there)), Visit(_session(2), "35.76", "2024-02-02", 60, 0).line) is None


@settings(max_examples=60)
@given(_VISITS)
@example([Visit(_session(1), "35.76", "2024-01-01", 60, 0), Visit(_session(2), "35.79", "2024-05-01", 300, 1)])
def test_one_period_of_one_office_counts_what_the_definition_says_of_it(visits: list[Visit]) -> None:
    defined = _defined(visits)
    for office in (PROVINCE, "35.76", "35.79"):
        for grain in Period:
            for start in {start_of(grain, FIRST), *(start_of(grain, date.fromisoformat(one.day)) for one in visits)}:
                period = PeriodAsked(grain, start)
                told = amounts_in(_lines(visits), office, grain, period.first.isoformat(), period.last.isoformat())
                assert told == defined.get((office, grain.value, start), (0, 0, 0, 0))


@given(_VISITS)
def test_a_row_is_read_as_it_was_written_also_where_a_hand_wrote_it(visits: list[Visit]) -> None:
    document = document_of(_lines(visits))
    told = sorted(visits, key=lambda visit: (visit.day, visit.session))
    assert _visits_in(document) == told
    assert lines_from(document) == lines_from(json.dumps(json.loads(document))) == _lines(told)
