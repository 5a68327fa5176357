"""Loops over work that waits in a table, shared by any number of replicas."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.loops import BackgroundLoop
from shared.postgres import UNAVAILABLE

_LOOK_SECONDS = 1.0
_FORGET_EVERY = timedelta(minutes=1)


class QueueLoop(BackgroundLoop):
    """Works one thing after the other; when nothing waits it looks once a second, and forgets now and then."""

    patience_seconds = 5.0  # after the database was away
    postponed = "work_postponed"  # what the log says then

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock
        self._forget_at = clock()

    @abstractmethod
    async def work_next(self) -> bool:
        """Works what is next; tells whether there was anything. Raises what UNAVAILABLE names."""

    @abstractmethod
    async def forget(self) -> None:
        """Erases what is not to be kept any longer. Raises what UNAVAILABLE names."""

    async def run(self) -> None:
        self.started.set()
        while not self.stopping.is_set():
            try:
                if not await self.work_next():
                    await self._forget_now_and_then()
                    await self.rest(_LOOK_SECONDS)
            except UNAVAILABLE as error:
                self._log.warning(self.postponed, error=type(error).__name__)
                await self.rest(self.patience_seconds)

    async def _forget_now_and_then(self) -> None:
        if self._clock() >= self._forget_at:
            await self.forget()
            self._forget_at = self._clock() + _FORGET_EVERY
