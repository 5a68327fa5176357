"""Postgres brought back to what it was earlier, while Kafka knows more."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from deploy.chaos import command
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage

_AWAY = "select (select count(*) from registry.restored_away) + (select count(*) from mentoring.restored_away)"


class PostgresRestored(Scenario):
    """Relays notice that Kafka holds what Postgres has not and publish nothing; a new history makes all agree again."""

    name: ClassVar[str] = "postgres-restored"
    faults: ClassVar[str] = "F24"
    title: ClassVar[str] = "Postgres restored to an earlier point, then `plut replay --new-history`"
    bites: ClassVar[Mapping[str, int]] = {"relay_alarm": 1, "events restored away": 1}
    positions_may_go_back: ClassVar[bool] = True

    async def strike(self, stage: Stage) -> None:
        directory = stage.installation.directory
        backup = directory / "backup-of-postgres"
        before = await self._away(stage)
        await self._swap(stage, directory / "postgres", backup)
        await stage.writes_go_on(5)
        await stage.load.stop()
        await self._published(stage)
        await self._swap(stage, backup, directory / "postgres")
        await stage.logged("relay_alarm", seconds=90)
        await command.call(stage.installation, "replay", "--new-history")
        await stage.load.resume()
        await stage.writes_go_on(3)
        stage.saw("events restored away", await self._away(stage) - before)

    async def _swap(self, stage: Stage, source: Path, target: Path) -> None:
        """Copies the cluster's files while nobody runs on them."""
        await stage.hold("postgres")
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        await asyncio.to_thread(shutil.copytree, source, target, symlinks=True)
        stage.release("postgres")
        await stage.healthy()

    async def _published(self, stage: Stage) -> None:
        """Kafka knows of everything: otherwise there would be nothing to notice."""

        async def empty() -> bool:
            status = await stage.status()
            return all(each.backlog == 0 for each in status.services.values())

        await stage.until("everything to be published", empty)

    async def _away(self, stage: Stage) -> int:
        async with stage.database() as connection:
            return int(await connection.fetchval(_AWAY))
