"""Periods as people write them, at every boundary, and the laws that they obey."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain import FIRST_DAY, Period
from services.reporting.periods import EVER, MOST_IN_A_SERIES, PeriodAsked, Rows, asked, series
from shared.http.problem import Problem

TODAY = date(2026, 11, 22)
_DAYS = st.dates(min_value=FIRST_DAY, max_value=date(2199, 12, 31))
_PARTS = st.sampled_from([Period.DAY, Period.MONTH, Period.QUARTER, Period.YEAR])


def _period(text: str) -> PeriodAsked:
    found = PeriodAsked.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "label", "first", "last", "before", "year_before"),
    [
        ("2024", "2024", "2024-01-01", "2024-12-31", "2023", "2023"),
        ("2024-Q1", "Triwulan I 2024", "2024-01-01", "2024-03-31", "2023-Q4", "2023-Q1"),
        ("2024-Q2", "Triwulan II 2024", "2024-04-01", "2024-06-30", "2024-Q1", "2023-Q2"),
        ("2024-Q4", "Triwulan IV 2024", "2024-10-01", "2024-12-31", "2024-Q3", "2023-Q4"),
        ("2024-01", "Januari 2024", "2024-01-01", "2024-01-31", "2023-12", "2023-01"),
        ("2024-02", "Februari 2024", "2024-02-01", "2024-02-29", "2024-01", "2023-02"),
        ("2023-12", "Desember 2023", "2023-12-01", "2023-12-31", "2023-11", "2022-12"),
        ("2024-05-17", "17 Mei 2024", "2024-05-17", "2024-05-17", "2024-05-16", "2023-05-17"),
        ("2024-03-01", "1 Maret 2024", "2024-03-01", "2024-03-01", "2024-02-29", "2023-03-01"),
        ("2024-02-29", "29 Februari 2024", "2024-02-29", "2024-02-29", "2024-02-28", "None"),
        ("2000", "2000", "2000-01-01", "2000-12-31", "None", "None"),
        ("2000-02", "Februari 2000", "2000-02-01", "2000-02-29", "2000-01", "None"),
        ("all", "Semua waktu", "2000-01-01", "9999-12-31", "None", "None"),
    ],
)
def test_a_period_is_read_named_and_compared(
    text: str, label: str, first: str, last: str, before: str, year_before: str
) -> None:
    period = _period(text)
    told = (period.label, period.first.isoformat(), period.last.isoformat(), str(period.before))
    assert (*told, str(period.year_before)) == (label, first, last, before, year_before)
    assert str(period) == text


@pytest.mark.parametrize(
    ("text", "summed", "distinct"),
    [
        ("2024", ("year", "2024-01-01", "2024-01-01"), ("year", "2024-01-01")),
        ("2024-Q4", ("month", "2024-10-01", "2024-12-01"), ("quarter", "2024-10-01")),
        ("2024-12", ("month", "2024-12-01", "2024-12-01"), ("month", "2024-12-01")),
        ("2024-12-31", ("day", "2024-12-31", "2024-12-31"), ("day", "2024-12-31")),
        ("all", ("year", "2000-01-01", "9999-12-31"), ("all", "2000-01-01")),
    ],
)
def test_a_period_knows_the_rows_that_answer_it(text: str, summed: tuple[str, ...], distinct: tuple[str, str]) -> None:
    period = _period(text)
    grain, first, last = summed
    assert period.summed == Rows(Period(grain), date.fromisoformat(first), date.fromisoformat(last))
    start = date.fromisoformat(distinct[1])
    assert period.distinct == Rows(Period(distinct[0]), start, start)


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "24",
        "2024-",
        "2024-Q0",
        "2024-Q5",
        "2024-q2",
        "2024-13",
        "2024-5",
        "2024-06-31",
        "2023-02-29",
        "0000",
        "2024-05-17T00:00",
        "٢٠٢٤",
        "2024\n",
        "20245",
    ],
)
def test_what_is_no_period_is_not_guessed(text: str) -> None:
    assert PeriodAsked.parse(text) is None
    with pytest.raises(Problem) as refused:
        asked(text, TODAY)
    assert (refused.value.status, refused.value.errors[0].field) == (422, "period")


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("1999-12-31", "Isi periode mulai 2000."),
        ("2026-11-23", "Isi paling lambat 2026-11-22."),
        ("2026-12", "Isi paling lambat 2026-11."),
        ("2027-Q1", "Isi paling lambat 2026-Q4."),
        ("2027", "Isi paling lambat 2026."),
    ],
)
def test_a_period_outside_of_time_is_refused_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(Problem) as refused:
        asked(text, TODAY, "periode")
    assert (refused.value.errors[0].field, refused.value.cure) == ("periode", cure)


@pytest.mark.parametrize("text", ["2026-11-22", "2026-11", "2026-Q4", "2026", "all"])
def test_a_running_period_may_be_asked_and_is_marked(text: str) -> None:
    period = asked(text, TODAY)
    assert period.is_running(TODAY)
    assert not period.is_over(TODAY)


def test_a_period_is_over_the_day_after_its_last() -> None:
    month = _period("2026-10")
    assert [month.is_over(day) for day in (date(2026, 10, 31), date(2026, 11, 1))] == [False, True]
    assert [month.is_running(day) for day in (date(2026, 9, 30), date(2026, 10, 1))] == [False, True]


def test_a_quarter_has_its_three_months_and_a_year_twelve() -> None:
    assert [str(month) for month in _period("2024-Q3").months()] == ["2024-07", "2024-08", "2024-09"]
    assert [str(month) for month in _period("2024").months()][::11] == ["2024-01", "2024-12"]


@pytest.mark.parametrize(
    ("grain", "first", "last", "told"),
    [
        (Period.MONTH, "2023-11", "2024-02", ["2023-11", "2023-12", "2024-01", "2024-02"]),
        (Period.QUARTER, "2023-12", "2024-04-01", ["2023-Q4", "2024-Q1", "2024-Q2"]),
        (Period.DAY, "2024-02-28", "2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (Period.YEAR, "2024", "2024", ["2024"]),
    ],
)
def test_a_series_holds_every_period_between_its_ends(grain: Period, first: str, last: str, told: list[str]) -> None:
    assert [str(one) for one in series(grain, _period(first), _period(last))] == told


def test_a_series_is_neither_reversed_nor_endless() -> None:
    first = date(2024, 1, 1)
    longest = PeriodAsked(Period.DAY, first + timedelta(days=MOST_IN_A_SERIES - 1))
    assert len(series(Period.DAY, PeriodAsked(Period.DAY, first), longest)) == MOST_IN_A_SERIES
    for start, end in (("2024-02", "2024-01"), ("2023-01-01", "2024-03-01")):
        with pytest.raises(Problem) as refused:
            series(Period.DAY, _period(start), _period(end))
        assert refused.value.errors[0].field == "to"


@given(grain=_PARTS, day=_DAYS)
def test_every_day_lies_in_one_period_and_periods_follow_each_other(grain: Period, day: date) -> None:
    period = PeriodAsked.containing(grain, day)
    assert period.first <= day <= period.last
    assert PeriodAsked.parse(str(period)) == period
    following = PeriodAsked.containing(grain, period.last + timedelta(days=1))
    assert following.before == period
    assert following.first - timedelta(days=1) == period.last
    assert EVER.first <= period.first


@given(grain=st.sampled_from([Period.MONTH, Period.QUARTER, Period.YEAR]), day=_DAYS)
def test_the_months_of_a_period_cover_it(grain: Period, day: date) -> None:
    period = PeriodAsked.containing(grain, day)
    months = list(period.months())
    assert (months[0].first, months[-1].last) == (period.first, period.last)
    assert all(later.before == earlier for earlier, later in pairwise(months))
