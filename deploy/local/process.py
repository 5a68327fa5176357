"""One process of this machine: started with its output in a file, recognised later, stopped within a bound."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_POLL_SECONDS = 0.05


class StartError(Exception):
    """A process ended, or did not become ready in time; says where to read why."""


@dataclass(frozen=True)
class Identity:
    """A pid with the time of its start (seconds since the epoch), so that a recycled pid is not mistaken for it."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def load(cls, path: Path) -> "Identity | None":
        """Returns None if the file names none."""
        with suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        return None

    def process(self) -> psutil.Process | None:
        """Returns the process if it is still that one and not a zombie."""
        with suppress(psutil.Error):
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.started) < 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None

    @property
    def is_alive(self) -> bool:
        return self.process() is not None


@dataclass(frozen=True)
class Command:
    """What to run. `quit_signal` asks it to end; it is sent as well when whoever started it is killed."""

    name: str
    argv: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    quit_signal: signal.Signals = signal.SIGTERM


class Running:
    """A started command."""

    def __init__(self, command: Command, child: "subprocess.Popen[bytes]") -> None:
        self.command = command
        self._child = child
        self.identity = Identity.of(child.pid)
        self.since = time.monotonic()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative if a signal ended it."""
        return self._child.poll()

    async def ended(self) -> int:
        """Waits for the end and returns the exit status."""
        while (status := self._child.poll()) is None:  # noqa: ASYNC110  a process sets no event
            await asyncio.sleep(_POLL_SECONDS)
        return status

    async def ready(self, check: Callable[[], Awaitable[bool]], within: float) -> None:
        """Waits until `check` is true. Raises StartError if the process ends first or `within` seconds pass."""
        until = time.monotonic() + within
        while not await check():
            if (status := self.exit_status) is not None:
                raise StartError(f"{self.command.name} ended with status {status}. {last_words(self.command.log)}")
            if time.monotonic() > until:
                raise StartError(
                    f"{self.command.name} was not ready after {within:.0f} s. {last_words(self.command.log)}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self, within: float = 10.0) -> None:
        """Asks it to end, kills it after `within` seconds. Safe to call twice."""
        if self.exit_status is None:
            self._child.send_signal(self.command.quit_signal)
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self.ended()
        self.kill()

    def kill(self) -> None:
        """Ends it at once."""
        if self.exit_status is None:
            self._child.kill()
            self._child.wait()


def start(command: Command) -> Running:
    """Starts a command in a process group of its own; its output is appended to the log. Raises OSError."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603  our own commands
            command.argv,
            env={**os.environ, **command.environment},
            cwd=command.directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Running(command, child)


def ending_with_parent(argv: list[str], quit_signal: signal.Signals) -> list[str]:
    """Returns argv so wrapped that the kernel sends `quit_signal` when the starting process is gone, even killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", quit_signal.name.removeprefix("SIG"), *argv] if setpriv else argv


async def stop_leftover(identity: Identity, quit_signal: signal.Signals, within: float = 10.0) -> bool:
    """Ends a process that somebody else started; returns whether it was still there."""
    process = identity.process()
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        process.send_signal(quit_signal)
    until = time.monotonic() + within
    while identity.is_alive and time.monotonic() < until:  # noqa: ASYNC110  a process sets no event
        await asyncio.sleep(_POLL_SECONDS)
    with suppress(psutil.NoSuchProcess):
        if identity.is_alive:
            process.kill()
    return True


def last_words(log: Path, lines: int = 15) -> str:
    """Returns the end of a log for an error message."""
    with suppress(OSError):
        text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return "\n".join([f"The end of {log}:", *text])
    return f"Nothing was logged in {log}."
