"""Deaths of what carries the outbox to Kafka."""

from collections.abc import Mapping
from typing import ClassVar

from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage

_POINTS = ("relay.before_send", "relay.mid_batch", "relay.after_ack")


class RelaysKilled(Scenario):
    """After Kafka's acknowledgement and before the snapshot is saved is where duplicates come from: they must come."""

    name: ClassVar[str] = "relay-killed"
    faults: ClassVar[str] = "F2"
    title: ClassVar[str] = "kill -9 of relays before, within and after sending"
    bites: ClassVar[Mapping[str, int]] = {**{f"deaths at {point}": 1 for point in _POINTS}, "duplicates": 1}

    async def strike(self, stage: Stage) -> None:
        service = stage.dice.choice(("registry", "mentoring"))
        await stage.arm(f"{service}-relay*", ";".join(f"{point}=kill@0.1" for point in _POINTS))
        await stage.deaths_at(_POINTS, stage.rounds)
        await stage.disarm()
        await stage.writes_go_on(3)
