"""Garbage collection for processes that handle many short-lived rows."""

import gc

from shared.loops import BackgroundLoop

# More than two batches hold: between batches their rows are gone by their reference counts.
_OBJECTS_BETWEEN_LOOKS = 400_000
_SECONDS_BETWEEN_LOOKS = 60.0


class RareCollector(BackgroundLoop):
    """Looks for cycles once a minute. Python itself would look while batches are worked through, whose rows die by
    their reference counts anyway: that cost a sixth of the throughput.
    """

    name = "collector"

    async def run(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
        self.started.set()
        while not self.stopping.is_set():
            await self.rest(_SECONDS_BETWEEN_LOOKS)
            gc.collect()
