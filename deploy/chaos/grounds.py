"""Installations that scenarios run on: two of each api and consumer beside the two relays, started when needed."""

import shutil
from collections.abc import Callable
from pathlib import Path

from deploy.chaos.scenario import Scenario
from deploy.local import launcher, scale
from deploy.local.installation import Installation
from deploy.local.table import SCALABLE

Say = Callable[[str], None]


class Grounds:
    """Gives each scenario a healthy installation below `parent`; one is shared by all that do not want their own."""

    def __init__(self, parent: Path, say: Say) -> None:
        self._parent = parent
        self._say = say
        self._shared: Installation | None = None
        self._made = 0

    async def installation_for(self, scenario: Scenario) -> Installation:
        """Starts one if need be. Raises what launcher.launch raises."""
        if scenario.apart:
            return await self._start(scenario)
        if self._shared is None:
            self._shared = await self._start(None)
        return self._shared

    async def leave(self, scenario: Scenario, installation: Installation, *, spoilt: bool) -> None:
        """Stops and removes an installation unless others share it; one that is spoilt nobody shares any more."""
        if installation is self._shared and not spoilt:
            return
        if installation is self._shared:
            self._shared = None
        await self._remove(installation, scenario if scenario.apart else None)

    async def close(self) -> None:
        """Stops and removes what is shared."""
        if self._shared is not None:
            await self._remove(self._shared)
            self._shared = None

    async def _start(self, scenario: Scenario | None) -> Installation:
        self._made += 1
        installation = Installation.open(self._parent / f"ground-{self._made}")
        two_of_each(installation)
        if scenario is not None:
            await scenario.prepare(installation)
        self._say(f"starting an installation in {installation.directory}")
        try:
            await launcher.launch(installation, lambda _text: None)
        except BaseException:
            await self._remove(installation, scenario)
            raise
        return installation

    async def _remove(self, installation: Installation, scenario: Scenario | None = None) -> None:
        await launcher.shut_down(installation)
        if scenario is not None:
            await scenario.clear(installation)
        shutil.rmtree(installation.directory, ignore_errors=True)


def two_of_each(installation: Installation) -> None:
    """Asks for two of each process that may be more than one, from the next start on or at once."""
    for name in SCALABLE:
        scale.keep(installation.scale_file, name, 2)
