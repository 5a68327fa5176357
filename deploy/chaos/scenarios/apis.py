"""Deaths of what answers requests, and of everything else in turn."""

from collections.abc import Mapping
from typing import ClassVar

from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage

_BETWEEN_SECONDS = (0.2, 1.5)
_POINTS = ("api.before_commit", "api.after_commit")


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
        **{f"deaths at {point}": 1 for point in _POINTS},
        "requests without an answer": 2,
    }

    async def strike(self, stage: Stage) -> None:
        service = stage.dice.choice(("registry", "mentoring"))
        await stage.arm(f"{service}-api", ";".join(f"{point}=kill@0.2" for point in _POINTS))
        await stage.deaths_at(_POINTS, stage.rounds)
        await stage.disarm()
        await stage.writes_go_on(3)
        stage.saw("requests without an answer", stage.load.without_answer)


class EachKilledInTurn(Scenario):
    """Both of a kind at once, so that nobody stands in for the dead."""

    name: ClassVar[str] = "each-killed-in-turn"
    faults: ClassVar[str] = "F1"
    title: ClassVar[str] = "kill -9 of every process, all of a kind at once"
    bites: ClassVar[Mapping[str, int]] = {"kills": 16}

    async def strike(self, stage: Stage) -> None:
        kinds = sorted({f"{each.service}-{each.role}" for each in stage.processes("*-*")})
        for kind in stage.dice.sample(kinds, len(kinds)):
            for process in stage.processes(f"{kind}*"):
                await stage.kill(process)
            await stage.writes_go_on(2)
