"""The writers of the measurement, a process of their own: `python -m deploy.bench.load`, told by a JSON line on stdin.

They write at a fixed rate whatever becomes of it (open loop). For each write a JSON line tells the effect to look for
and the instant (time.monotonic, one clock for the whole machine) at which COMMIT had returned.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import uvloop

from deploy.local.installation import Installation
from shared.commands import Busy
from shared.postgres import UNAVAILABLE

_TOO_MUCH: tuple[type[BaseException], ...] = (Busy, *UNAVAILABLE)


class Writers(Protocol):
    """Who writes: commands, or what commands leave behind."""

    async def prepare(self) -> None: ...

    async def write(self, number: int) -> tuple[dict[str, Any], float]: ...


class Load:
    """Writes at a rate."""

    def __init__(self, writers: Writers) -> None:
        self._writers = writers
        self.failed = 0

    async def run(self, rate: float, seconds: float, warm_up: float) -> float:
        """Begins a write every 1/rate seconds, whether or not earlier ones have ended; returns the rate reached.

        What is written in the first `warm_up` seconds is marked as not counted.
        """
        start = time.monotonic()
        running: set[asyncio.Task[None]] = set()
        writes = round(rate * (warm_up + seconds))
        for number in range(writes):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            task = asyncio.create_task(self._write(number, counted=number >= round(rate * warm_up)))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        return writes / (time.monotonic() - start)

    async def _write(self, number: int, *, counted: bool) -> None:
        try:
            effect, at = await self._writers.write(number)
        except _TOO_MUCH:
            self.failed += 1  # more was asked than the machine can do; what became of it is not measured
        else:
            say({**effect, "at": at, "counted": counted})


def say(told: dict[str, Any]) -> None:
    """Tells the process that measures."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def _writers(told: dict[str, Any]) -> Writers:
    installation = Installation.open(Path(told["data_dir"]))
    if told["commands"]:
        from deploy.bench.by_command import Commands

        return await Commands.open(installation)
    from deploy.bench.by_event import Events

    return await Events.open(installation)


async def _main(told: dict[str, Any]) -> None:
    writers = await _writers(told)
    await writers.prepare()
    say({"prepared": True})
    await asyncio.to_thread(sys.stdin.readline)
    before, load = time.process_time(), Load(writers)
    reached = await load.run(told["rate"], told["seconds"], told["warm_up"])
    say({"done": True, "reached": reached, "failed": load.failed, "spent": time.process_time() - before})


if __name__ == "__main__":
    uvloop.run(_main(json.loads(sys.stdin.readline())))
