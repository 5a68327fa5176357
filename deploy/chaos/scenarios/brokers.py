"""Three brokers of one set, of which one or two are lost."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import ClassVar

from deploy.chaos.failure import Failed
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local import brokers
from deploy.local.installation import Installation

_BETWEEN_SECONDS = (2.0, 6.0)


class BrokerSet(Scenario):
    """On an installation with three brokers; each record has three copies, and two acknowledge it."""

    apart: ClassVar[bool] = True
    recovers_within: ClassVar[float] = 90.0
    lasts_at_most: ClassVar[float] = 420.0

    async def prepare(self, installation: Installation) -> None:
        brokers.keep(installation.brokers_file, brokers.several(3))

    async def lose(self, stage: Stage, name: str) -> None:
        """Kills a broker, which stays away until it is released. Raises Failed."""
        found = stage.server(name).identity
        if found is None or not found.is_alive:
            raise Failed(f"{name} was to be killed and did not run")
        stage.installation.hold(name)
        os.kill(found.pid, signal.SIGKILL)
        await stage.hold(name)
        stage.say(f"killed {name}")
        stage.saw("brokers lost")

    async def back(self, stage: Stage, *names: str) -> None:
        """Lets brokers run again and waits until all processes are healthy. Raises Failed."""
        for name in names:
            stage.release(name)
        await stage.healthy(90)


class BrokerLost(BrokerSet):
    """Any of three, one after the other: nobody waits for it."""

    name: ClassVar[str] = "one-broker-of-three-lost"
    faults: ClassVar[str] = "F5"
    title: ClassVar[str] = "kill -9 of each of three brokers in turn; the others go on"
    bites: ClassVar[Mapping[str, int]] = {"brokers lost": 3, "published without it": 3}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            for name in stage.dice.sample(stage.installation.brokers.names, 3):
                await self.lose(stage, name)
                await stage.writes_go_on(3, 60)
                await stage.published()
                stage.saw("published without it")
                await self.back(stage, name)
                await stage.rest(stage.dice.uniform(*_BETWEEN_SECONDS))


class ControllerLost(BrokerSet):
    """The one that leads the quorum: another takes over, and topics find their leaders."""

    name: ClassVar[str] = "controller-lost"
    faults: ClassVar[str] = "F5"
    title: ClassVar[str] = "kill -9 of the broker that leads the controllers of three"
    bites: ClassVar[Mapping[str, int]] = {"brokers lost": 1, "another controller": 1, "published without it": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            leader = await stage.until("a controller", partial(_controller, stage.installation), 60)
            await self.lose(stage, leader)
            await stage.until("another controller", partial(_another_than, stage.installation, leader), 60)
            stage.saw("another controller")
            await stage.writes_go_on(3, 60)
            await stage.published()
            stage.saw("published without it")
            await self.back(stage, leader)
            await stage.rest(stage.dice.uniform(*_BETWEEN_SECONDS))


class BelowMinimum(BrokerSet):
    """One of three takes nothing: the relays wait, the offices do not, and afterwards everything arrives."""

    name: ClassVar[str] = "below-min-insync-replicas"
    faults: ClassVar[str] = "F5"
    title: ClassVar[str] = "two of three brokers lost: nothing is acknowledged, the outboxes grow, then all arrives"
    bites: ClassVar[Mapping[str, int]] = {"brokers lost": 2, "outboxes grew": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            lost = stage.dice.sample(stage.installation.brokers.names, 2)
            await asyncio.gather(*(self.lose(stage, name) for name in lost))
            await stage.writes_go_on(5, 60)
            await stage.outboxes_grow(60)
            await stage.rest(stage.dice.uniform(*_BETWEEN_SECONDS))
            await self.back(stage, *lost)
            await stage.published()


async def _controller(installation: Installation) -> str:
    """Returns the name of the broker that leads the quorum, as most of them wrote it down; empty if none did."""
    names = installation.brokers.names
    led = [leader for name in names if (leader := _leader_known_to(installation, name)) > 0]
    return names[max(set(led), key=led.count) - 1] if led else ""


async def _another_than(installation: Installation, lost: str) -> str:
    """Asks only those that are not lost: what the lost one wrote down is out of date. Empty if nobody took over."""
    names = installation.brokers.names
    led = {_leader_known_to(installation, name) for name in names if name != lost}
    return next((names[leader - 1] for leader in led if leader > 0 and names[leader - 1] != lost), "")


def _leader_known_to(installation: Installation, name: str) -> int:
    state = installation.directory / name / "data" / "__cluster_metadata-0" / "quorum-state"
    with suppress(OSError, ValueError, KeyError):
        return int(json.loads(state.read_text(encoding="utf-8"))["leaderId"])
    return -1
