"""How often one address may ask without a login. In the process: it spares the database.

Guessing is held off elsewhere, for all replicas at once: a token has 128 random bits, and tries are counted in its row.
"""

import time
from collections.abc import Callable

from shared.http.problem import Problem

MOST_PER_MINUTE = 60  # whole villages share one address of a mobile network
_WINDOW_SECONDS = 60.0
_MOST_ADDRESSES = 20_000


class Throttle:
    """Counts requests by address in windows of a minute. Forgets everything rather than growing without bound."""

    def __init__(self, most: int = MOST_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._window = 0
        self._counts: dict[str, int] = {}

    def admit(self, address: str) -> None:
        """Counts a request. Raises a 429 Problem for one too many in this minute."""
        now = self._clock()
        window = int(now // _WINDOW_SECONDS)
        if window != self._window or len(self._counts) >= _MOST_ADDRESSES:
            self._window, self._counts = window, {}
        self._counts[address] = self._counts.get(address, 0) + 1
        if self._counts[address] > self._most:
            raise _too_many(int(_WINDOW_SECONDS - now % _WINDOW_SECONDS) + 1)


def _too_many(seconds: int) -> Problem:
    return Problem(
        429,
        "too-many-requests",
        "Terlalu sering",
        "Alamat jaringan Anda terlalu sering membuka halaman ini.",
        cure=f"Coba lagi {seconds} detik lagi.",
        headers={"Retry-After": str(seconds)},
    )
