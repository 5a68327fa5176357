"""Postgres's own programs, run with a password that no list of processes shows."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from deploy.backup.folder import BackupError
from deploy.local.postgres import SUPERUSER, Postgres, find_runner

_LAST_WORDS = 2_000
_STOP_SECONDS = 10.0


@asynccontextmanager
async def program(postgres: Postgres, password: str, name: str, *arguments: str) -> AsyncIterator["asyncio.Task[None]"]:
    """Runs a client program against a running cluster; the task ends with it, or raises BackupError with its words.

    Who leaves early ends the program.
    """
    runner = find_runner()
    with tempfile.TemporaryDirectory(prefix="plut-pg-") as scratch:
        passwords = Path(scratch) / "passwords"
        passwords.touch(mode=0o600)
        passwords.write_text(f"*:*:*:*:{password}\n", encoding="ascii")
        if runner.user:
            for path in (scratch, passwords):
                shutil.chown(path, runner.user)
        host, port = postgres.address.split(":")
        argv = runner.argv(name, "-h", host, "-p", port, "-U", SUPERUSER, "--no-password", *arguments)
        process = await asyncio.create_subprocess_exec(
            *argv,
            env={**os.environ, "PGPASSFILE": str(passwords)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        ending = asyncio.create_task(_ended_well(process, name))
        try:
            yield ending
            await ending
        finally:
            await _stop(process, ending)


def run(name: str, *arguments: str) -> None:
    """Runs a program that needs no server, to its end. Raises BackupError with its words if it fails."""
    done = subprocess.run(find_runner().argv(name, *arguments), capture_output=True, text=True, check=False)  # noqa: S603
    _refuse_failure(name, done.returncode, done.stderr)


async def _ended_well(process: asyncio.subprocess.Process, name: str) -> None:
    _, said = await process.communicate()
    _refuse_failure(name, process.returncode or 0, said.decode("utf-8", "replace"))


async def _stop(process: asyncio.subprocess.Process, ending: "asyncio.Task[None]") -> None:
    if process.returncode is None:
        process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
    if process.returncode is None:
        process.kill()
    await asyncio.wait({ending})


def _refuse_failure(name: str, status: int, said: str) -> None:
    if status != 0:
        raise BackupError(
            f"{name} failed with status {status}:\n{said[-_LAST_WORDS:].strip()}", "Mend that; try again."
        )


def hand_over(paths: Sequence[Path]) -> None:
    """Lets Postgres write there, where it runs as a user of its own."""
    user = find_runner().user
    if user is not None:
        for path in paths:
            shutil.chown(path, user, user)
