"""Deaths, sleeps and quarrels of what reads the log."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import ClassVar

from deploy.chaos.members import Member, groups, partitions_of
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local import launcher
from services.reporting.projections.applier import SetApplier

_POINTS = ("proj.before_commit", "proj.after_commit", "proj.rebalance")
_SERVICES = ("mentoring", "reporting")
# A group gives up on a member that was not heard of for six seconds.
_BEYOND_A_SESSION_SECONDS = 10.0
_BEYOND_A_POLL_SECONDS = 310.0
_TERM_SECONDS = 12.0
_STORM_SECONDS = 2.0
_STRANGERS = 3


class ConsumersKilled(Scenario):
    """Before the commit nothing may stay of a batch; after it nothing may be done again; nor while partitions move."""

    name: ClassVar[str] = "consumer-killed"
    faults: ClassVar[str] = "F3"
    title: ClassVar[str] = "kill -9 of consumers before and after a commit, and while partitions are dealt"
    bites: ClassVar[Mapping[str, int]] = {f"deaths at {point}": 1 for point in _POINTS}

    async def strike(self, stage: Stage) -> None:
        service = stage.dice.choice(_SERVICES)
        # Each death has partitions dealt anew: were that deadly more often, few would live to commit.
        points = {point: "kill@0.3" if point == "proj.rebalance" else "kill@0.15" for point in _POINTS}
        await stage.arm(f"{service}-consume*", ";".join(f"{point}={act}" for point, act in points.items()))
        await stage.deaths_at(_POINTS, stage.rounds, seconds=200)
        await stage.disarm()
        await stage.writes_go_on(3)


class ConsumersTerminated(Scenario):
    """Told to end in the middle of a transaction they roll back within their time, and others take their share."""

    name: ClassVar[str] = "consumer-terminated"
    faults: ClassVar[str] = "F4"
    title: ClassVar[str] = "SIGTERM to consumers in the middle of a batch"
    bites: ClassVar[Mapping[str, int]] = {"terminated within a batch": 2}

    async def strike(self, stage: Stage) -> None:
        for service in _SERVICES:
            await stage.arm(f"{service}-consume*", "proj.before_commit=sleep(4)@0.3")
        for _ in range(stage.rounds):
            for service in _SERVICES:
                asleep = stage.logs.count("failpoint", f"{service}-consume*")

                async def sleeps(service: str = service, asleep: int = asleep) -> bool:
                    return stage.logs.count("failpoint", f"{service}-consume*") > asleep

                await stage.until(f"a batch of {service} to be written", sleeps, every=0.05)
                await stage.restart(f"{service}-consume*")
                stage.saw("terminated within a batch")
        await stage.disarm()
        await stage.writes_go_on(3)


class ConsumersFrozen(Scenario):
    """A zombie comes back to a group that has given up on it; what it then tries to commit must not count."""

    name: ClassVar[str] = "consumer-frozen"
    faults: ClassVar[str] = "F4"
    title: ClassVar[str] = "consumers frozen for longer than their session (SIGSTOP), then let go on"
    bites: ClassVar[Mapping[str, int]] = {"freezes": 2, "partitions_dealt": 2}

    async def strike(self, stage: Stage) -> None:
        for service in _SERVICES:
            stage.freeze(stage.dice.choice(stage.processes(f"{service}-consume*")))
        await stage.rest(_BEYOND_A_SESSION_SECONDS)
        await stage.logged("partitions_dealt", len(_SERVICES))
        stage.thaw()
        await stage.writes_go_on(5)


class StopsWithKafkaFrozen(Scenario):
    """Whoever is told to end does so in ten seconds, also while Kafka neither answers nor refuses."""

    name: ClassVar[str] = "stopped-while-kafka-hangs"
    faults: ClassVar[str] = "F4"
    title: ClassVar[str] = "SIGTERM to every kind of process while the broker is frozen"
    bites: ClassVar[Mapping[str, int]] = {"freezes": 1, "ended in time": 3}

    async def strike(self, stage: Stage) -> None:
        watched = [stage.processes(name)[0] for name in ("registry-relay", "reporting-consume", "registry-api")]
        stage.freeze(stage.server("kafka"))
        for process in watched:
            stage.signal(process, signal.SIGTERM)

        async def gone() -> bool:
            return not any(process.identity and process.identity.is_alive for process in watched)

        await stage.until("processes to end in time", gone, _TERM_SECONDS, every=0.1)
        stage.saw("ended in time", len(watched))
        stage.thaw()
        await stage.writes_go_on(3)


class RebalanceStorm(Scenario):
    """Members come and go every two seconds, more of them than the watermark's single partition can employ."""

    name: ClassVar[str] = "rebalance-storm"
    faults: ClassVar[str] = "F19"
    title: ClassVar[str] = "consumers and strangers join and leave a group every two seconds"
    bites: ClassVar[Mapping[str, int]] = {"members came": 3, "members went": 3, "kills": 1, "partitions_dealt": 6}

    async def strike(self, stage: Stage) -> None:
        await launcher.scale(stage.installation, "reporting-consume", 3)
        before = await self._position(stage)
        for _ in range(stage.rounds):
            await self._come_and_go(stage, (await groups(stage, "reporting"))[-1])
        await launcher.scale(stage.installation, "reporting-consume", 2)
        await stage.logged("partitions_dealt", 6)
        await stage.until("the two that are left to have everything between them", lambda: self._is_shared(stage))

        async def moved() -> bool:
            return await self._position(stage) > before

        await stage.until("the read models to get on", moved)
        await stage.writes_go_on(3)

    async def heal(self, stage: Stage) -> None:
        await launcher.scale(stage.installation, "reporting-consume", 2)

    async def _come_and_go(self, stage: Stage, group: str) -> None:
        async with AsyncExitStack() as stack:
            for _ in range(_STRANGERS):
                await stack.enter_async_context(Member(stage.installation.kafka_bootstrap, group))
                stage.saw("members came")
                await stage.rest(_STORM_SECONDS)
            await stage.kill(stage.dice.choice(stage.processes("reporting-consume*")))
        stage.saw("members went", _STRANGERS)
        await stage.rest(_STORM_SECONDS)

    async def _is_shared(self, stage: Stage) -> bool:
        """Each has some partitions, together they have all of them, and none is two's."""
        shares = [await partitions_of(process.url) for process in stage.processes("reporting-consume*")]
        together = [partition for share in shares for partition in share]
        whole = sum(topic.partitions for topic in SetApplier.topics)
        return len(shares) == 2 and all(shares) and len(together) == len(set(together)) == whole

    async def _position(self, stage: Stage) -> int:
        async with stage.database() as connection:
            return int(await connection.fetchval("select sum(next_offset) from reporting.consumer_offset"))


class HandlerTooSlow(Scenario):
    """One batch takes longer than a member may stay away from its group: it is given up, and comes back too late."""

    name: ClassVar[str] = "handler-too-slow"
    faults: ClassVar[str] = "F20"
    title: ClassVar[str] = "a consumer that sleeps beyond max.poll.interval within a batch"
    bites: ClassVar[Mapping[str, int]] = {"sleeps": 1, "partitions_dealt": 2}
    lasts_at_most: ClassVar[float] = 600.0

    async def strike(self, stage: Stage) -> None:
        await stage.arm("reporting-consume", f"proj.before_commit=sleep({_BEYOND_A_POLL_SECONDS:g})")

        async def sleeps() -> bool:
            return stage.logs.count("failpoint", "reporting-consume") > 0

        await stage.until("a batch to be written", sleeps)
        stage.saw("sleeps")
        dealt = stage.logs.count("partitions_dealt", "reporting-consume-2")
        stage.lift()

        async def given_up() -> bool:
            return stage.logs.count("partitions_dealt", "reporting-consume-2") > dealt

        await stage.until("the group to give it up", given_up, _BEYOND_A_POLL_SECONDS + 30, every=2)
        await asyncio.sleep(_BEYOND_A_SESSION_SECONDS)
        await stage.logged("partitions_dealt", 2)
        await stage.restart("reporting-consume")  # it would sleep again in its next batch
        await stage.writes_go_on(3)
