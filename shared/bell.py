"""A bell between those who write to an outbox and its relay: a hint, so that the relay need not ask all the time.

It rings by NOTIFY on a connection of its own, after the commit: within a command's transaction it would take a lock of
the whole database (11,400 → 3,600 commits a second). Whoever is not told, or no more, asks soon anyway.
"""

import asyncio
import time

from shared.loops import BackgroundLoop, wait_for
from shared.pace import Pace, Wait
from shared.postgres import UNAVAILABLE, Connection, connect, role_name
from shared.settings import Settings

_RING_SECONDS = 5.0
# How long a relay waits between two turns. Where much is committed, it turns by that and waits for no ring, of which
# each wakes four processes; there it rings as rarely as a relay asks that hears nothing.
TURN = Wait(1, 3)
_SELDOM_SECONDS = 0.015


def channel(service: str) -> str:
    """Returns what the bell of a service's outbox is called in Postgres."""
    return f"{service}_outbox"


class Bell(BackgroundLoop):
    """Rings for what this process has committed; what is committed while it rings shares the next ring."""

    name = "bell"

    def __init__(self, service: str, settings: Settings) -> None:
        super().__init__()
        self._service = service
        self._settings = settings
        self._rung = asyncio.Event()
        self._pace = Pace(time.monotonic())

    def ring(self) -> None:
        """Something was committed. Returns at once."""
        self._pace.note(1, time.monotonic())
        self._rung.set()

    async def run(self) -> None:
        self.started.set()
        while not self.stopping.is_set():
            try:
                await self._ring_until_stopped()
            except UNAVAILABLE:
                await self.rest(self.pause_seconds)  # a relay that hears nothing asks

    async def stop(self, within: float = 8.0) -> None:
        """Rings once more: what was committed last is not known to have been rung for."""
        self.stopping.set()
        self._rung.set()
        await super().stop(within)

    async def _ring_until_stopped(self) -> None:
        await self._rung.wait()
        connection = await connect(
            self._settings,
            role_name(self._service, "app"),
            schema=self._service,
            application=f"{self._service}-bell",
        )
        try:
            while True:
                if self._pace.gathers(TURN):
                    await self.rest(_SELDOM_SECONDS)
                self._rung.clear()
                await connection.execute(f"notify {channel(self._service)}", timeout=_RING_SECONDS)
                if self.stopping.is_set():
                    return
                await self._rung.wait()
        finally:
            connection.terminate()


class Hearing:
    """What a relay hears of the bell. It is believed as long as what the relay finds was rung for."""

    _MISSED = 3

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._missed = self._MISSED
        self._told = False

    async def listen(self, connection: Connection, service: str) -> None:
        """Hears the bell over a connection of its own, until that is closed. Raises what UNAVAILABLE names."""
        await connection.add_listener(channel(service), lambda *_: self._rung.set())

    def begin_turn(self) -> None:
        """What rings from now on is for the next turn: it may have come too late for this one."""
        self._told = self._rung.is_set()
        self._rung.clear()

    def end_turn(self, *, found: bool) -> None:
        """Three finds in a row without a ring: somebody writes who does not ring."""
        if self._told:
            self._missed = 0
        elif found:
            self._missed += 1

    @property
    def is_believed(self) -> bool:
        """Tells whether whoever writes rings."""
        return self._missed < self._MISSED

    async def wait(self, seconds: float) -> None:
        """Waits for a ring, but no longer than so."""
        await wait_for(self._rung, seconds)
