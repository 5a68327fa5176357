"""One course of one scenario: load, fault, healing, quiet, judgement."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import asyncpg
import httpx

from deploy.chaos import topics
from deploy.chaos.failure import Failed
from deploy.chaos.judge import judge, toothless
from deploy.chaos.load import Load
from deploy.chaos.observation import busy, unhealthy
from deploy.chaos.result import Result, Verdict
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.chaos.topics import Contents
from deploy.demo.writer import GaveUpError
from deploy.local.installation import Installation
from deploy.local.process import StartError
from shared.kafka_admin import KafkaTrouble
from shared.postgres import UNAVAILABLE

_WARM_WRITES = 3
_LOOK_SECONDS = 0.25
# What ends a course as a failure of the product, told and kept; anything else is a mistake of the harness.
TROUBLES: tuple[type[Exception], ...] = (
    Failed,
    GaveUpError,
    KafkaTrouble,
    StartError,
    httpx.HTTPError,
    asyncpg.PostgresError,
    *UNAVAILABLE,
)

Say = Callable[[str], None]


async def run(scenario: Scenario, installation: Installation, seed: int, rounds: int, say: Say) -> Result:
    """Runs a scenario on a healthy installation and returns what became of it; raises nothing of TROUBLES."""
    begun = time.monotonic()
    dice = random.Random(f"{seed} {scenario.name}")  # noqa: S311  a schedule's dice
    result = Result(scenario.name, scenario.faults, scenario.title, seed, Verdict.FAILED)
    try:
        async with Load(installation, dice) as load:
            stage = Stage(installation, load, dice, rounds, say)
            result = await _course(scenario, stage, result)
    except TROUBLES as trouble:
        result = replace(result, problems=(*result.problems, _words(trouble)))
    return replace(result, seconds=round(time.monotonic() - begun, 1))


async def _course(scenario: Scenario, stage: Stage, result: Result) -> Result:
    before = await topics.survey(stage.installation.kafka_bootstrap)
    failures = await _strike(scenario, stage)
    healed = time.monotonic()
    try:
        await _quiet(scenario, stage)
    except TROUBLES as trouble:
        return replace(_counted(result, stage), problems=(*failures, _words(trouble)))
    recovery = time.monotonic() - healed
    stage.say("judging")
    judgement = await judge(scenario, stage, stage.load, recovery)
    stage.seen["duplicates"] += _duplicates(before, judgement.contents)
    problems = [*failures, *judgement.problems]
    vacuous = toothless(scenario, stage)
    verdict = Verdict.FAILED if problems else Verdict.TOOTHLESS if vacuous else Verdict.SURVIVED
    counts = judgement.report.as_json()
    return replace(
        _counted(result, stage),
        verdict=verdict,
        duplicates=stage.seen["duplicates"],
        lost=counts["lost"],
        twice=counts["twice"],
        differing_rows=counts["differing_rows"],
        recovery_seconds=round(recovery, 1),
        problems=(*problems, *vacuous),
    )


async def _strike(scenario: Scenario, stage: Stage) -> list[str]:
    """Breaks and heals; returns what failed on the way."""
    failures = await _failures_of(_break(scenario, stage))
    stage.say("healing")
    failures += await _failures_of(stage.restore())
    return failures + await _failures_of(scenario.heal(stage))


async def _break(scenario: Scenario, stage: Stage) -> None:
    try:
        async with asyncio.timeout(scenario.lasts_at_most):
            await stage.writes_go_on(_WARM_WRITES)
            await scenario.strike(stage)
    except TimeoutError:
        raise Failed(f"it was not over after {scenario.lasts_at_most:g} s") from None


async def _failures_of(doing: Coroutine[Any, Any, None]) -> list[str]:
    """Whatever fails, the rest of the healing is done as well."""
    try:
        await doing
    except TROUBLES as trouble:
        return [_words(trouble)]
    return []


async def _quiet(scenario: Scenario, stage: Stage) -> None:
    """Lets everybody write on, end, and ask again for what was left open; then waits for what is on its way."""
    seconds = scenario.recovers_within * 2
    await stage.healthy(seconds)
    await stage.writes_go_on(2, seconds)
    await stage.load.stop()
    stage.saw("resolved requests", await stage.load.resolve())
    left: list[str] = []

    async def look() -> bool:
        nonlocal left
        status = await stage.status()
        left = [*unhealthy(status), *busy(status)]
        return not left

    try:
        await stage.until("quiet", look, seconds, every=_LOOK_SECONDS)
    except Failed as failure:
        raise Failed(f"{failure}: {', '.join(left)}") from None


def _counted(result: Result, stage: Stage) -> Result:
    load = stage.load
    return replace(result, seen=dict(stage.seen), acknowledged=load.acknowledged, without_answer=load.without_answer)


def _duplicates(before: Contents, after: Contents) -> int:
    """How many records repeat an event more than before; a log that was lost begins anew."""
    return max(0, after.duplicates - (before.duplicates if after.events.total() >= before.events.total() else 0))


def _words(trouble: BaseException) -> str:
    return str(trouble) if isinstance(trouble, Failed) else repr(trouble)
