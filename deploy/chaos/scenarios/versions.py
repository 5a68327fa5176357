"""The earlier product and this one side by side, on one database and one log."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

from deploy.chaos import earlier, understanding
from deploy.chaos.failure import Failed
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local import conditions, preparation
from deploy.local.conditions import Conditions
from deploy.local.installation import Installation
from deploy.local.process import StartError
from deploy.local.state import ProcessState
from deploy.local.table import MIGRATIONS, SERVICES

_AT_ONCE = 4
_GOLDEN = Path("tests/contract/golden")
_PRODUCERS = ("registry-api*", "mentoring-api*", "*-relay*")
_CONSUMERS = ("*-consume*", "reporting-api*")
_SIDE_BY_SIDE_SECONDS = (2.0, 5.0)


class TwoVersions(Scenario):
    """Starts as the earlier product, its schema included; ends as this one. No request may be answered 5xx."""

    apart: ClassVar[bool] = True
    lasts_at_most: ClassVar[float] = 900.0
    recovers_within: ClassVar[float] = 90.0

    def __init__(self) -> None:
        self._checkout = Path()
        self._old: set[str] = set()

    def cannot_run(self) -> str | None:
        return earlier.why_not()

    async def prepare(self, installation: Installation) -> None:
        self._checkout = await asyncio.to_thread(earlier.checkout)
        names = [each.name for each in (*installation.programs(), *MIGRATIONS) if each.service in SERVICES]
        self._keep(installation, old=set(names))

    def _keep(self, installation: Installation, old: set[str]) -> None:
        self._old = old
        conditions.keep(
            installation.conditions_file, dict.fromkeys(sorted(old), Conditions(checkout=str(self._checkout)))
        )

    async def migrate(self, stage: Stage) -> None:
        """Brings the schemas up to this version while the earlier one's processes run. Raises Failed."""
        self._keep(stage.installation, self._old - {each.name for each in MIGRATIONS})
        try:
            await preparation.migrate(stage.installation)
        except StartError as error:
            raise Failed(f"the schemas could not be migrated beneath the earlier version: {error}") from None
        stage.saw("migrations beneath the earlier version")
        await stage.writes_go_on(2)

    async def become(self, stage: Stage, patterns: Sequence[str], *, old: bool) -> None:
        """Exchanges processes, some at a time and never both of a kind. Raises Failed."""
        for number in (1, 2):
            names = [each.name for each in _ours(stage, patterns) if (each.number == 1) == (number == 1)]
            order = stage.dice.sample(names, len(names))
            for some in (order[place : place + _AT_ONCE] for place in range(0, len(order), _AT_ONCE)):
                self._keep(stage.installation, self._old | set(some) if old else self._old - set(some))
                await asyncio.gather(*(stage.restart(name) for name in some))
                await stage.healthy(120)
                await stage.writes_go_on(1)
                self._see(stage)
        await stage.rest(stage.dice.uniform(*_SIDE_BY_SIDE_SECONDS))

    def _see(self, stage: Stage) -> None:
        """Counts moments at which both versions were really running."""
        running = {_directory_of(each) == self._checkout for each in _ours(stage, "*")}
        stage.saw("moments with both versions", int(running == {True, False}))
        stage.saw("moments", 1)

    async def heal(self, stage: Stage) -> None:
        """Everything becomes this version."""
        self._keep(stage.installation, set())
        await asyncio.gather(
            *(stage.restart(each.name) for each in _ours(stage, "*") if _directory_of(each) == self._checkout)
        )

    async def judge(self, stage: Stage) -> list[str]:
        parked = (await stage.status()).parked
        return [
            *([f"{parked} records were parked"] if parked else []),
            *([f"{stage.load.told_later} requests were answered 503"] if stage.load.told_later else []),
        ]


class RollingDeploy(TwoVersions):
    """Out, back, and out again, process by process, with the new schema beneath both."""

    name: ClassVar[str] = "rolled-out-and-back"
    faults: ClassVar[str] = "F18"
    title: ClassVar[str] = "both versions side by side: migrated, rolled out, rolled back, rolled out"
    bites: ClassVar[Mapping[str, int]] = {"migrations beneath the earlier version": 1, "moments with both versions": 6}

    async def strike(self, stage: Stage) -> None:
        self._see(stage)
        await self.migrate(stage)
        for _ in range(stage.rounds):
            await self.become(stage, ["*"], old=False)
            await self.become(stage, ["*"], old=True)
        await self.become(stage, ["*"], old=False)


class OtherProducers(TwoVersions):
    """What one version writes the other one reads, either way; and each reads the other's examples of events."""

    name: ClassVar[str] = "producers-and-consumers-of-two-versions"
    faults: ClassVar[str] = "F17"
    title: ClassVar[str] = "new producers with old consumers, old producers with new ones; each other's golden events"
    bites: ClassVar[Mapping[str, int]] = {
        "written by this version for the earlier": 20,
        "written by the earlier version for this": 20,
        "golden events understood": 30,
    }

    async def strike(self, stage: Stage) -> None:
        await self._understand(stage)
        await self.migrate(stage)
        for _ in range(stage.rounds):
            await self.become(stage, _PRODUCERS, old=False)
            await self.become(stage, _CONSUMERS, old=True)
            await self._write(stage, "written by this version for the earlier")
            await self.become(stage, _CONSUMERS, old=False)
            await self.become(stage, _PRODUCERS, old=True)
            await self._write(stage, "written by the earlier version for this")

    async def _write(self, stage: Stage, what: str) -> None:
        before = stage.load.acknowledged
        await stage.writes_go_on(6)
        stage.saw(what, stage.load.acknowledged - before)

    async def _understand(self, stage: Stage) -> None:
        for reader, examples in ((self._checkout, earlier.ROOT), (earlier.ROOT, self._checkout)):
            told = await asyncio.to_thread(_understood, self._python(reader), reader, examples / _GOLDEN)
            wrong = {name: what for name, what in told.items() if what}
            if wrong:
                raise Failed(f"events of {examples} are not understood by {reader}: {wrong}")
            stage.saw("golden events understood", len(told))

    def _python(self, checkout: Path) -> str:
        return sys.executable if checkout == earlier.ROOT else str(checkout / ".venv/bin/python")


def _ours(stage: Stage, patterns: Sequence[str]) -> list[ProcessState]:
    found = [each for each in stage.processes("*") if each.service in SERVICES]
    return [each for each in found if any(fnmatchcase(each.name, pattern) for pattern in patterns)]


def _directory_of(process: ProcessState) -> Path | None:
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/cwd").readlink()
    return None


def _understood(python: str, directory: Path, examples: Path) -> Mapping[str, str]:
    done = subprocess.run(  # noqa: S603  our own command
        [python, understanding.__file__, str(examples)], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failed(f"{directory} could not read {examples}: {done.stderr}")
    found: Mapping[str, str] = json.loads(done.stdout)
    return found
