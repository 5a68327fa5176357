"""From one instant until another connection sees the effect, for each effect by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

# Looking costs the database as much as a small write: more often would slow down what is measured.
_LOOK_EVERY_SECONDS = 0.002

Key = TypeVar("Key", bound=Hashable)
Look = Callable[[Collection[Key]], Awaitable[Collection[Key]]]


class Watch(Generic[Key]):
    """Asks again and again which of the expected effects are there. `look` returns those of them that it sees.

    A delay ends when the answer that shows the effect has come back: the watch is part of it, never too short.
    """

    def __init__(self, look: Look[Key]) -> None:
        self.seconds: list[float] = []
        self._look = look
        self._expected: dict[Key, tuple[float, bool]] = {}
        self._something = asyncio.Event()
        self._nothing = asyncio.Event()
        self._nothing.set()

    @property
    def missing(self) -> int:
        """How many were expected and not seen yet."""
        return len(self._expected)

    def expect(self, key: Key, since: float, *, counted: bool = True) -> None:
        """Expects an effect; `since` is the instant (time.monotonic) from which its delay counts, if it is counted."""
        self._expected[key] = since, counted
        self._something.set()
        self._nothing.clear()

    async def run(self) -> None:
        """Watches until cancelled. Raises what `look` raises."""
        while True:
            if not self._expected:
                self._nothing.set()
                self._something.clear()
                await self._something.wait()
            seen = await self._look(list(self._expected))
            now = time.monotonic()
            came = [self._expected.pop(key) for key in seen]
            self.seconds += [max(0.0, now - since) for since, counted in came if counted]
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def drain(self, within: float) -> bool:
        """Waits until everything expected was seen; False if some are missing after `within` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._nothing.wait()
        return not self._expected
