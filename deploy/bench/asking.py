"""Asks reporting's apis, one question after the other, and tells what each answer took."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import repeat
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx

from deploy.bench import lines
from deploy.bench.cpu import seconds_of
from deploy.bench.latency import percentile
from deploy.bench.questions import Question
from deploy.demo.writer import Token
from deploy.local.installation import Installation
from services.reporting.settings import SERVICE

_WARM_UP_SECONDS = 0.1
# Short, for a machine that others share changes its speed within seconds: so each installation meets all of it.
_TURN_SECONDS = 0.25
# What a process that applies is told.
GO, REST = b"g", b"r"
_BACKENDS = "select pid from pg_stat_activity where application_name = $1"


class UnansweredError(Exception):
    """A question was answered otherwise than with 200: what was measured would be something else."""


@dataclass(frozen=True)
class Answer:
    """How long one question took, at one amount of events.

    `cpu_ms`: what the api and Postgres's processes for it spent on an answer. A busy machine does not falsify it.
    """

    query: str
    events: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Applier:
    """A process that applies events to an installation while that is asked; None: nothing is applied."""

    def __init__(self, process: asyncio.subprocess.Process | None) -> None:
        self._process = process

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Raises UnansweredError if the process has ended."""
        self._tell(GO)
        yield
        self._tell(REST)

    def _tell(self, word: bytes) -> None:
        if self._process is None:
            return
        if self._process.returncode is not None or self._process.stdin is None:
            raise UnansweredError("the process that applies events has ended")
        self._process.stdin.write(word)


@dataclass(frozen=True)
class Level:
    """An installation with so many events."""

    installation: Installation
    events: int
    token: Token
    applier: Applier

    @property
    def url(self) -> str:
        return self.installation.url(SERVICE)

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.token()}"}


async def ask_in_turns(asked: Question, levels: Sequence[Level], seconds: float) -> list[Answer]:
    """Asks each installation for about `seconds`, a part of them at a time, there and back. Raises UnansweredError."""
    addresses = [await _address(level, asked) for level in levels]
    found = [_Found() for _ in levels]
    asking = list(zip(levels, addresses, found, strict=True))
    for _ in range(max(1, round(seconds / _TURN_SECONDS))):
        for level, address, sums in asking:
            with level.applier.at_work():
                await _turn(level, address, _TURN_SECONDS, sums)
        asking.reverse()
    return [sums.told(asked, level.events) for level, sums in zip(levels, found, strict=True)]


@dataclass
class _Found:
    """What the turns of one installation came to."""

    answered: lines.Answered = field(default_factory=lines.Answered)
    spent: float = 0.0

    def told(self, asked: Question, events: int) -> Answer:
        if self.answered.refused():
            raise UnansweredError(f"{asked.name}: not answered, by status: {self.answered.refused()}")
        ordered = sorted(self.answered.delays)
        p50, p99 = (round(percentile(ordered, share) * 1000, 2) for share in (0.5, 0.99))
        return Answer(asked.name, events, p50, p99, round(self.spent / len(ordered) * 1000, 2))


async def _turn(level: Level, address: str, seconds: float, sums: _Found) -> None:
    port = int(level.url.rsplit(":", 1)[1])
    request = lines.question(address, list((await level.headers()).items()))
    await lines.as_fast_as_possible(port, repeat(request), _WARM_UP_SECONDS, 1)
    before = await _spent(level.installation)
    sums.answered += await lines.as_fast_as_possible(port, repeat(request), seconds, 1)
    after = await _spent(level.installation)
    sums.spent += sum(now - before.get(pid, 0.0) for pid, now in after.items())


async def _address(level: Level, question: Question) -> str:
    """Returns the question's address; for a later page the earlier ones are turned first, as long as there are any."""
    parameters = list(question.parameters)
    async with httpx.AsyncClient(
        base_url=level.url, headers=await level.headers(), timeout=30, trust_env=False
    ) as client:
        for _ in range(question.pages):
            further = (await _get(client, question.address, parameters)).get("next_cursor")
            if further is None:
                break
            parameters = [*question.parameters, ("cursor", further)]
    return f"{question.address}?{urlencode(parameters)}" if parameters else question.address


async def _get(client: httpx.AsyncClient, path: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
    answer = await client.get(path, params=list(parameters))
    if answer.status_code != httpx.codes.OK:
        raise UnansweredError(f"{answer.request.url}: {answer.status_code} {answer.text[:300]}")
    return dict(json.loads(answer.content))


async def _spent(installation: Installation) -> Mapping[int, float]:
    """Returns the seconds of processor time that the api and Postgres's processes for it have spent by now, by pid."""
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        backends = [row["pid"] for row in await connection.fetch(_BACKENDS, f"{SERVICE}-api")]
    finally:
        await connection.close(timeout=5)
    api = [process.pid for process in installation.processes() if process.name == f"{SERVICE}-api" and process.pid]
    return {pid: seconds_of([pid]) for pid in (*api, *backends)}
