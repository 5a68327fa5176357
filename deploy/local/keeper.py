"""Keeps one process running: begun again when it dies, left alone while it is held."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from deploy.local.process import Command, Running, StartError, last_words, start
from shared.loops import BackgroundLoop

_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
_SETTLED_SECONDS = 30.0
_TRIES = 3
_POLL_SECONDS = 0.1


class Keeper(BackgroundLoop):
    """`changed` is called whenever the process was started or ended; `say` gets what an operator should hear of."""

    def __init__(
        self,
        command: Callable[[], Command],
        *,
        name: str,
        log_file: Path,
        held: Callable[[], bool],
        changed: Callable[[], None],
        say: Callable[[str], None],
        stop_within: float = 10.0,
    ) -> None:
        self.name = name
        super().__init__()
        self.running: Running | None = None
        self.restarts = 0
        self._command = command
        self._log_file = log_file
        self._held = held
        self._changed = changed
        self._told = say
        self._stop_within = stop_within
        self._deaths = 0

    async def run(self) -> None:
        try:
            while not self.stopping.is_set():
                if self._held():
                    self.started.set()
                    await self.rest(_POLL_SECONDS)
                else:
                    await self._run_once()
        finally:
            await self._end()

    async def ready(self, check: Callable[[], Awaitable[bool]], within: float) -> None:
        """Waits until `check` is true. Raises StartError if the process keeps dying or `within` seconds pass."""
        await self.started.wait()
        until = time.monotonic() + within
        while not await check():
            if self._deaths > _TRIES:
                raise StartError(f"{self.name} ends again and again. {last_words(self._log_file)}")
            if time.monotonic() > until:
                raise StartError(f"{self.name} was not ready after {within:.0f} s. {last_words(self._log_file)}")
            await self.rest(_POLL_SECONDS)

    async def _run_once(self) -> None:
        try:
            self.running = start(await asyncio.to_thread(self._command))
        except Exception as error:  # noqa: BLE001  whatever it was: told, and tried again
            self._say(f"{self.name} could not be started: {error}")
            await self._pause(0)
            return
        self.started.set()
        self._changed()
        while self.running.exit_status is None and not self.stopping.is_set() and not self._held():
            await self.rest(_POLL_SECONDS)
        status = self.running.exit_status
        if status is None:
            await self._end()
            return
        lived = time.monotonic() - self.running.since
        self.running = None
        self._changed()
        self._say(f"{self.name} ended {_how(status)} after {lived:.0f} s; it is started again")
        self.restarts += 1
        await self._pause(lived)

    def _say(self, text: str) -> None:
        with suppress(OSError):  # what it is told to may lie on the very disk for whose lack of room a process ended
            self._told(text)

    async def _pause(self, lived: float) -> None:
        self._deaths = 0 if lived > _SETTLED_SECONDS else self._deaths + 1
        await self.rest(_PAUSES[min(self._deaths, len(_PAUSES)) - 1] if self._deaths else 0)

    async def _end(self) -> None:
        if self.running is None:
            return
        with suppress(asyncio.CancelledError):
            await self.running.stop(self._stop_within)
        self.running.kill()
        self.running = None
        self._changed()


def _how(status: int) -> str:
    return f"by signal {-status}" if status < 0 else f"with status {status}"
