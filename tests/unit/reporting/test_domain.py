"""Rules of reporting without any IO."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.reporting.domain import Period, Position, is_stale, start_of
from services.reporting.login import local_path
from services.reporting.wording import clock, hours, number
from shared.days import day

NOW = datetime(2026, 11, 21, 3, 42, 7, tzinfo=UTC)
positions = some.builds(Position, *[some.integers(0, 10**15)] * 3)


@given(positions)
def test_a_position_can_be_read_back(position: Position) -> None:
    assert Position.parse(str(position)) == position


@given(some.text(max_size=30))
def test_any_text_is_a_position_or_none(text: str) -> None:
    found = Position.parse(text)
    assert found is None or Position.parse(str(found)) == found


def test_a_new_set_and_then_a_reset_come_before_offsets() -> None:
    assert Position(1, 9, 9) < Position(2, 0, 0) < Position(2, 1, 0) < Position(2, 1, 1)


@given(some.dates(date(2001, 1, 1), date(2099, 12, 31)))
def test_every_day_lies_in_its_periods(at: date) -> None:
    starts = [start_of(period, at) for period in Period]
    assert starts == sorted(starts, reverse=True)
    assert start_of(Period.MONTH, at).month == at.month


def test_figures_are_stale_after_a_minute_and_when_nothing_is_known() -> None:
    assert not is_stale(NOW - timedelta(seconds=60), NOW)
    assert is_stale(NOW - timedelta(seconds=61), NOW)
    assert is_stale(None, NOW)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "",
        "/a\nSet-Cookie: x",
        "/" + "a" * 600,
    ],
)
def test_nobody_is_sent_to_another_site(address: str) -> None:
    assert local_path(address) == "/"


def test_a_path_of_ours_is_returned_to() -> None:
    assert local_path("/?periode=tahun") == "/?periode=tahun"


def test_figures_are_written_as_in_indonesia() -> None:
    assert [number(1_250_000), number(999)] == ["1.250.000", "999"]
    assert [hours(0), hours(60), hours(95), hours(75_030)] == ["0", "1", "1,6", "1.251"]
    assert day(date(2026, 11, 21)) == "21 November 2026"
    assert clock(NOW) == "10:42:07 WIB"
