"""Processes are kept running: begun again when they die, left alone while they are held, stopped within a bound."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.keeper import Keeper
from deploy.local.leftovers import MARK, find, stop
from deploy.local.process import Command, Running, StartError, start

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
IDLE = "import time; time.sleep(600)"


async def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  processes set no event
            await asyncio.sleep(0.02)


class Kept:
    """A keeper with what it said and changed."""

    def __init__(self, directory: Path, code: str = IDLE, say: Callable[[str], None] | None = None) -> None:
        self.said: list[str] = []
        self.held = directory / "held"
        self.log = directory / "idle.log"
        self.keeper = Keeper(
            lambda: Command("idle", [sys.executable, "-c", code], self.log, {MARK: str(directory)}),
            name="idle",
            log_file=self.log,
            held=self.held.exists,
            changed=lambda: None,
            say=say or self.said.append,
            stop_within=0.5,
        )

    @property
    def running(self) -> Running | None:
        return self.keeper.running


@pytest_asyncio.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    made = Kept(tmp_path)
    await made.keeper.start()
    await made.keeper.started.wait()
    yield made
    await made.keeper.stop()


async def test_a_process_is_started_again_though_nothing_can_be_written_of_it(tmp_path: Path) -> None:
    def on_a_full_disk(_: str) -> None:
        raise OSError(errno.ENOSPC, "no room")

    made = Kept(tmp_path, say=on_a_full_disk)
    await made.keeper.start()
    try:
        await made.keeper.started.wait()
        first = made.running
        assert first
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: made.running is not None and made.running.pid != first.pid)
        assert made.keeper.restarts == 1
    finally:
        await made.keeper.stop()


async def test_a_killed_process_is_started_again_and_told_of(kept: Kept) -> None:
    assert kept.running is not None
    killed = kept.running.pid
    os.kill(killed, signal.SIGKILL)
    await until(lambda: kept.running is not None and kept.running.pid != killed)
    assert kept.keeper.restarts == 1
    assert kept.said == ["idle ended by signal 9 after 0 s; it is started again"]


async def test_a_held_process_is_stopped_and_comes_back_when_released(kept: Kept) -> None:
    kept.held.touch()
    await until(lambda: kept.running is None)
    kept.held.unlink()
    await until(lambda: kept.running is not None)
    assert kept.keeper.restarts == 0


async def test_a_process_that_will_not_end_is_killed(tmp_path: Path) -> None:
    stubborn = Kept(tmp_path, STUBBORN)
    await stubborn.keeper.start()
    await until(lambda: stubborn.log.exists() and "up" in stubborn.log.read_text(encoding="utf-8"))
    running = stubborn.running
    assert running is not None
    await stubborn.keeper.stop()
    assert running.exit_status == -signal.SIGKILL


async def test_one_that_ends_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    broken = Kept(tmp_path, "raise SystemExit('the disk is full')")

    async def never() -> bool:
        return False

    await broken.keeper.start()
    try:
        with pytest.raises(StartError, match=r"(?s)ends again and again.*the disk is full"):
            await broken.keeper.ready(never, within=60)
    finally:
        await broken.keeper.stop()


async def test_what_cannot_be_started_is_told_and_tried_again(kept: Kept) -> None:
    kept.held.touch()
    await until(lambda: kept.running is None)
    log, kept.log = kept.log, Path("/proc/no/such/place.log")
    kept.held.unlink()
    await until(lambda: any("could not be started" in said for said in kept.said))
    kept.log = log
    await until(lambda: kept.running is not None)


async def test_leftovers_are_found_by_their_mark_and_stopped(tmp_path: Path) -> None:
    log = tmp_path / "left.log"
    left = start(Command("left", [sys.executable, "-c", IDLE], log, {MARK: str(tmp_path)}))
    other = start(Command("other", [sys.executable, "-c", IDLE], log, {MARK: f"{tmp_path}-other"}))
    try:
        await until(lambda: [identity.pid for identity in find(tmp_path)] == [left.pid])
        assert await stop(tmp_path) == 1
        assert other.exit_status is None
        assert find(tmp_path) == []
    finally:
        left.kill()
        other.kill()
