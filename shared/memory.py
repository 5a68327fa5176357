"""Garbage collection that nobody waits for: what stands when a process begins is never looked through again."""

import gc

from shared.loops import BackgroundLoop

# Of a consumer or a relay, more than two batches hold: between batches their rows are gone by their reference counts.
OF_BATCHES = 400_000
# Of an api, so many that a look takes some milliseconds.
OF_REQUESTS = 50_000
_SECONDS_BETWEEN_LOOKS = 60.0


def look_rarely(objects: int) -> None:
    """Looks for cycles now, never again through what is there by then, and from now on once per so many left over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects)


class RareCollector(BackgroundLoop):
    """Looks for cycles once a minute, and sooner where more objects are left over than `objects`.

    Python itself looks while batches are worked through, which cost a sixth of the throughput, and through everything
    that an api has loaded, for which one request of seventy waited 50 to 100 ms.
    """

    name = "collector"

    def __init__(self, objects: int) -> None:
        super().__init__()
        self._objects = objects

    async def run(self) -> None:
        look_rarely(self._objects)
        self.started.set()
        while not self.stopping.is_set():
            await self.rest(_SECONDS_BETWEEN_LOOKS)
            gc.collect()
