"""What answers cost when much has happened: the same questions at 1, 10 and 100 times the events.

The real api of an installation of its own answers, over HTTP, while events are applied to the set that it reads.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx

from deploy.bench import lines
from deploy.bench.desk import only_the_api
from deploy.bench.filling import Filling
from deploy.bench.latency import percentile
from deploy.bench.questions import Question, questions
from deploy.demo.staff import Staff
from deploy.local.installation import Installation
from services.reporting.settings import SERVICE
from shared.auth.principal import Role
from shared.clock import business_day, utc_now

TIMES = (1, 10, 100)
LIMIT_MS = 50.0
LIMIT_RATIO = 1.2
_BYTES_PER_EVENT = 1_500
_SPARE_BYTES = 3_000_000_000
_WARM_UP_SECONDS = 0.3
_KAFKA = "kafka"

Say = Callable[[str], None]
# Is told how many events have been written, and of how many.
Tell = Callable[[int, int], None]


class NoSpaceError(Exception):
    """So many events do not fit the disk."""


class UnansweredError(Exception):
    """A question was answered otherwise than with 200: what was measured would be something else."""


@dataclass(frozen=True)
class Asked:
    """`events` at the top; `rate` events per second are applied meanwhile; each question is asked for `seconds`."""

    events: int
    rate: float
    seconds: float


@dataclass(frozen=True)
class Answer:
    """How long one question took, at one amount of events."""

    query: str
    events: int
    p50_ms: float
    p99_ms: float

    def as_json(self) -> dict[str, Any]:
        return {"query": self.query, "events": self.events, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms}


async def measure(installation: Installation, asked: Asked, say: Say, tell: Tell) -> list[Answer]:
    """Fills a running installation step by step and asks at each. Raises NoSpaceError, UnansweredError or what
    UNAVAILABLE names.
    """
    _require_space(installation, asked.events)
    await only_the_api(installation)
    installation.hold(_KAFKA)
    staff = Staff(installation)
    answers: list[Answer] = []
    try:
        filling = Filling(installation.superuser_dsn(), utc_now())
        await filling.begin()
        for times in TIMES:
            events = asked.events * times // TIMES[-1]
            await filling.grow(events, lambda done, whole=events: tell(done, whole))  # type: ignore[misc]
            await _settle(installation)
            say(f"{filling.events:,} events are there; {asked.rate:g} per second are applied while it is asked")
            async with _applying(installation, asked.rate, filling.circles):
                token = await staff.token_of(Role.PROVINCE_ANALYST)()
                answers += await _ask_all(installation, token, filling.events, asked.seconds)
    finally:
        await staff.close()
    return answers


def _require_space(installation: Installation, events: int) -> None:
    wanted, free = events * _BYTES_PER_EVENT + _SPARE_BYTES, shutil.disk_usage(installation.directory).free
    if free < wanted:
        raise NoSpaceError(f"{events:,} events need {wanted / 1e9:.0f} GB, {free / 1e9:.0f} GB are free")


async def _settle(installation: Installation) -> None:
    """What autovacuum would have done by then; and no checkpoint in the middle of the questions."""
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _applying(installation: Installation, rate: float, circles: int) -> AsyncIterator[None]:
    """Has events applied by a process of their own, so that it takes no turn of the one that measures."""
    if rate == 0:
        yield
        return
    words = [str(installation.directory), str(rate), str(circles)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.bench.applying", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None  # noqa: S101  it was asked for
    try:
        if not await process.stdout.readline():
            raise UnansweredError("the process that applies events has ended")
        yield
        if process.returncode is not None:
            raise UnansweredError("the process that applies events has ended")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ask_all(installation: Installation, token: str, events: int, seconds: float) -> list[Answer]:
    url = installation.url(SERVICE)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        asked = [(each, await _address(client, each)) for each in questions(business_day(utc_now()))]
    return [await _ask(installation, each, address, headers, events, seconds) for each, address in asked]


async def _address(client: httpx.AsyncClient, question: Question) -> str:
    """Returns the question's address; for a later page the earlier ones are turned first, as long as there are any."""
    parameters = list(question.parameters)
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


async def _ask(
    installation: Installation, asked: Question, address: str, headers: dict[str, str], events: int, seconds: float
) -> Answer:
    port = int(installation.url(SERVICE).rsplit(":", 1)[1])
    request = lines.question(address, list(headers.items()))
    await lines.as_fast_as_possible(port, repeat(request), _WARM_UP_SECONDS, 1)
    answered = await lines.as_fast_as_possible(port, repeat(request), seconds, 1)
    if answered.refused():
        raise UnansweredError(f"{asked.name}: not answered, by status: {answered.refused()}")
    ordered = sorted(answered.delays)
    p50, p99 = (round(percentile(ordered, share) * 1000, 2) for share in (0.5, 0.99))
    return Answer(asked.name, events, p50, p99)


def ratios(answers: Sequence[Answer]) -> dict[str, float]:
    """Returns, by question, how much longer the middle answer takes at the most events than at the least."""
    by_query: dict[str, list[Answer]] = {}
    for each in answers:
        by_query.setdefault(each.query, []).append(each)
    found = {}
    for query, its in by_query.items():
        least, most = min(its, key=lambda one: one.events), max(its, key=lambda one: one.events)
        found[query] = round(most.p50_ms / least.p50_ms, 2)
    return found


def kept_by(answers: Sequence[Answer]) -> bool:
    """Tells whether every question keeps both limits: flat in the number of events, and quick with any of them."""
    flat = all(ratio <= LIMIT_RATIO for ratio in ratios(answers).values())
    return flat and all(each.p99_ms <= LIMIT_MS for each in answers)
