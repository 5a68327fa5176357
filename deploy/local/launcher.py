"""Starts and stops an installation from another process: its supervisor runs on by itself."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from deploy.local import leftovers, probe
from deploy.local import scale as scales
from deploy.local.installation import Installation
from deploy.local.process import StartError, stop_leftover
from deploy.local.state import ProcessState, process_name
from deploy.local.supervisor import AlreadyRunningError, Say

_STAMP = re.compile(r"^[0-9-]{10} [0-9:+]{13} ")
_START_SECONDS = 660.0  # the first start may have to fetch Kafka, a later one to migrate much
_STOP_SECONDS = 45.0
_SCALE_SECONDS = 60.0
_POLL_SECONDS = 0.1


async def launch(installation: Installation, say: Say) -> None:
    """Starts everything in a session of its own and returns once all of it is healthy.

    `say` is told what the supervisor tells. Raises AlreadyRunningError or StartError. Cancelled, it leaves nothing.
    """
    if installation.is_running:
        raise AlreadyRunningError(f"an installation already runs in {installation.directory}")
    log = installation.logs / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    told = log.stat().st_size if log.exists() else 0
    supervisor = _start_supervisor(installation, log)
    until = time.monotonic() + _START_SECONDS
    try:
        while not _is_ready(installation, supervisor.pid):
            told = _pass_on(log, told, say)
            if supervisor.poll() is not None:
                raise StartError(_why_it_failed(installation, supervisor.pid, log))
            if time.monotonic() > until:
                raise StartError(f"it was not ready after {_START_SECONDS:.0f} s; see {log}. `plut down` stops it.")
            await asyncio.sleep(_POLL_SECONDS)
    except asyncio.CancelledError:
        await _end(supervisor)
        raise
    _pass_on(log, told, say)


async def _end(supervisor: "subprocess.Popen[bytes]") -> None:
    """Ends one whose start was broken off: while it is young no file names it, and it would start everything alone."""
    supervisor.terminate()
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(supervisor.wait, _STOP_SECONDS)


def _start_supervisor(installation: Installation, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "deploy.local.supervisor", str(installation.directory)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def shut_down(installation: Installation) -> bool:
    """Stops everything, also what a killed supervisor left; returns whether anything ran."""
    supervisor = installation.supervisor
    stopped = supervisor is not None and await stop_leftover(supervisor, signal.SIGTERM, _STOP_SECONDS)
    return bool(await leftovers.stop(installation.directory)) or stopped


async def scale(installation: Installation, name: str, number: int) -> None:
    """Has so many of a consumer run, and returns when all of them are healthy. Raises StartError."""
    scales.keep(installation.scale_file, name, number)
    until = time.monotonic() + _SCALE_SECONDS
    while not await _run(installation, name, number):
        if time.monotonic() > until:
            raise StartError(f"{number} of {name} are not healthy after {_SCALE_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def _run(installation: Installation, name: str, number: int) -> bool:
    found = [process for process in installation.processes() if _is_one_of(process, name)]
    if len(found) != number or any(process.pid is None for process in found):
        return False
    return all(await asyncio.gather(*(probe.is_live(process.url) for process in found)))


def _is_one_of(process: ProcessState, name: str) -> bool:
    return process_name(process.service, process.role) == name


def _is_ready(installation: Installation, supervisor: int) -> bool:
    state = installation.state
    return state is not None and state.pid == supervisor and state.ready


def _why_it_failed(installation: Installation, supervisor: int, log: Path) -> str:
    state = installation.state
    if state is not None and state.pid == supervisor and state.failed:
        return state.failed
    return f"the supervisor ended before everything was healthy; see {log}"


def _pass_on(log: Path, told: int, say: Say) -> int:
    """Says the whole lines after position `told` and returns the position behind them."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(told)
        whole, newline, _ = file.read().rpartition(b"\n")
        for line in whole.decode("utf-8", errors="replace").splitlines():
            say(_STAMP.sub("", line))
        return told + len(whole) + len(newline)
    return told
