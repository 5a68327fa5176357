"""Clocks that go wrong, and places with other hours: nothing is ordered or cut by a machine's clock."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import ClassVar

import asyncpg
import httpx

from deploy.chaos import clock
from deploy.chaos.clock import Clock
from deploy.chaos.failure import Failed
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local import conditions
from deploy.local.conditions import Conditions
from deploy.local.installation import Installation

_HOUR = 3600.0
# Whoever checks tokens or makes them may be wrong by their leeway only, which is 30 s.
_WITHIN_LEEWAY = ("registry-api*", "mentoring-api*", "reporting-api*")
_BY_AN_HOUR = ("postgres", "kafka", "*-relay*", "*-consume*")
_ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "America/New_York", "UTC")
_SETTLING_SECONDS = 3.0


class ClocksJump(Scenario):
    """Each kind of process has a clock of its own, which jumps ahead and back while offices write."""

    name: ClassVar[str] = "clocks-jump"
    faults: ClassVar[str] = "F14"
    title: ClassVar[str] = (
        "clocks an hour ahead and behind, jumping back; processes in WIB, WITA, WIT and New York's time"
    )
    apart: ClassVar[bool] = True
    bites: ClassVar[Mapping[str, int]] = {
        "clocks seen wrong by half an hour": 4,
        "clocks seen wrong within the leeway": 1,
        "clocks seen jumping back": 2,
    }

    def __init__(self) -> None:
        self._clocks: dict[str, Clock] = {}

    def cannot_run(self) -> str | None:
        return clock.why_not()

    async def prepare(self, installation: Installation) -> None:
        found = {}
        for number, pattern in enumerate((*_WITHIN_LEEWAY, *_BY_AN_HOUR)):
            self._clocks[pattern] = Clock(installation.directory / "clocks" / str(number))
            zone = {"TZ": _ZONES[number % len(_ZONES)]}
            found[pattern] = Conditions({**self._clocks[pattern].environment, **zone})
        conditions.keep(installation.conditions_file, found)

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            ahead = dict(
                zip(_BY_AN_HOUR, stage.dice.sample((_HOUR, -_HOUR, 0.8 * _HOUR, -0.7 * _HOUR), 4), strict=True)
            )
            await self._set(stage, ahead | {name: stage.dice.uniform(-25, 25) for name in _WITHIN_LEEWAY})
            await self._set(stage, {name: -seconds for name, seconds in ahead.items()})
        await self._set(stage, dict.fromkeys(self._clocks, 0.0))

    async def _set(self, stage: Stage, seconds: Mapping[str, float]) -> None:
        before = await _wrong_by(stage)
        for pattern, ahead in seconds.items():
            self._clocks[pattern].set(ahead)
        stage.say("clocks set: " + ", ".join(f"{pattern} {ahead:+.0f} s" for pattern, ahead in seconds.items()))
        await stage.rest(_SETTLING_SECONDS)
        await stage.writes_go_on(3)
        after = await _wrong_by(stage)
        stage.saw("clocks seen wrong by half an hour", sum(abs(wrong) > _HOUR / 2 for wrong in after.values()))
        stage.saw("clocks seen wrong within the leeway", sum(3 < abs(wrong) < 30 for wrong in after.values()))
        stage.saw(
            "clocks seen jumping back", sum(after[name] < wrong - 60 for name, wrong in before.items() if name in after)
        )

    async def heal(self, stage: Stage) -> None:
        del stage
        for each in self._clocks.values():
            each.set(0)


async def _wrong_by(stage: Stage) -> Mapping[str, float]:
    """Returns by how many seconds the clock of each process is ahead, as it says itself."""
    found = {}
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for process in stage.processes("*"):
            answer = await client.get(f"{process.url}/live")
            found[process.name] = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
    found["postgres"] = await _postgres_wrong_by(stage.installation)
    return found


async def _postgres_wrong_by(installation: Installation) -> float:
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        told = await connection.fetchval("select clock_timestamp()")
    finally:
        await connection.close(timeout=5)
    if told is None:
        raise Failed("Postgres told no time")
    return float(told.timestamp()) - time.time()
