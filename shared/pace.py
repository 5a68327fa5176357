"""How long what comes may wait for more of it: where little comes not at all, where much comes so long that it travels
together.
"""

import math
from dataclasses import dataclass

# So many a second would fill two cores if each travelled by itself: from there on all wait as long as they may.
_FULL = 300
_SECONDS = 1.0  # what came within about so long is remembered


@dataclass(frozen=True)
class Wait:
    """The least and the greatest, in milliseconds."""

    least: float
    most: float


class Pace:
    """How much comes a second, and how long to wait for more by that."""

    def __init__(self, now: float) -> None:
        """`now`: seconds of a clock that never goes back, as in every call."""
        self._at = now
        self._per_second = 0.0

    def note(self, number: int, now: float) -> None:
        """Counts what has come since the last call."""
        passed = max(now - self._at, 1e-4)
        weight = -math.expm1(-passed / _SECONDS)
        self._per_second += (number / passed - self._per_second) * weight
        self._at = now

    def wait_ms(self, wait: Wait) -> float:
        """Returns how many milliseconds to wait for more: the least where nothing more is to be expected within."""
        longer = wait.most * min(1.0, self._per_second / _FULL) ** 2
        return max(wait.least, longer) if longer * self._per_second >= 1_000 else wait.least
