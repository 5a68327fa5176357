"""What a scenario is: how it breaks things, and what must have been seen for it to count."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from deploy.chaos.stage import Stage
from deploy.local.installation import Installation


class Scenario(ABC):
    """Derive from it in a module of `deploy/chaos/scenarios/`; the package's docstring says how."""

    name: ClassVar[str]
    faults: ClassVar[str]
    title: ClassVar[str]
    bites: ClassVar[Mapping[str, int]]
    apart: ClassVar[bool] = False
    recovers_within: ClassVar[float] = 60.0
    lasts_at_most: ClassVar[float] = 300.0
    # A restore of Postgres may take positions back that listeners have seen; nothing else may.
    positions_may_go_back: ClassVar[bool] = False

    def cannot_run(self) -> str | None:
        """Returns why this machine cannot run it; None if it can."""
        return None

    async def prepare(self, installation: Installation) -> None:
        """Readies the installation of its own before that is started; only where it is `apart`."""
        del installation

    async def clear(self, installation: Installation) -> None:
        """Takes away what is not removed with the directory of an installation of its own, which has been stopped."""
        del installation

    @abstractmethod
    async def strike(self, stage: Stage) -> None:
        """Breaks things under load and counts what was seen. Raises Failed."""

    async def heal(self, stage: Stage) -> None:
        """Makes good what the stage does not make good by itself."""
        del stage

    async def judge(self, stage: Stage) -> list[str]:
        """Returns what is wrong beyond the invariants of every scenario, once all is quiet."""
        del stage
        return []
