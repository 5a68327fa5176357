"""Processes that the system gives nothing more: no file, no memory."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
import psutil

from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local.state import ProcessState

_STARVED_SECONDS = (5.0, 10.0)
_KINDS = ("registry-api*", "mentoring-api*", "reporting-api*", "*-relay*", "*-consume*")
_ANSWER_SECONDS = 5.0
_CALLERS = 200
_LONG_QUESTION = b"GET /live HTTP/1.1\r\n" + b"".join(b"x-%d: %s\r\n" % (line, b"x" * 1000) for line in range(300))
_NO_MEMORY = ("MemoryError", "Cannot allocate memory", "can't start new thread")


class OutOfFiles(Scenario):
    """No connection can be opened or taken: each keeps the files that it has, and gets no other."""

    name: ClassVar[str] = "out-of-files"
    faults: ClassVar[str] = "F16"
    title: ClassVar[str] = "no file descriptor is left to apis, relays and consumers, and their server restarts"
    bites: ClassVar[Mapping[str, int]] = {"processes that took no connection": len(_KINDS), "stops": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            starved = [stage.dice.choice(stage.processes(pattern)) for pattern in _KINDS]
            former = {each: _limit_files(each) for each in starved}
            stage.say("no more files for " + ", ".join(each.name for each in starved))
            try:
                await self._restart_a_server(stage)
                await stage.rest(stage.dice.uniform(*_STARVED_SECONDS))
                deaf = await asyncio.gather(*map(_takes_no_connection, starved))
                stage.saw("processes that took no connection", sum(deaf))
            finally:
                for process, limits in former.items():
                    _set(process, resource.RLIMIT_NOFILE, limits)
            await stage.healthy(90)
            await stage.writes_go_on(3)

    async def _restart_a_server(self, stage: Stage) -> None:
        """So that they need new connections."""
        server = stage.dice.choice(("kafka", "postgres"))
        await stage.hold(server)
        stage.release(server)


class OutOfMemory(Scenario):
    """The next request for memory fails: whoever cannot work any more ends, and another takes its place."""

    name: ClassVar[str] = "out-of-memory"
    faults: ClassVar[str] = "F16"
    title: ClassVar[str] = "no memory is left to an api, a relay and consumers"
    bites: ClassVar[Mapping[str, int]] = {"processes refused memory": len(_KINDS)}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            starved = [stage.dice.choice(stage.processes(pattern)) for pattern in _KINDS]
            former = {each: _limit_memory(each) for each in starved}
            stage.say("no more memory for " + ", ".join(each.name for each in starved))
            try:
                async with _long_questions(starved):
                    await stage.rest(2 * stage.dice.uniform(*_STARVED_SECONDS))
                stage.saw("processes refused memory", sum(_was_refused_memory(stage, each) for each in starved))
            finally:
                for process, limits in former.items():
                    _set(process, resource.RLIMIT_AS, limits)
            await stage.healthy(90)
            await stage.writes_go_on(3)


def _limit_files(process: ProcessState) -> tuple[int, int]:
    """Leaves it what it has open, and not even the numbers that it gives back; returns the limits as they were."""
    found = _running(process)
    soft, hard = resource.prlimit(found.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(found.pid, resource.RLIMIT_NOFILE, (0, hard))
    return soft, hard


async def _takes_no_connection(process: ProcessState) -> bool:
    """Tells whether a new connection is not answered, or it was replaced because it could not work so."""
    if process.identity is None or not process.identity.is_alive:
        return True
    async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
        try:
            await client.get(f"{process.url}/live")
        except httpx.TransportError:
            return True
    return False


def _limit_memory(process: ProcessState) -> tuple[int, int]:
    """Leaves it what it has, and nothing more; returns the limits as they were."""
    found = _running(process)
    soft, hard = resource.prlimit(found.pid, resource.RLIMIT_AS)
    resource.prlimit(found.pid, resource.RLIMIT_AS, (found.memory_info().vms, hard))
    return soft, hard


@asynccontextmanager
async def _long_questions(processes: Iterable[ProcessState]) -> AsyncIterator[None]:
    """Has each need more memory than it has: many callers at its port begin a long question, and do not end it."""
    async with AsyncExitStack() as stack:
        for process in processes:
            for _ in range(_CALLERS):
                with suppress(OSError, TimeoutError):  # who is refused memory may take no more callers
                    await _begin_a_long_question(process, stack)
        yield


async def _begin_a_long_question(process: ProcessState, stack: AsyncExitStack) -> None:
    at = urlsplit(process.url)
    async with asyncio.timeout(_ANSWER_SECONDS):
        _, writer = await asyncio.open_connection(at.hostname, at.port)
        stack.callback(writer.close)
        writer.write(_LONG_QUESTION)
        await writer.drain()


def _was_refused_memory(stage: Stage, process: ProcessState) -> bool:
    """Tells whether it said so, or was replaced because it could not work so; one that needed none is no proof."""
    if process.identity is None or not process.identity.is_alive:
        return True
    return any(words in line for line in stage.logs.lines(process.name) for words in _NO_MEMORY)


def _set(process: ProcessState, limit: int, limits: tuple[int, int]) -> None:
    if process.identity is not None and process.identity.is_alive:
        resource.prlimit(process.identity.pid, limit, limits)


def _running(process: ProcessState) -> psutil.Process:
    assert process.pid is not None, f"{process.name} does not run"  # noqa: S101  only running ones are chosen
    return psutil.Process(process.pid)
