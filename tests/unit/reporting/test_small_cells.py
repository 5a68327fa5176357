"""Tables for everybody: at the boundaries, and against somebody who puts all of them together.

The attacker knows every published number and how the tables are made. He lists all that the months could have been,
strikes out what contradicts anything published, and must be left with each of 1, 2, 3 and 4 for every protected cell.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.reporting.answers.published import (
    Activity,
    Businesses,
    Done,
    Stock,
    publish_activity,
    publish_businesses,
)
from services.reporting.codes import KINDS
from services.reporting.domain import PROVINCE
from services.reporting.small_cells import SMALL, Bounds, beside, distinct, told, total
from shared.reference.regions import regencies

ANY_SMALL = {1, 2, 3, 4}
Cell = tuple[str, int]
Months = Mapping[str, Sequence[Done]]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (1, "<5"), (2, "<5"), (3, "<5"), (4, "<5"), (5, "5"), (6, "6"), (1250, "1250")]
)
def test_one_to_four_are_told_alike(count: int, text: str) -> None:
    assert str(told(count)) == text
    assert told(count).low <= count <= told(count).high


def test_sums_are_told_by_what_their_parts_tell() -> None:
    assert str(total([told(7), told(3), told(0), told(1)])) == "9 s.d. 15"
    assert str(total([told(7), told(30)])) == "37"
    assert str(total([told(0), told(2)])) == "<5"
    assert (str(distinct(9, [told(7), told(8)])), str(distinct(9, [told(7), told(3)]))) == ("9", "7 s.d. 11")
    assert (beside(60, told(5)), beside(0, told(0)), beside(60, told(5), told(4))) == (60, 0, None)


def _activity_tables(months: Months, quarter: Mapping[str, int]) -> list[list[Activity]]:
    """What is published of a quarter: its months one by one, and the quarter."""
    single = [
        publish_activity({office: [parts[at]] for office, parts in months.items()}, _served_in(months, at))
        for at in range(3)
    ]
    return [*single, publish_activity(months, quarter)]


def _served_in(months: Months, at: int) -> dict[str, int]:
    served = {office: parts[at].served for office, parts in months.items()}
    return served | {PROVINCE: sum(served.values())}


def _protected(months: Months) -> list[Cell]:
    return [(office, at) for office, parts in months.items() for at in range(3) if parts[at].sessions in ANY_SMALL]


def _few_met(months: Months) -> list[Cell]:
    """Enough sessions, with few businesses."""
    cells = [(office, at) for office, parts in months.items() for at in range(3) if parts[at].served in ANY_SMALL]
    return [cell for cell in cells if cell not in _protected(months)]


_DONE = st.builds(
    lambda sessions, served: Done(sessions, served if sessions else 0, sessions * 45),
    st.sampled_from([5, 0, 6, 12, 1, 2, 3, 4]),
    st.sampled_from([5, 8, 1, 3]),
)
_MONTHS = st.lists(st.lists(_DONE, min_size=3, max_size=3), min_size=1, max_size=3).map(
    lambda offices: {f"35.0{number}": parts for number, parts in enumerate(offices, start=1)}
)


def _sums(months: Months, sessions: Mapping[Cell, int]) -> dict[tuple[str, int], int]:
    """Sessions by office or province and period (three months and their quarter), if small cells held these."""
    sums: dict[tuple[str, int], int] = {}
    for office, parts in months.items():
        for at, part in enumerate(parts):
            number = sessions.get((office, at), part.sessions)
            for place, period in ((office, at), (office, 3), (PROVINCE, at), (PROVINCE, 3)):
                sums[place, period] = sums.get((place, period), 0) + number
    return sums


@settings(max_examples=60, deadline=None)
@given(months=_MONTHS)
def test_nobody_finds_out_how_many_sessions_a_small_cell_has(months: Months) -> None:
    cells = _protected(months)
    assume(0 < len(cells) <= 3)
    tables = _activity_tables(months, {office: sum(part.served for part in parts) for office, parts in months.items()})
    bounds = {(row.office, period): row.sessions for period, table in enumerate(tables) for row in table}
    left: dict[Cell, set[int]] = {cell: set() for cell in cells}
    for guess in product(range(1, 6), repeat=len(cells)):
        sums = _sums(months, dict(zip(cells, guess, strict=True)))
        if all(bounds[key].low <= number <= bounds[key].high for key, number in sums.items()):
            for cell, number in zip(cells, guess, strict=True):
                left[cell].add(number)
    assert all(numbers == ANY_SMALL for numbers in left.values())


@settings(max_examples=60, deadline=None)
@given(months=_MONTHS, others=st.data())
def test_provinces_that_differ_in_small_cells_only_are_published_alike(months: Months, others: Any) -> None:
    """Whatever else depends on them: who was served, for how long, and how many different ones in the quarter."""
    numbers = st.integers(0, 99)
    other = {office: list(parts) for office, parts in months.items()}
    small = st.sampled_from(sorted(ANY_SMALL))
    for office, at in _protected(months):
        other[office][at] = Done(others.draw(small), others.draw(numbers), others.draw(numbers))
    for office, at in _few_met(months):
        other[office][at] = other[office][at]._replace(served=others.draw(small))
    quarter = {office: max(part.served for part in parts) for office, parts in months.items()}
    touched = {office for office, _ in (*_protected(months), *_few_met(months))}
    other_quarter = {office: others.draw(numbers) if office in touched else quarter[office] for office in quarter}
    whole = {PROVINCE: max(quarter.values())}
    other_whole = {PROVINCE: others.draw(numbers)} if touched else whole
    told_of_one = _activity_tables(months, quarter | whole)
    assert told_of_one == _activity_tables(other, other_quarter | other_whole)


def test_a_quarter_is_exact_where_its_months_are_and_bounded_where_not() -> None:
    calm = [Done(10, 8, 600), Done(0, 0, 0), Done(20, 15, 1200)]
    rows = publish_activity(
        {"35.76": calm, "35.79": [Done(10, 8, 600), Done(3, 3, 90), Done(6, 4, 300)]},
        {"35.76": 19, "35.79": 12, PROVINCE: 30},
    )
    assert rows == [
        Activity("35.76", Bounds(30, 30), Bounds(19, 19), 1800),
        Activity("35.79", Bounds(17, 20), None, None),
        Activity(PROVINCE, Bounds(47, 50), None, None),
    ]
    few_met = publish_activity({"35.79": [Done(10, 8, 600), Done(6, 4, 300), Done(0, 0, 0)]}, {"35.79": 9, PROVINCE: 9})
    assert few_met[0] == Activity("35.79", Bounds(16, 16), Bounds(8, 12), None)
    assert publish_activity({}, {}) == [Activity(PROVINCE, Bounds(0, 0), Bounds(0, 0), 0)]


FIRST, SECOND = sorted(regencies())[:2]
_COUNTS = st.dictionaries(
    st.tuples(st.sampled_from([FIRST, SECOND]), st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3)).map(
        lambda place: (place[0], frozenset(place[1]))
    ),
    st.integers(0, 9),
    max_size=4,
)
Groups = Mapping[tuple[str, frozenset[str]], int]


def _stock(groups: Groups) -> dict[tuple[str, str], int]:
    """Businesses of a region and exactly these kinds, counted as the read model counts them."""
    stock: dict[tuple[str, str], int] = {}
    for (region, kinds), number in groups.items():
        for kind in (*kinds, "*"):
            stock[region, kind] = stock.get((region, kind), 0) + number
    return stock


@settings(max_examples=60, deadline=None)
@given(groups=_COUNTS)
def test_nobody_finds_out_how_many_businesses_of_a_kind_a_small_cell_has(groups: Groups) -> None:
    stock = _stock(groups)
    cells = [cell for cell, number in sorted(stock.items()) if cell[1] != "*" and number in ANY_SMALL]
    assume(0 < len(cells) <= 3)
    rows = {row.region: row for row in publish_businesses(stock)}
    left: dict[tuple[str, str], set[int]] = {cell: set() for cell in cells}
    for guess in product(range(1, 6), repeat=len(cells)):
        if _believable(rows, {**stock, **dict(zip(cells, guess, strict=True))}):
            for cell, number in zip(cells, guess, strict=True):
                left[cell].add(number)
    assert all(numbers == ANY_SMALL for numbers in left.values())


def _believable(rows: Mapping[str, Businesses], stock: Stock) -> bool:
    """Whether there can be as many of each kind: a region has at least its most frequent kind, at most all together."""
    each_once = []
    for region in (FIRST, SECOND):
        numbers = [stock.get((region, kind), 0) for kind in KINDS]
        if not _within(rows[region].by_kind, numbers):
            return False
        known = rows[region].each_once
        each_once.append((max(known.low, *numbers), min(known.high, sum(numbers))))
    province = rows[PROVINCE]
    sums = [sum(stock.get((region, kind), 0) for region in (FIRST, SECOND)) for kind in KINDS]
    lowest, highest = (sum(ends) for ends in zip(*each_once, strict=True))
    possible = all(low <= high for low, high in each_once)
    overlap = max(lowest, province.each_once.low) <= min(highest, province.each_once.high)
    return possible and overlap and _within(province.by_kind, sums)


def _within(bounds: Sequence[Bounds], numbers: Sequence[int]) -> bool:
    return all(bound.low <= number <= bound.high for bound, number in zip(bounds, numbers, strict=True))


@settings(max_examples=50, deadline=None)
@given(groups=_COUNTS)
def test_what_is_told_of_businesses_is_true(groups: Groups) -> None:
    stock = _stock(groups)
    *rows, province = publish_businesses(stock)
    assert [row.region for row in rows] == sorted(regencies())
    for row in rows:
        assert _within(row.by_kind, [stock.get((row.region, kind), 0) for kind in KINDS])
        assert _within([row.each_once], [stock.get((row.region, "*"), 0)])
    assert _within([province.each_once], [sum(number for (_, kind), number in stock.items() if kind == "*")])
    exact = all(row.each_once.exact is not None for row in rows)
    assert (province.each_once.exact is not None) == exact


def test_a_region_with_small_kinds_does_not_tell_its_sum() -> None:
    stock = _stock({(FIRST, frozenset({"umkm"})): 40, (FIRST, frozenset({"umkm", "cooperative"})): 3})
    rows = publish_businesses(stock)
    assert [str(cell) for cell in rows[0].by_kind] == ["43", "0", "<5", "0"]
    assert (str(rows[0].each_once), str(rows[1].each_once), str(rows[-1].each_once)) == (
        "43 s.d. 47",
        "0",
        "43 s.d. 47",
    )


def test_a_kind_that_was_learnt_later_gets_a_column_of_its_own() -> None:
    rows = publish_businesses(_stock({(FIRST, frozenset({"startup"})): 3, (SECOND, frozenset({"umkm"})): 8}))
    assert [str(cell) for cell in rows[0].by_kind] == ["0", "0", "0", "0", "<5"]
    assert (rows[0].each_once, rows[1].each_once.exact) == (SMALL, 8)


def test_bounds_hold_the_truth() -> None:
    for first, second in product(range(12), repeat=2):
        both = told(first) + told(second)
        assert both.low <= first + second <= both.high
        assert (both.exact is None) == bool({first, second} & ANY_SMALL)
