"""Many courses, one after the other: those asked for, or whatever the dice say for so many minutes."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.chaos import course, keeping
from deploy.chaos.grounds import Grounds
from deploy.chaos.result import Result, Verdict
from deploy.chaos.scenario import Scenario
from deploy.local.installation import Installation

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """Which scenarios, in which order; with `minutes` they are drawn again and again, each with a seed of its own."""

    scenarios: Sequence[Scenario]
    seed: int
    rounds: int = 2
    minutes: float = 0.0


async def run(asked: Asked, parent: Path, say: Say, tell: Callable[[Result], None]) -> None:
    """Runs them below `parent`; each result is told when it is there. Raises what launcher.launch raises."""
    grounds = Grounds(parent, say)
    try:
        for scenario, seed in _schedule(asked):
            tell(await _run_one(scenario, seed, asked.rounds, grounds, parent, say))
    finally:
        await grounds.close()
        with suppress(OSError):  # what was kept stays
            await asyncio.to_thread(parent.rmdir)


def _schedule(asked: Asked) -> Iterator[tuple[Scenario, int]]:
    if not asked.minutes:
        yield from ((scenario, asked.seed) for scenario in asked.scenarios)
        return
    until = time.monotonic() + 60 * asked.minutes
    dice = random.Random(asked.seed)  # noqa: S311  a schedule's dice
    runnable = [scenario for scenario in asked.scenarios if scenario.cannot_run() is None]
    yield from ((each, asked.seed) for each in asked.scenarios if each.cannot_run() is not None)
    while runnable and time.monotonic() < until:
        yield dice.choice(runnable), dice.randrange(1_000_000)


async def _run_one(scenario: Scenario, seed: int, rounds: int, grounds: Grounds, parent: Path, say: Say) -> Result:
    why_not = scenario.cannot_run()
    if why_not is not None:
        return Result(scenario.name, scenario.faults, scenario.title, seed, Verdict.NOT_RUN, problems=(why_not,))
    say(f"{scenario.name} ({scenario.faults}), seed {seed}")
    installation = await grounds.installation_for(scenario)
    spoilt = True
    try:
        result = await course.run(scenario, installation, seed, rounds, say)
        spoilt = result.verdict is Verdict.FAILED
        return result if result.is_good else await _kept(result, installation, parent / "kept", rounds)
    finally:
        await grounds.leave(scenario, installation, spoilt=spoilt)


async def _kept(result: Result, installation: Installation, directory: Path, rounds: int) -> Result:
    return replace(result, kept=str(await keeping.keep(result, installation, directory, rounds)))
