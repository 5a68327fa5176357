"""Asks reporting's api, one question after the other, and tells what each answer took."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import repeat
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx

from deploy.bench import lines
from deploy.bench.cpu import seconds_of
from deploy.bench.latency import percentile
from deploy.bench.questions import Question, questions
from deploy.local.installation import Installation
from services.reporting.settings import SERVICE
from shared.clock import business_day, utc_now

_WARM_UP_SECONDS = 0.3
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


async def ask_all(installation: Installation, token: str, events: int, seconds: float) -> list[Answer]:
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
    before = await _spent(installation)
    answered = await lines.as_fast_as_possible(port, repeat(request), seconds, 1)
    spent = await _spent(installation) - before
    if answered.refused():
        raise UnansweredError(f"{asked.name}: not answered, by status: {answered.refused()}")
    ordered = sorted(answered.delays)
    p50, p99 = (round(percentile(ordered, share) * 1000, 2) for share in (0.5, 0.99))
    return Answer(asked.name, events, p50, p99, round(spent / len(ordered) * 1000, 2))


async def _spent(installation: Installation) -> float:
    """Returns the seconds of processor time that the api and Postgres's processes for it have spent by now."""
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        backends = [row["pid"] for row in await connection.fetch(_BACKENDS, f"{SERVICE}-api")]
    finally:
        await connection.close(timeout=5)
    api = [process.pid for process in installation.processes() if process.name == f"{SERVICE}-api" and process.pid]
    return seconds_of([*api, *backends])
