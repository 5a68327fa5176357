"""The writers of the measurement: at a fixed rate, whatever becomes of it (open loop).

In the process that also watches: telling another one of each write would cost as much as the write.
"""

import asyncio
import time
from collections import defaultdict
from datetime import date
from typing import Protocol, TypeAlias
from uuid import UUID

from shared.commands import Busy
from shared.postgres import UNAVAILABLE

Session: TypeAlias = tuple[str, UUID, date, int]
Business: TypeAlias = tuple[UUID, int]
# The n-th session of an office's consultant in a month, or a version of a business.
Effect: TypeAlias = Session | Business

_TOO_MUCH: tuple[type[BaseException], ...] = (Busy, *UNAVAILABLE)


class Counted:
    """How many sessions have been committed by consultant and month: where few come a second, this tells them apart."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, UUID, date], int] = defaultdict(int)

    def one_more(self, office: str, consultant: UUID, day: date) -> Session:
        """Returns the effect of a session that has just been committed."""
        key = office, consultant, day.replace(day=1)
        self._counts[key] += 1
        return *key, self._counts[key]


class Writers(Protocol):
    """Who writes: commands, or what commands leave behind."""

    async def prepare(self, writes: int) -> None:
        """Makes what is needed for so many writes, so that making it is not measured."""

    async def write(self, number: int) -> tuple[Effect, float]:
        """Does the n-th write (from 0); returns its effect, and when COMMIT had returned, or as soon after it as the
        writer knows of it (time.monotonic).
        """

    async def close(self) -> None: ...


class Expect(Protocol):
    """Is told of an effect that is on its way."""

    def __call__(self, key: Effect, since: float, *, counted: bool) -> None: ...


class Load:
    """Writes at a rate."""

    def __init__(self, writers: Writers, expect: Expect) -> None:
        self._writers = writers
        self._expect = expect
        self.failed = 0

    async def run(self, rate: float, seconds: float, warm_up: float) -> float:
        """Begins a write every 1/rate seconds, whether or not earlier ones have ended; returns the rate reached.

        What is written in the first `warm_up` seconds is expected, but not counted.
        """
        start = time.monotonic()
        running: set[asyncio.Task[None]] = set()
        writes = round(rate * (warm_up + seconds))
        for number in range(writes):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            task = asyncio.create_task(self._write(number, counted=number >= round(rate * warm_up)))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        return writes / (time.monotonic() - start)

    async def _write(self, number: int, *, counted: bool) -> None:
        try:
            effect, at = await self._writers.write(number)
        except _TOO_MUCH:
            self.failed += 1  # more was asked than the machine can do; what became of it is not measured
        else:
            self._expect(effect, at, counted=counted)
