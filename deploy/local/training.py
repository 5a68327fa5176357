"""Prepares Kafka's classes for quick starts: `python -m deploy.local.training`. Worth it where Kafka starts often."""

import asyncio
import fcntl
import os
import tempfile
from pathlib import Path

from deploy.local import jars, ports
from deploy.local.kafka import Kafka, prepared_classes
from deploy.local.process import StartError, start

_DUMP_SECONDS = 120.0


async def train() -> None:
    """Runs a broker once and keeps what it loaded, unless that was done; several may call it at once.

    Raises StartError if the broker does not start.
    """
    await asyncio.to_thread(jars.fetch)
    with (jars.cache_dir() / ".training").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not prepared_classes().exists():
            with tempfile.TemporaryDirectory() as scratch:
                await _run_once(Path(scratch))


async def _run_once(directory: Path) -> None:
    port = ports.choose()
    broker = Kafka(directory / "kafka", port, ports.choose({port}))
    await asyncio.to_thread(broker.initialise)
    classes = prepared_classes().with_suffix(".unfinished")
    running = start(broker.training_command(directory / "kafka.log", classes))
    try:
        await running.ready(broker.answers, within=120)
    finally:
        await running.stop(_DUMP_SECONDS)
    if classes.exists():
        classes.replace(prepared_classes())


def main() -> None:
    """Without it everything works as well, only more slowly: a failure is told and not fatal."""
    os.nice(5)
    try:
        asyncio.run(train())
    except (StartError, jars.JarsError) as error:
        print(f"Kafka's classes were not prepared: {error}")  # noqa: T201  a program of its own


if __name__ == "__main__":
    main()
