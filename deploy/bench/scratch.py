"""An installation of the measurement's own: real processes, nobody's data, gone afterwards."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import launcher
from deploy.local.installation import Installation
from shared.memory import OF_BATCHES, look_rarely


@asynccontextmanager
async def scratch(data_dir: Path | None, say: Callable[[str], None]) -> AsyncIterator[Installation]:
    """Starts an installation below `data_dir`, else in the user's cache; stops and removes it at the end.

    It runs beside whatever runs in `data_dir` and touches nothing of it. Raises what launcher.launch raises.
    """
    cancel_on_sigterm()
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=parent_of(data_dir)))
    installation = Installation.open(directory)
    try:
        say(f"an installation of its own is started in {directory}")
        await launcher.launch(installation, say)
        look_rarely(OF_BATCHES)  # a look takes 50 ms, which would be taken for what is measured
        yield installation
    finally:
        await launcher.shut_down(installation)
        shutil.rmtree(directory, ignore_errors=True)
        say(f"stopped and removed {directory}")


def parent_of(data_dir: Path | None) -> Path:
    """Returns the directory for installations of one's own: `data_dir`, else one in the user's cache; makes it."""
    parent = data_dir or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plut"
    parent = parent.expanduser().absolute()
    parent.mkdir(parents=True, exist_ok=True)
    return parent


def cancel_on_sigterm() -> None:
    """Has SIGTERM end a measurement as Ctrl-C does: what was started is stopped and removed."""
    mine = asyncio.current_task()
    if mine is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, mine.cancel)
