"""Little is handed on at once, much travels together, and a burst is soon forgotten."""

import pytest

from shared.pace import Pace, Wait

WAIT = Wait(1, 10)
COSTLY = Wait(1, 5, at_great_cost=10)


def _after(per_second: float, seconds: float = 5, each: float = 0.002) -> tuple[Pace, float]:
    """Returns the pace, and the time by then, of so many a second that are counted whenever `each` has passed."""
    pace, now, due = Pace(0.0), 0.0, 0.0
    while now < seconds:
        now += each
        due += per_second * each
        pace.note(int(due), now)
        due -= int(due)
    return pace, now


@pytest.mark.parametrize(
    ("per_second", "least", "most"), [(0, 1, 1), (50, 1, 1), (200, 1, 1), (260, 6, 9), (1_000, 10, 10)]
)
def test_the_wait_grows_with_what_comes(per_second: float, least: float, most: float) -> None:
    for each in (0.001, 0.01, 0.05):
        pace, _ = _after(per_second, each=each)
        assert least <= pace.wait_ms(WAIT) <= most


def test_a_burst_is_forgotten_within_seconds() -> None:
    pace, now = _after(20_000)
    assert pace.wait_ms(WAIT) == WAIT.most
    pace.note(0, now + 6)
    assert pace.wait_ms(WAIT) == WAIT.least


def test_a_wait_of_one_length_never_changes() -> None:
    for per_second in (0, 100, 10_000):
        assert _after(per_second)[0].wait_ms(Wait(50, 50)) == 50


def test_calls_at_one_instant_are_no_trouble() -> None:
    pace = Pace(1.0)
    for _ in range(100):
        pace.note(0, 1.0)
    assert pace.wait_ms(WAIT) == WAIT.least


def _spending(share: float, per_second: float) -> Pace:
    """Returns the pace of a process that spends so much of one core on so many a second."""
    pace = Pace(0.0, spent=7.0)
    due = 0.0
    for turn in range(1, 2_500):
        now, due = turn * 0.002, due + per_second * 0.002
        pace.note(int(due), now)
        due -= int(due)
        pace.note_spent(7.0 + share * now, now)
    return pace


@pytest.mark.parametrize(
    ("share", "per_second", "least", "most"),
    [
        (0.1, 200, 1, 1),
        (0.34, 200, 1, 1),
        (0.4, 200, 6, 7),
        (0.9, 200, 10, 10),
        (0.1, 1_000, 5, 5),
        (0.9, 1_000, 10, 10),
    ],
)
def test_the_wait_grows_too_with_what_the_process_spends(
    share: float, per_second: float, least: float, most: float
) -> None:
    assert least <= _spending(share, per_second).wait_ms(COSTLY) <= most


def test_who_says_nothing_of_cost_waits_by_pace_alone() -> None:
    assert _spending(0.9, 200).wait_ms(WAIT) == WAIT.least
    assert _spending(0.9, 1_000).wait_ms(WAIT) == WAIT.most


def test_what_waits_no_longer_than_the_least_gathers_nothing() -> None:
    assert not _after(200)[0].gathers(WAIT)
    assert _after(1_000)[0].gathers(WAIT)


def test_who_spends_much_on_little_waits_for_nothing() -> None:
    pace, now = _after(50)
    for turn in range(1_000):
        pace.note_spent(turn * 0.01, now + turn * 0.01)
    assert pace.wait_ms(COSTLY) == COSTLY.least
