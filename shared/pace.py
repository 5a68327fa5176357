"""How long what comes may wait for more of it: where little comes not at all, where much comes so long that it travels
together.
"""

import math
from dataclasses import dataclass

# So many a second would fill two cores if each travelled by itself: from there on all wait for each other.
_FULL = 300
# On a slow processor, or with costly events, fewer do. Then the process itself spends so much of one core, Postgres and
# Kafka as much again for it, and nothing but longer waits spares any of it.
_BUSY = 0.5
_SECONDS = 1.0  # what came within about so long is remembered


@dataclass(frozen=True)
class Wait:
    """In milliseconds: the least, the most where much comes, and the most where the process spends much on it."""

    least: float
    most: float
    at_great_cost: float = 0.0


class Pace:
    """How much comes a second, and how long to wait for more by that and by what it costs."""

    def __init__(self, now: float, spent: float = 0.0) -> None:
        """`now`: seconds of a clock that never goes back, as in every call; `spent`: as `note_spent` is told them."""
        self._at = now
        self._per_second = 0.0
        self._spent = spent
        self._spent_at = now
        self._share = 0.0

    def note(self, number: int, now: float) -> None:
        """Counts what has come since the last call."""
        passed = max(now - self._at, 1e-4)
        self._per_second += (number / passed - self._per_second) * _weight(passed)
        self._at = now

    def note_spent(self, seconds: float, now: float) -> None:
        """Takes note of the processor time that the process has spent so far."""
        passed = max(now - self._spent_at, 1e-4)
        self._share += ((seconds - self._spent) / passed - self._share) * _weight(passed)
        self._spent, self._spent_at = seconds, now

    def wait_ms(self, wait: Wait) -> float:
        """Returns how many milliseconds to wait for more: the least where nothing more is to be expected within."""
        by_pace = wait.most * min(1.0, self._per_second / _FULL) ** 2
        by_cost = wait.at_great_cost * min(1.0, self._share / _BUSY) ** 2
        longer = max(by_pace, by_cost)
        return max(wait.least, longer) if longer * self._per_second >= 1_000 else wait.least

    def gathers(self, wait: Wait) -> bool:
        """Tells whether waiting longer than the least is worth while."""
        return self.wait_ms(wait) > wait.least


def _weight(passed: float) -> float:
    return -math.expm1(-passed / _SECONDS)
