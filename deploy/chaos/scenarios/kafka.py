"""What may happen to the one broker of an installation, and to the logs it keeps."""

import asyncio
import shutil
from collections.abc import Mapping
from statistics import quantiles
from typing import ClassVar

from deploy.chaos import topics
from deploy.chaos.failure import Failed
from deploy.chaos.members import groups
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage

# Two cores carry everything: an answer may be slower than before by the noise of the machine, not by a wait for Kafka.
_TIMES_SLOWER = 3.0
_NOISE_SECONDS = 0.5


class BrokerStopped(Scenario):
    """Writes never depend on Kafka: offices go on at the same speed, the backlog grows, and all of it appears later."""

    name: ClassVar[str] = "kafka-stopped"
    faults: ClassVar[str] = "F5"
    title: ClassVar[str] = "the broker stopped in good order, later started"
    bites: ClassVar[Mapping[str, int]] = {"stops": 1, "backlog": 20}

    async def strike(self, stage: Stage) -> None:
        stage.load.answer_seconds()
        await stage.writes_go_on(5)
        before = _p90(stage.load.answer_seconds())
        for _ in range(stage.rounds):
            await stage.hold("kafka")
            await stage.writes_go_on(10)
            status = await stage.status()
            stage.saw("backlog", sum(each.backlog or 0 for each in status.services.values()))
            stage.release("kafka")
            await stage.healthy()
        _as_quick_as(before, _p90(stage.load.answer_seconds()))


class BrokerKilled(Scenario):
    """It comes back by itself with what it had; what was under way is sent again."""

    name: ClassVar[str] = "kafka-killed"
    faults: ClassVar[str] = "F5"
    title: ClassVar[str] = "kill -9 of the broker"
    bites: ClassVar[Mapping[str, int]] = {"kills": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            await stage.kill(stage.server("kafka"))
            await stage.writes_go_on(5)
            await stage.healthy()


class BrokerDataLost(Scenario):
    """Relays notice an empty log and send everything again; consumers notice another log and drop what they know."""

    name: ClassVar[str] = "kafka-data-lost"
    faults: ClassVar[str] = "F6"
    title: ClassVar[str] = "all of the broker's data deleted while offices write"
    bites: ClassVar[Mapping[str, int]] = {"logs deleted": 1, "log_lost": 1, "log_replaced": 1}

    async def strike(self, stage: Stage) -> None:
        await stage.hold("kafka")
        await stage.writes_go_on(3)
        await asyncio.to_thread(shutil.rmtree, stage.installation.broker().directory)
        stage.saw("logs deleted")
        stage.release("kafka")
        await stage.healthy()
        await stage.logged("log_lost")
        await stage.logged("log_replaced")
        await stage.writes_go_on(3)


class TopicMadeAnew(Scenario):
    """Offsets alone would not tell: the new log is longer than the stored offset, and holds somebody else's records."""

    name: ClassVar[str] = "topic-made-anew"
    faults: ClassVar[str] = "F7"
    title: ClassVar[str] = "a topic deleted, made anew and filled beyond the stored offsets"
    bites: ClassVar[Mapping[str, int]] = {"topics made anew": 1, "log_replaced": 1, "log_lost": 1}

    async def strike(self, stage: Stage) -> None:
        topic = stage.dice.choice(("mentoring.session.v1", "registry.business.v1"))
        await topics.make_anew(stage.installation.kafka_bootstrap, topic)
        stage.saw("topics made anew")
        await stage.writes_go_on(3)
        await stage.logged("log_lost")
        await stage.logged("log_replaced")


class OffsetsMoved(Scenario):
    """Kafka's offsets are for lag tools only; rows that were moved by hand are noticed by the record before them."""

    name: ClassVar[str] = "offsets-moved"
    faults: ClassVar[str] = "F7"
    title: ClassVar[str] = "a group's offsets and its rows set to the beginning and to the end, by hand"
    bites: ClassVar[Mapping[str, int]] = {"rows set back": 12, "rows set forward": 1, "log_replaced": 1}

    async def strike(self, stage: Stage) -> None:
        for service in ("mentoring", "reporting"):
            await stage.hold(f"{service}-consume")
            await stage.hold(f"{service}-consume-2")
        await stage.writes_go_on(5)
        ends = await topics.ends(stage.installation.kafka_bootstrap)
        for service in ("mentoring", "reporting"):
            for group in await groups(stage, service):
                await topics.commit(stage.installation.kafka_bootstrap, group, ends)
                await self._move_rows(stage, service, group, ends)
            stage.release(f"{service}-consume")
            stage.release(f"{service}-consume-2")
        await stage.healthy()
        await stage.logged("log_replaced")

    async def _move_rows(self, stage: Stage, service: str, group: str, ends: topics.Ends) -> None:
        """Of one topic all rows back to the beginning; of the others forward to the end, over what nobody has read."""
        async with stage.database() as connection:
            followed = await connection.fetch(
                f"select distinct topic from {service}.consumer_offset where consumer_group = $1 order by topic",  # noqa: S608
                group,
            )
            back = stage.dice.choice([row["topic"] for row in followed])
            done = await connection.execute(
                f"update {service}.consumer_offset set next_offset = 0, last_digest = null, resets = resets + 1 "  # noqa: S608
                "where consumer_group = $1 and topic = $2",
                group,
                back,
            )
            stage.saw("rows set back", int(done.split()[-1]))
            for (topic, partition), end in ends.items():
                done = await connection.execute(
                    f"update {service}.consumer_offset set next_offset = $4 "  # noqa: S608
                    "where consumer_group = $1 and topic = $2 and partition = $3 and next_offset between 1 and $4 - 1",
                    group,
                    topic,
                    partition,
                    end,
                )
                stage.saw("rows set forward", int(done.split()[-1]) if topic != back else 0)


class BrokerFrozen(Scenario):
    """It neither answers nor refuses: the worst for whoever waits without a bound."""

    name: ClassVar[str] = "kafka-frozen"
    faults: ClassVar[str] = "F5"
    title: ClassVar[str] = "the broker frozen for ten seconds (SIGSTOP), then let go on"
    bites: ClassVar[Mapping[str, int]] = {"freezes": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            stage.freeze(stage.server("kafka"))
            await stage.writes_go_on(5)
            await stage.rest(10)
            stage.thaw()
            await stage.writes_go_on(3)


def _p90(seconds: list[float]) -> float:
    return quantiles(seconds, n=10)[-1] if len(seconds) > 1 else 0.0


def _as_quick_as(before: float, without: float) -> None:
    if without > before * _TIMES_SLOWER + _NOISE_SECONDS:
        raise Failed(f"without Kafka nine of ten answers took {without:.2f} s at most, with it {before:.2f} s")
