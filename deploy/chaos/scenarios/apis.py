"""Deaths of what answers requests."""

from collections.abc import Mapping
from typing import ClassVar

from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage

_BETWEEN_SECONDS = (0.2, 1.5)


class ApisKilledAnywhere(Scenario):
    """At moments that nobody chose: in the middle of a request, of a transaction, of a login."""

    name: ClassVar[str] = "api-killed-anywhere"
    faults: ClassVar[str] = "F1"
    title: ClassVar[str] = "kill -9 of each api at random moments"
    bites: ClassVar[Mapping[str, int]] = {"kills": 3, "requests without an answer": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            for service in stage.dice.sample(("registry", "mentoring", "reporting"), 3):
                await stage.rest(stage.dice.uniform(*_BETWEEN_SECONDS))
                await stage.kill(stage.dice.choice(stage.processes(f"{service}-api*")))
        await stage.writes_go_on(3)
        stage.saw("requests without an answer", stage.load.without_answer)


class ApisKilledAroundCommit(Scenario):
    """Just before COMMIT nothing may stay of the command; just after it all of it, though the client hears nothing."""

    name: ClassVar[str] = "api-killed-around-commit"
    faults: ClassVar[str] = "F1"
    title: ClassVar[str] = "kill -9 of apis just before and just after COMMIT"
    bites: ClassVar[Mapping[str, int]] = {
        "died at api.before_commit": 1,
        "died at api.after_commit": 1,
        "requests without an answer": 2,
    }

    async def strike(self, stage: Stage) -> None:
        for point in stage.dice.sample(("api.before_commit", "api.after_commit"), 2):
            await stage.arm(stage.dice.choice(("registry-api", "mentoring-api")), f"{point}=kill@0.3")
            await stage.hit(point, stage.rounds)
            await stage.disarm()
        await stage.writes_go_on(3)
        stage.saw("requests without an answer", stage.load.without_answer)
