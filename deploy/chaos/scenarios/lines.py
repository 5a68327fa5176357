"""Bad lines between the services and what they stand on."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar

import psutil

from deploy.chaos.proxy import GOOD, Line, Proxy
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local import brokers, conditions, ports
from deploy.local.brokers import Brokers
from deploy.local.conditions import Conditions
from deploy.local.installation import Installation

# What each fault is called when it was seen, how the line is then, and for how many seconds.
_FAULTS: Mapping[str, tuple[Line, float]] = {
    "cut for a while": (Line(held=True), 8.0),
    "half-open": (Line(swallowed=True, notices=11.0), 15.0),
    "reset": (Line(reset=True), 4.0),
    "slow": (Line(latency=0.15, jitter=0.1), 8.0),
    "16 kbit/s": (Line(rate=2000.0, piece=400), 10.0),
    "cut in the midst": (Line(cut_after=3000), 6.0),
    "in slices": (Line(piece=7), 5.0),
}
# What the proxy counts while a fault does something.
_TRACES: Mapping[str, str] = {
    "cut for a while": "held",
    "half-open": "swallowed",
    "reset": "resets",
    "slow": "delays",
    "16 kbit/s": "slowed_bytes",
    "cut in the midst": "cuts",
    "in slices": "pieces",
}
_GREATEST_MEGABYTES = 400.0
_SERVICES = ("*-api*", "*-relay*", "*-consume*")


class BadLine(Scenario):
    """Every kind of bad line once in each round, in an order of the dice, with good seconds in between."""

    apart: ClassVar[bool] = True
    bites: ClassVar[Mapping[str, int]] = dict.fromkeys(_FAULTS, 1)
    lasts_at_most: ClassVar[float] = 600.0
    recovers_within: ClassVar[float] = 90.0

    def __init__(self) -> None:
        self._proxy: Proxy | None = None
        self._greatest_megabytes = 0.0

    @property
    def proxy(self) -> Proxy:
        assert self._proxy is not None, "the installation was not prepared"  # noqa: S101  a mistake of the harness
        return self._proxy

    async def lay(self, installation: Installation, name: str) -> None:
        """Puts the proxy before the server of that name, whose port is chosen now."""
        book = ports.PortBook(installation.ports_file, lambda _text: None)
        book.choose_for(["postgres", *installation.brokers.port_names])
        taken = set(installation.ports.values())
        self._proxy = Proxy(installation.ports[name], port=ports.choose(taken))
        await self._proxy.start()
        await self._proxy.started.wait()

    async def clear(self, installation: Installation) -> None:
        del installation
        if self._proxy is not None:
            await self._proxy.stop()
            self._proxy = None

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            for fault in stage.dice.sample(list(_FAULTS), len(_FAULTS)):
                await self._spoil(stage, fault)
                await self.between(stage)

    async def _spoil(self, stage: Stage, fault: str) -> None:
        line, seconds = _FAULTS[fault]
        before = self.proxy.seen[_TRACES[fault]]
        stage.say(f"the line to {self.proxy.target} is {fault}")
        self.proxy.become(line)
        try:
            await asyncio.gather(stage.rest(seconds), self.meanwhile(stage, fault))
        finally:
            self.proxy.become(GOOD)
        if self.proxy.seen[_TRACES[fault]] > before:
            stage.saw(fault)
        self._greatest_megabytes = max(self._greatest_megabytes, _greatest_megabytes(stage))

    async def meanwhile(self, stage: Stage, fault: str) -> None:
        """What must hold while the line is bad. Raises Failed."""

    async def between(self, stage: Stage) -> None:
        """What must hold once the line is good again. Raises Failed."""
        await stage.writes_go_on(2, 60)

    async def heal(self, stage: Stage) -> None:
        del stage
        if self._proxy is not None:
            self._proxy.become(GOOD)

    async def judge(self, stage: Stage) -> list[str]:
        del stage
        if self._greatest_megabytes <= _GREATEST_MEGABYTES:
            return []
        return [f"a process took {self._greatest_megabytes:.0f} MB on a bad line, {_GREATEST_MEGABYTES:g} MB at most"]


class BadLineToPostgres(BadLine):
    """The system of record is far away: answers are late or 503, and what was acknowledged is there."""

    name: ClassVar[str] = "bad-line-to-postgres"
    faults: ClassVar[str] = "F10"
    title: ClassVar[str] = "the line to Postgres cut, half-open, reset, slow, narrow, broken in the midst"

    async def prepare(self, installation: Installation) -> None:
        await self.lay(installation, "postgres")
        detour = Conditions({"PLUT_POSTGRES_PORT": str(self.proxy.port)})
        conditions.keep(installation.conditions_file, dict.fromkeys(_SERVICES, detour))


class BadLineToKafka(BadLine):
    """Offices do not notice: an api has no connection to Kafka."""

    name: ClassVar[str] = "bad-line-to-kafka"
    faults: ClassVar[str] = "F10"
    title: ClassVar[str] = "the line to Kafka cut, half-open, reset, slow, narrow, broken in the midst"

    async def prepare(self, installation: Installation) -> None:
        await self.lay(installation, "kafka")
        brokers.keep(installation.brokers_file, Brokers(detours={"kafka": self.proxy.port}))

    async def meanwhile(self, stage: Stage, fault: str) -> None:
        del fault
        await stage.writes_go_on(2, 30)


def _greatest_megabytes(stage: Stage) -> float:
    return max((_megabytes(each.pid) for each in stage.processes("*") if each.pid), default=0.0)


def _megabytes(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / (1 << 20)
    except psutil.Error:
        return 0.0
