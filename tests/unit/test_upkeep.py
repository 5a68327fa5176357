"""What is done every so often goes on after Postgres was away, and after a fault of its own."""

import asyncio

from shared.upkeep import Upkeep


class Counting(Upkeep):
    every_seconds = 0.001
    pause_seconds = 0.001

    def __init__(self, troubles: list[Exception]) -> None:
        super().__init__()
        self.troubles = troubles
        self.done = asyncio.Event()
        self.turns = 0

    async def do(self) -> None:
        self.turns += 1
        if self.troubles:
            raise self.troubles.pop()
        self.done.set()


async def test_it_goes_on_after_troubles() -> None:
    loop = Counting([ConnectionRefusedError(), TimeoutError(), ValueError("a fault of its own")])
    await loop.start()
    async with asyncio.timeout(5):
        await loop.done.wait()
    await loop.stop()
    assert loop.turns >= 4
    assert loop.started.is_set()
