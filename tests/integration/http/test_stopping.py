"""A process ends within ten seconds of SIGTERM, whatever hangs in it."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

_WITHIN = 10.0


class Process:
    """One run of `stopping.py`."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.url = ""
        self.lines: list[dict[str, Any]] = []

    async def listening(self) -> None:
        assert self.child.stdout is not None
        async for line in self.child.stdout:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == "listening":
                self.url = self.lines[-1]["url"]
                return

    async def stopped(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends the signal; returns the exit status, which must come in time."""
        self.child.send_signal(number)
        async with asyncio.timeout(_WITHIN):
            assert self.child.stdout is not None
            self.lines += [json.loads(line) async for line in self.child.stdout]
            return await self.child.wait()

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


@asynccontextmanager
async def _process(how: str) -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.http.stopping", how), stdout=asyncio.subprocess.PIPE
    )
    process = Process(child)
    try:
        async with asyncio.timeout(30):
            await process.listening()
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=5)) as client:
            assert (await client.get(f"{process.url}/live")).status_code == 200
        yield process
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_healthy_process_stops_with_status_zero(number: signal.Signals) -> None:
    async with _process("fine") as process:
        assert await process.stopped(number) == 0
        assert process.events[-1] == "stopped"


async def test_a_loop_that_hangs_is_cancelled() -> None:
    async with _process("loop") as process:
        assert await process.stopped() == 0


@pytest.mark.parametrize("how", ["uncancellable", "blocked"])
async def test_what_cannot_be_cancelled_is_ended_by_force(how: str) -> None:
    async with _process(how) as process:
        assert await process.stopped() == 1
        assert process.events[-1] == "stopped_by_force"


@pytest.mark.parametrize(("polite", "end"), [("yes", True), ("no", False)])
async def test_an_endless_answer_does_not_hold_the_process(polite: str, end: bool) -> None:  # noqa: FBT001  a parameter
    async with _process("fine") as process, httpx.AsyncClient(timeout=30) as client:
        async with client.stream("GET", f"{process.url}/stream?polite={polite}") as answer:
            pieces = answer.aiter_bytes()
            assert await anext(pieces) == b"data: 1\n\n"
            stopped = asyncio.create_task(process.stopped())
            rest = b""
            try:
                async for piece in pieces:
                    rest += piece
            except httpx.HTTPError:
                assert not end
            assert (b"end" in rest) is end
        assert await stopped == 0


async def test_a_taken_port_is_told_plainly() -> None:
    async with _process("fine") as process:
        port = process.url.rsplit(":", 1)[1]
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.local.issuer"),
            env={
                "PLUT_ENV": "local",
                "PLUT_HTTP_PORT": port,
                "PLUT_ISSUER_URL": "http://127.0.0.1:1",
                "PLUT_SECRETS_DIR": "/nonexistent",
            },
            stderr=asyncio.subprocess.PIPE,
        )
        assert child.stderr is not None
        told = (await child.stderr.read()).decode()
        assert await child.wait() == 2
        assert told.startswith("PLUT_HTTP_PORT: cannot listen on")
        assert "Traceback" not in told
