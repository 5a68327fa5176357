"""Loops that do one thing in the database every so often."""

from abc import abstractmethod

from shared.loops import BackgroundLoop
from shared.postgres import UNAVAILABLE


class Upkeep(BackgroundLoop):
    """Does it at once and every so many seconds; what cannot be done while Postgres is away waits for the next turn."""

    every_seconds = 60.0
    left_undone = "upkeep_left_undone"  # what the log says then

    @abstractmethod
    async def do(self) -> None:
        """Does it once. Raises what UNAVAILABLE names."""

    async def run(self) -> None:
        self.started.set()
        while not self.stopping.is_set():
            try:
                await self.do()
            except UNAVAILABLE as error:
                self._log.warning(self.left_undone, error=f"{type(error).__name__}: {error}")
            await self.rest(self.every_seconds)
