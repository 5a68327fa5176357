"""Background loops: every one starts, says so, and stops within a bound, however often it is told to."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress

import structlog


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Waits until the event is set, but no longer than so."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class BackgroundLoop(ABC):
    """`run` works until `stopping` is set. A loop that fails is begun again after a pause: it never dies in silence."""

    name = "loop"
    pause_seconds = 1.0

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.started = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger(loop=self.name)

    @abstractmethod
    async def run(self) -> None:
        """Works until `stopping` is set; sets `started` once it does its work."""

    async def start(self) -> None:
        """Begins in the background; does nothing if it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run_again_and_again(), name=self.name)

    async def stop(self, within: float = 8.0) -> None:
        """Asks it to end, and cancels it after `within` seconds. Safe to call twice or before the start."""
        self.stopping.set()
        if self._task is None:
            return
        task, self._task = self._task, None
        done, _ = await asyncio.wait({task}, timeout=within)
        if not done:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task}, timeout=1)

    async def rest(self, seconds: float) -> None:
        """Waits, but no longer than until it is told to stop."""
        await wait_for(self.stopping, seconds)

    async def _run_again_and_again(self) -> None:
        while not self.stopping.is_set():
            try:
                await self.run()
            except Exception:  # noqa: BLE001  whatever it was: logged, and tried again
                with suppress(OSError):  # a log without room ends no loop
                    self._log.exception("loop_failed")
                await self.rest(self.pause_seconds)
