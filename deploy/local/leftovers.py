"""Processes of an installation whose supervisor is gone."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.process import Identity, stop_leftover

# Every process of an installation carries its directory in this variable: leftovers are found without any file.
MARK = "PLUT_INSTALLATION"


def find(directory: Path) -> list[Identity]:
    """Returns the processes of the installation that were started directly; their own children end with them."""
    marked = [process for process in psutil.process_iter() if _is_marked(process, str(directory))]
    pids = {process.pid for process in marked}
    found = []
    for process in marked:
        with suppress(psutil.Error):
            if process.ppid() not in pids:
                found.append(Identity(process.pid, process.create_time()))
    return found


async def stop(directory: Path) -> int:
    """Ends them, Postgres without waiting for its clients, and returns how many there were."""
    stopped = await asyncio.gather(*(stop_leftover(identity, _quit_signal(identity)) for identity in find(directory)))
    return sum(stopped)


def _is_marked(process: psutil.Process, directory: str) -> bool:
    with suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == directory and process.status() != psutil.STATUS_ZOMBIE
    return False


def _quit_signal(identity: Identity) -> signal.Signals:
    process = identity.process()
    with suppress(psutil.Error):
        return signal.SIGINT if process and process.name() == "postgres" else signal.SIGTERM
    return signal.SIGTERM
