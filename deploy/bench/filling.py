"""Fills a set with made-up facts by as many processes as the machine has cores."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from math import ceil

from deploy.bench import writing
from services.reporting import store

# About so many events stand behind a circle.
_EVENTS_OF_A_CIRCLE = 3_700
# Written in one transaction: about 75,000 events, whose totals are added up before they are written.
_CIRCLES_AT_ONCE = 20


class FillingError(Exception):
    """A process that writes has ended; its own last words stand above."""


class Filling:
    """`events` stand behind the facts that are there, those of `circles` circles from the first on."""

    def __init__(self, dsn: str, now: datetime) -> None:
        self.events = 0
        self.circles = 0
        self._dsn = dsn
        self._now = now

    async def begin(self) -> None:
        """Writes the offices and their consultants. Raises what asyncpg raises."""
        connection = await writing.connect(self._dsn)
        try:
            self.events += await writing.write_beginning(connection, await store.live_set(connection), self._now)
        finally:
            await connection.close(timeout=5)

    async def grow(self, events: int, tell: Callable[[int], None]) -> None:
        """Writes circles until at least so many events are there; `tell` hears how many are. Raises FillingError."""
        async with AsyncExitStack() as stack:
            cores = os.cpu_count() or 1
            writers = [await stack.enter_async_context(_writer(self._dsn, self._now)) for _ in range(cores)]
            under_way = _UnderWay(events - self.events, len(writers))
            try:
                async with asyncio.TaskGroup() as group:
                    for writer in writers:
                        group.create_task(self._keep_busy(writer, under_way, tell))
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None

    async def _keep_busy(
        self, writer: asyncio.subprocess.Process, under_way: "_UnderWay", tell: Callable[[int], None]
    ) -> None:
        while circles := under_way.next():
            first, self.circles = self.circles, self.circles + circles
            written = await _written(writer, first, self.circles)
            under_way.done(circles, written)
            self.events += written
            tell(self.events)


class _UnderWay:
    """How many events are wanted still, and how many circles are being written."""

    def __init__(self, wanted: int, writers: int) -> None:
        self._wanted = wanted
        self._writers = writers
        self._circles = 0

    def next(self) -> int:
        """Returns how many circles to write next; 0 when those that are being written will do."""
        missing = ceil(self._wanted / _EVENTS_OF_A_CIRCLE) - self._circles
        circles = min(_CIRCLES_AT_ONCE, ceil(missing / self._writers)) if missing > 0 else 0
        self._circles += circles
        return circles

    def done(self, circles: int, events: int) -> None:
        self._circles -= circles
        self._wanted -= events


async def _written(writer: asyncio.subprocess.Process, first: int, last: int) -> int:
    assert writer.stdin is not None  # noqa: S101  both were asked for
    assert writer.stdout is not None  # noqa: S101
    writer.stdin.write(f"{first} {last}\n".encode())
    answer = await writer.stdout.readline()
    if not answer:
        raise FillingError("a process that writes events has ended")
    return int(answer)


@asynccontextmanager
async def _writer(dsn: str, now: datetime) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that writes; it hears nothing of a Ctrl-C, and ends with its transaction undone when this one does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "deploy.bench.writing"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None  # noqa: S101  it was asked for
        process.stdin.write(json.dumps({"dsn": dsn, "now": now.isoformat()}).encode() + b"\n")
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
