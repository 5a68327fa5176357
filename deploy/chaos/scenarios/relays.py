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
    bites: ClassVar[Mapping[str, int]] = {
        **{f"died at {point}": 1 for point in _POINTS},
        "duplicates": 1,
    }

    async def strike(self, stage: Stage) -> None:
        for point in stage.dice.sample(_POINTS, len(_POINTS)):
            service = stage.dice.choice(("registry", "mentoring"))
            await stage.arm(f"{service}-relay*", f"{point}=kill@0.3")
            await stage.hit(point, stage.rounds)
            await stage.disarm()
        await stage.writes_go_on(3)
