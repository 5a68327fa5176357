"""What answers cost when much has happened: the same questions at 1, 10 and 100 times the events.

The real api of an installation of its own answers, over HTTP, while events are applied to the set that it reads.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.bench.asking import Answer, UnansweredError, ask_all
from deploy.bench.desk import only_the_api
from deploy.bench.filling import Filling
from deploy.demo.staff import Staff
from deploy.local.installation import Installation
from shared.auth.principal import Role
from shared.clock import utc_now

TIMES = (1, 10, 100)
LIMIT_MS = 50.0
LIMIT_RATIO = 1.2
_BYTES_PER_EVENT = 1_500
_SPARE_BYTES = 3_000_000_000
_KAFKA = "kafka"
# What is spent on an answer is not told more exactly.
_LEAST_MS = 0.01

Say = Callable[[str], None]
# Is told how many events have been written, and of how many.
Tell = Callable[[int, int], None]


class NoSpaceError(Exception):
    """So many events do not fit the disk."""


@dataclass(frozen=True)
class Asked:
    """`events` at the top; `rate` events per second are applied meanwhile; each question is asked for `seconds`."""

    events: int
    rate: float
    seconds: float


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
                found = await ask_all(installation, token, filling.events, asked.seconds)
            for each in found:
                say(f"{each.query}: {each.p50_ms:.1f} ms, of a hundred {each.p99_ms:.1f}, processor {each.cpu_ms:.1f}")
            answers += found
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


def ratios(answers: Sequence[Answer], by: Callable[[Answer], float] = lambda each: each.p50_ms) -> dict[str, float]:
    """Returns, by question, how much longer the middle answer takes at the most events than at the least, or what else
    `by` tells of an answer.
    """
    by_query: dict[str, list[Answer]] = {}
    for each in answers:
        by_query.setdefault(each.query, []).append(each)
    found = {}
    for query, its in by_query.items():
        least, most = min(its, key=lambda one: one.events), max(its, key=lambda one: one.events)
        found[query] = round(by(most) / max(by(least), _LEAST_MS), 2)
    return found


def kept_by(answers: Sequence[Answer]) -> bool:
    """Tells whether every question keeps both limits: flat in the number of events, and quick with any of them."""
    flat = all(ratio <= LIMIT_RATIO for ratio in ratios(answers).values())
    return flat and all(each.p99_ms <= LIMIT_MS for each in answers)
