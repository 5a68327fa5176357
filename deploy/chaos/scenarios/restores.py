"""Postgres brought back to what it was earlier, while Kafka knows more; and one that takes over with everything."""

import asyncio
import shutil
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from deploy.backup import dump
from deploy.chaos import command, standby
from deploy.chaos.failure import Failed
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.chaos.standby import Standby
from deploy.local.preparation import prepare_database

_AWAY = "select (select count(*) from registry.restored_away) + (select count(*) from mentoring.restored_away)"
_LOGS = """
select history, epoch from registry.relay_state union all select history, epoch from mentoring.relay_state
"""


class _BroughtBack(Scenario):
    """Relays notice that Kafka holds what Postgres has not and publish nothing; a new history makes all agree again."""

    faults: ClassVar[str] = "F24"
    bites: ClassVar[Mapping[str, int]] = {"relay_alarm": 1, "events restored away": 1}
    positions_may_go_back: ClassVar[bool] = True

    async def strike(self, stage: Stage) -> None:
        before = await self._away(stage)
        await self.keep(stage)
        await stage.writes_go_on(5)
        await stage.load.stop()
        await stage.published()  # else there would be nothing for the relays to notice
        await self.bring_back(stage)
        await stage.healthy()
        await stage.logged("relay_alarm", seconds=90)
        await command.call(stage.installation, "replay", "--new-history")
        await stage.load.resume()
        await stage.writes_go_on(3)
        stage.saw("events restored away", await self._away(stage) - before)

    @abstractmethod
    async def keep(self, stage: Stage) -> None:
        """Keeps Postgres as it is now."""

    @abstractmethod
    async def bring_back(self, stage: Stage) -> None:
        """Has Postgres run with what was kept."""

    async def _away(self, stage: Stage) -> int:
        async with stage.database() as connection:
            return int(await connection.fetchval(_AWAY))


class PostgresRestored(_BroughtBack):
    """The files as they were."""

    name: ClassVar[str] = "postgres-restored"
    title: ClassVar[str] = "Postgres restored to an earlier point, then `plut replay --new-history`"

    async def keep(self, stage: Stage) -> None:
        await self._swap(stage, stage.installation.postgres.directory, self._backup(stage))

    async def bring_back(self, stage: Stage) -> None:
        await self._swap(stage, self._backup(stage), stage.installation.postgres.directory)

    def _backup(self, stage: Stage) -> Path:
        return stage.installation.directory / "backup-of-postgres"

    async def _swap(self, stage: Stage, source: Path, target: Path) -> None:
        """Copies the cluster's files while nobody runs on them."""
        await stage.hold("postgres")
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        await asyncio.to_thread(shutil.copytree, source, target, symlinks=True)
        stage.release("postgres")
        await stage.healthy()


class PostgresFromDump(_BroughtBack):
    """Another cluster, in which old transaction numbers mean nothing."""

    name: ClassVar[str] = "postgres-from-dump"
    title: ClassVar[str] = "a dump restored into a new cluster, then `plut replay --new-history`"

    async def keep(self, stage: Stage) -> None:
        await dump.dump(stage.installation, self._file(stage))

    async def bring_back(self, stage: Stage) -> None:
        postgres, password = stage.installation.postgres, stage.installation.superuser_password()
        await stage.hold("postgres")
        await asyncio.to_thread(postgres.discard)
        await dump.load(self._file(stage), postgres.directory, password, stage.installation.keys_dir)
        stage.release("postgres")
        await stage.until("the new cluster to answer", lambda: postgres.answers(password))
        # A dump holds no passwords of roles: `plut up` sets them.
        await prepare_database(stage.installation, stage.installation.superuser_dsn("postgres"))

    def _file(self, stage: Stage) -> Path:
        return stage.installation.directory / "postgres.dump"


class StandbyWithLoss(_BroughtBack):
    """It had stopped to follow when the first one died."""

    name: ClassVar[str] = "stand-by-promoted-with-loss"
    title: ClassVar[str] = "a stand-by promoted that had not received everything, then `plut replay --new-history`"

    async def keep(self, stage: Stage) -> None:
        follower = Standby(stage.installation)
        await follower.copy()
        async with follower.following():
            await _followed(stage)

    async def bring_back(self, stage: Stage) -> None:
        follower = Standby(stage.installation)
        await stage.hold("postgres")
        async with follower.following() as server:
            await standby.promote(server)
        await asyncio.to_thread(follower.take_the_place)
        stage.release("postgres")


class SwitchedOver(Scenario):
    """The first one ends cleanly, which it does once the stand-by has everything: nothing is sent again."""

    name: ClassVar[str] = "switched-over"
    faults: ClassVar[str] = "F24"
    title: ClassVar[str] = "a clean switchover to a stand-by, under load"
    bites: ClassVar[Mapping[str, int]] = {"switchovers": 1}

    async def strike(self, stage: Stage) -> None:
        follower = Standby(stage.installation)
        for _ in range(stage.rounds):
            before = await self._logs(stage)
            await follower.copy()
            async with follower.following() as server:
                await _followed(stage)
                await stage.writes_go_on(3)
                await stage.hold("postgres")
                await standby.promote(server)
            await asyncio.to_thread(follower.take_the_place)
            stage.release("postgres")
            await stage.healthy()
            await stage.writes_go_on(3)
            stage.saw("switchovers")
            if await self._logs(stage) != before:
                raise Failed("the relays took the stand-by for another Postgres and sent everything again")

    async def judge(self, stage: Stage) -> list[str]:
        alarms = stage.logs.count("relay_alarm")
        return [f"the relays raised {alarms} alarms"] if alarms else []

    async def _logs(self, stage: Stage) -> list[tuple[int, int]]:
        async with stage.database() as connection:
            return [(row["history"], row["epoch"]) for row in await connection.fetch(_LOGS)]


async def _followed(stage: Stage) -> None:
    async def streaming() -> bool:
        async with stage.database() as connection:
            return await standby.is_streaming(connection)

    await stage.until("the stand-by to follow", streaming)
