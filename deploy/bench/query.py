"""What answers cost when much has happened: the same questions at 1, 10 and 100 times the events.

Real apis answer over HTTP, each of an installation with so many events, while more are applied to what it reads.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from deploy.bench.asking import Answer, Applier, Level, UnansweredError, ask_in_turns
from deploy.bench.desk import only_the_api
from deploy.bench.filling import Filling
from deploy.bench.questions import questions
from deploy.demo.staff import Staff
from deploy.local.installation import Installation
from shared.auth.principal import Role
from shared.clock import business_day, utc_now

TIMES = (1, 10, 100)
LIMIT_MS = 50.0
LIMIT_RATIO = 1.2
_BYTES_PER_EVENT = 1_500
_SPARE_BYTES = 3_000_000_000
# Nothing is asked of these, and three of each would take their part of the machine.
_UNASKED = ("kafka", "registry-api", "mentoring-api", "watch")
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


async def measure(installations: Sequence[Installation], asked: Asked, say: Say, tell: Tell) -> list[Answer]:
    """Fills one installation for each of TIMES, and asks them in turns: a machine that others share changes its speed
    by a quarter within minutes. Raises NoSpaceError, FillingError, UnansweredError or what UNAVAILABLE names.
    """
    _require_space(installations[0], asked.events)
    answers: list[Answer] = []
    async with AsyncExitStack() as stack:
        levels: list[Level] = []
        for installation, times in zip(installations, TIMES, strict=True):
            events = asked.events * times // TIMES[-1]
            levels.append(await stack.enter_async_context(_level(installation, events, asked.rate, tell)))
            say(f"{levels[-1].events:,} events are there")
        say(f"{asked.rate:g} per second are applied to what is asked")
        for question in questions(business_day(utc_now())):
            found = await ask_in_turns(question, levels, asked.seconds)
            say(f"{question.name}: {', '.join(f'{each.p50_ms:.1f} ({each.p99_ms:.1f})' for each in found)} ms")
            answers += found
    return sorted(answers, key=lambda each: each.events)


@asynccontextmanager
async def _level(installation: Installation, events: int, rate: float, tell: Tell) -> AsyncIterator[Level]:
    """Fills an installation, of which only what answers goes on, and has a process ready that applies more."""
    await only_the_api(installation)
    for name in _UNASKED:
        installation.hold(name)
    staff = Staff(installation)
    try:
        filling = Filling(installation.superuser_dsn(), utc_now())
        await filling.begin()
        await filling.grow(events, lambda done: tell(done, events))
        await _settle(installation)
        async with _applying(installation, rate, filling.circles) as applier:
            yield Level(installation, filling.events, staff.token_of(Role.PROVINCE_ANALYST), applier)
    finally:
        await staff.close()


def _require_space(installation: Installation, events: int) -> None:
    whole = sum(events * times // TIMES[-1] for times in TIMES)
    wanted, free = whole * _BYTES_PER_EVENT + _SPARE_BYTES, shutil.disk_usage(installation.directory).free
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
async def _applying(installation: Installation, rate: float, circles: int) -> AsyncIterator[Applier]:
    """Has events applied by a process of their own, so that it takes no turn of the one that measures."""
    if rate == 0:
        yield Applier(None)
        return
    words = [str(installation.directory), str(rate), str(circles)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "deploy.bench.applying", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101  it was asked for
    try:
        if not await process.stdout.readline():
            raise UnansweredError("the process that applies events has ended")
        yield Applier(process)
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
