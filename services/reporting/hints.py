"""Change hints: tells every listening browser that there is something new to fetch, never what it is.

One position is asked for each process, however many listen.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.reporting import store
from services.reporting.domain import Position
from services.reporting.freshness import as_of
from services.reporting.projections import TOTALS
from shared import postgres
from shared.loops import BackgroundLoop
from shared.metrics import SSE_CLIENTS
from shared.postgres import UNAVAILABLE, Pool

_LOOK_SECONDS = 0.5
_HINT_SECONDS = 1.0
_PING_SECONDS = 15.0
_OLD_SECONDS = 2.0

CHANGED, RESET, LOGIN_ENDED = "perubahan", "reset", "masuk"


@dataclass(frozen=True, slots=True)
class Look:
    """Where the live set stood. `now` is Postgres's time then, `at` this process's, monotonic."""

    position: Position
    as_of: datetime | None
    now: datetime
    at: float


class Broadcaster(BackgroundLoop):
    """Looks at the position of the live set about twice a second, and wakes listeners when it has moved."""

    name = "hints"

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool
        self._seen: Look | None = None
        self._moved = asyncio.Condition()
        self._looking = asyncio.Lock()
        self.closing = asyncio.Event()  # the process's own: set with the signal, before open answers are waited for
        self._listeners = 0

    @property
    def position(self) -> Position | None:
        """The newest position seen; None before the first look."""
        return self._seen.position if self._seen else None

    async def current(self) -> Look:
        """Returns what was seen last, or looks if that is long ago, for nobody listens or the process is very busy.

        Raises what UNAVAILABLE names.
        """
        async with self._looking:
            if self._seen is None or time.monotonic() - self._seen.at > _OLD_SECONDS:
                return await self._see()
            return self._seen

    async def run(self) -> None:
        self.started.set()
        while not self.stopping.is_set():
            if self.closing.is_set():
                await self._wake()
            elif self._listeners:
                await self._look()
            await self.rest(_LOOK_SECONDS)
        await self._wake()

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(5), self._looking:
                await self._see()
        except UNAVAILABLE as error:
            self._log.warning("position_unknown", error=type(error).__name__)

    async def _see(self) -> Look:
        before, now = self.position, await self.look_again()
        self._seen = now
        if now.position != before:
            await self._wake()
        return now

    async def look_again(self) -> Look:
        """Looks where the live set stands. Raises what UNAVAILABLE names."""
        async with postgres.transaction(self._pool, snapshot=True) as connection:
            live, position, now = await store.standing(connection)
            return Look(position, await as_of(connection, live, TOTALS), now, time.monotonic())

    async def _wake(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    @contextmanager
    def listening(self, scope: str) -> Any:  # noqa: ANN401  a context without a value
        """Counts a listener while it listens."""
        self._listeners += 1
        SSE_CLIENTS.labels(scope).inc()
        try:
            yield
        finally:
            self._listeners -= 1
            SSE_CLIENTS.labels(scope).dec()

    async def next_after(self, seen: Position | None, within: float) -> Position | None:
        """Returns the position as soon as it is another than `seen`, or after `within` seconds; None while unknown."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._moved:
                await self._moved.wait_for(lambda: self.position != seen or self.closing.is_set())
        return self.position


async def hints(broadcaster: Broadcaster, scope: str, last_event_id: str | None, until: float) -> AsyncIterator[bytes]:
    """Yields server-sent events, one hint a second at most, until the login (`until`, monotonic) ends."""
    with broadcaster.listening(scope):
        seen = await broadcaster.next_after(None, _PING_SECONDS)
        yield _opening(seen, last_event_id)
        while not broadcaster.closing.is_set():
            left = until - time.monotonic()
            if left <= 0:
                yield event(LOGIN_ENDED, None)
                return
            position = await broadcaster.next_after(seen, min(_PING_SECONDS, left))
            if position is None or position == seen:
                yield b": ping\n\n"
                continue
            went_back = seen is not None and position < seen
            seen = position
            yield event(RESET if went_back else CHANGED, seen)
            await broadcaster.rest(_HINT_SECONDS)


def _opening(now: Position | None, last_event_id: str | None) -> bytes:
    """Tells whoever comes back whether something changed meanwhile, or that what it saw is of another history."""
    if last_event_id is None or now is None:
        return b": halo\n\n"
    then = Position.parse(last_event_id)
    if then == now:
        return b": halo\n\n"
    elsewhere = then is None or then.edition != now.edition or then > now
    return event(RESET if elsewhere else CHANGED, now)


def event(name: str, position: Position | None) -> bytes:
    """Returns one server-sent event; the position is its id and its data."""
    place = f"id: {position}\n" if position is not None else ""
    return f"event: {name}\n{place}data: {position or ''}\n\n".encode()
