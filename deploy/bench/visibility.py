"""From one instant until other connections see the effect, for each effect by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from shared.loops import wait_for

# Looking costs the database as much as a small write: more often would slow down what is measured.
_REST_SECONDS = 0.002
# The oldest are looked for first. Where much is late, asking for all of it each time would make everything later still.
_AT_ONCE = 100

_REMEMBERED = 50

Key = TypeVar("Key", bound=Hashable)
Look = Callable[[Collection[Key]], Awaitable[Collection[Key]]]


@dataclass
class _Expected:
    since: float
    counted: bool
    unseen_by: set[int]


class Watch(Generic[Key]):
    """Asks again and again which of the expected effects are there. Each `look` returns those of them that it sees;
    an effect is there when all looks have seen it.

    A delay ends when the answer that shows the effect has come back: the watch is part of it, never too short. `usual`
    is about how many seconds the latest took.
    """

    def __init__(self, *looks: Look[Key], rest: float = _REST_SECONDS) -> None:
        self.seconds: list[float] = []
        self.usual = 0.0
        self._looks = looks
        self._rest = rest
        self._expected: dict[Key, _Expected] = {}
        self._something = [asyncio.Event() for _ in looks]
        self._nothing = asyncio.Event()
        self._nothing.set()

    @property
    def missing(self) -> int:
        """How many were expected and not seen yet."""
        return len(self._expected)

    def expect(self, key: Key, since: float, *, counted: bool = True) -> None:
        """Expects an effect; `since` is the instant (time.monotonic) from which its delay counts, if it is counted."""
        self._expected[key] = _Expected(since, counted, set(range(len(self._looks))))
        self._nothing.clear()
        for something in self._something:
            something.set()

    async def run(self) -> None:
        """Watches until cancelled. Raises what a look raises."""
        await asyncio.gather(*(self._watch(number, look) for number, look in enumerate(self._looks)))

    async def drain(self, within: float) -> bool:
        """Waits until everything expected was seen; False if some are missing after `within` seconds."""
        await wait_for(self._nothing, within)
        return not self._expected

    async def _watch(self, number: int, look: Look[Key]) -> None:
        while True:
            unseen = (key for key, expected in self._expected.items() if number in expected.unseen_by)
            wanted = list(islice(unseen, _AT_ONCE))
            if not wanted:
                self._something[number].clear()
                await self._something[number].wait()
                continue
            seen = await look(wanted)
            self._see(number, seen, time.monotonic())
            await asyncio.sleep(self._rest)

    def _see(self, number: int, seen: Collection[Key], now: float) -> None:
        for key in seen:
            expected = self._expected[key]
            expected.unseen_by.discard(number)
            if not expected.unseen_by:
                del self._expected[key]
                self.usual += (now - expected.since - self.usual) / _REMEMBERED
                if expected.counted:
                    self.seconds.append(max(0.0, now - expected.since))
        if not self._expected:
            self._nothing.set()
