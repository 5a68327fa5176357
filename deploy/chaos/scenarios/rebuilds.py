"""The read models are built anew, switched and switched back, while offices write and somebody looks."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import asyncpg
import httpx

from deploy.chaos import caller, command
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local.installation import Installation
from deploy.local.state import ProcessState
from shared.auth.principal import Role
from shared.loops import BackgroundLoop

_LOOK_SECONDS = 0.1
_BUILDING_SECONDS = (0.5, 4.0)
_INTO_BUILDING_SECONDS = (0.0, 0.3)
_BUILDING = "select exists (select from reporting.read_model_set where state = 'building')"
_PERIODS = ("today", "this_month", "this_year", "all")
_ADDED = ("registrations", "sessions", "visits")


class RebuiltUnderLoad(Scenario):
    """A builder is killed, and a consumer while it feeds two sets; every answer is one set's, and none is older."""

    name: ClassVar[str] = "rebuilt-and-rolled-back"
    faults: ClassVar[str] = "F25"
    title: ClassVar[str] = "read models rebuilt beside the live ones and rolled back; builder and consumer killed"
    bites: ClassVar[Mapping[str, int]] = {
        "builders killed": 1,
        "kills": 1,
        "switches": 2,
        "switches seen by who looks": 4,
        "looks": 50,
    }
    lasts_at_most: ClassVar[float] = 900.0

    def __init__(self) -> None:
        self._looking: list[Look] = []

    async def strike(self, stage: Stage) -> None:
        self._looking = [Look(stage, api) for api in stage.processes("reporting-api*")]
        for look in self._looking:
            await look.start()
        for _ in range(stage.rounds):
            await self._kill_a_builder(stage)
            await asyncio.gather(command.call(stage.installation, "rebuild", "reporting"), self._kill_a_consumer(stage))
            stage.saw("switches")
            await stage.writes_go_on(3)
            await command.call(stage.installation, "rebuild", "reporting", "--roll-back")
            stage.saw("switches")
            await stage.writes_go_on(3)

    async def _kill_a_builder(self, stage: Stage) -> None:
        """The next call goes on where this one stopped."""
        builder = await command.begin(stage.installation, "rebuild", "reporting")
        speaking = asyncio.create_task(builder.communicate())
        try:
            await stage.until("a set to be built", partial(_is_building, stage.installation), every=0.02)
            await stage.rest(stage.dice.uniform(*_INTO_BUILDING_SECONDS))
        finally:
            if builder.returncode is None:
                builder.kill()
                stage.saw("builders killed")
            await speaking

    async def _kill_a_consumer(self, stage: Stage) -> None:
        await stage.rest(stage.dice.uniform(*_BUILDING_SECONDS))
        await stage.kill(stage.dice.choice(stage.processes("reporting-consume*")))

    async def heal(self, stage: Stage) -> None:
        for look in self._looking:
            await look.stop()
            stage.saw("looks", look.looks)
            stage.saw("switches seen by who looks", look.switches)

    async def judge(self, stage: Stage) -> list[str]:
        del stage
        return [wrong for look in self._looking for wrong in look.wrong]


async def _is_building(installation: Installation) -> bool:
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        return bool(await connection.fetchval(_BUILDING))
    finally:
        await connection.close(timeout=5)


class Look(BackgroundLoop):
    """The province's analyst, who asks one api for the overview again and again."""

    name = "look"
    pause_seconds = _LOOK_SECONDS

    def __init__(self, stage: Stage, api: ProcessState) -> None:
        super().__init__()
        self._url = f"{api.url}/v1/overview"
        self._installation = stage.installation
        self._last: tuple[int, ...] = ()
        self.looks = 0
        self.switches = 0
        self.wrong: list[str] = []

    async def run(self) -> None:
        self.started.set()
        bearer = caller.token(self._installation, Role.PROVINCE_ANALYST)
        async with httpx.AsyncClient(
            timeout=10, trust_env=False, headers={"Authorization": f"Bearer {bearer}"}
        ) as client:
            while not self.stopping.is_set():
                with suppress(httpx.TransportError):
                    self._see(await client.get(self._url))
                await self.rest(_LOOK_SECONDS)

    def _see(self, answer: httpx.Response) -> None:
        if answer.status_code != httpx.codes.OK:
            self.wrong.append(f"{self._url} answered {answer.status_code}: {answer.text[:200]}")
            return
        told = answer.json()
        position = tuple(map(int, told["position"].split(".")))
        if position < self._last:
            self.wrong.append(f"{self._url} answered {position} after {self._last}")
        self.switches += int(bool(self._last) and position[0] != self._last[0])
        self._last, self.looks = position, self.looks + 1
        self.wrong += [f"{self._url} at {told['position']}: {mixed}" for mixed in _mixed(told)]


def _mixed(told: Mapping[str, Any]) -> list[str]:
    """Returns where an overview disagrees with itself, as it would if it came from two sets."""
    province, offices = told["province"], told["offices"]
    sums = [
        (f"{name} {period}", province[period][name], sum(office[period][name] for office in offices))
        for period in _PERIODS
        for name in _ADDED
    ]
    sums.append(("businesses", province["businesses"], province["all"]["registrations"]))
    return [
        f"{name} of the province is {whole}, its parts are {parts}" for name, whole, parts in sums if whole != parts
    ]
