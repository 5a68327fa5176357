"""Disks that are full: who cannot write says so, everybody else goes on, and with room again nothing is missing."""

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

import asyncpg
import httpx

from deploy.chaos import caller, disk
from deploy.chaos.disk import Disk
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local import conditions
from deploy.local.conditions import Conditions
from deploy.local.import_desk import ImportDesk, ImportRefused
from deploy.local.installation import Installation
from shared.auth.principal import Role

_FULL_SECONDS = 6.0
_NO_SPACE = "No space left on device"


class FullDisk(Scenario):
    """A small disk beneath one directory, which is filled to the last byte and emptied again in each round."""

    apart: ClassVar[bool] = True
    recovers_within: ClassVar[float] = 90.0
    lasts_at_most: ClassVar[float] = 420.0
    room_megabytes: ClassVar[int] = 48

    def __init__(self) -> None:
        self.disk: Disk | None = None

    def cannot_run(self) -> str | None:
        return disk.why_not()

    @abstractmethod
    def place(self, installation: Installation) -> Path:
        """Returns the directory that the disk is put beneath."""

    @abstractmethod
    async def while_full(self, stage: Stage) -> None:
        """What is seen, and must hold, while nothing can be written there. Raises Failed."""

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            await self.fill(stage)
            await self.while_full(stage)
            await stage.rest(stage.dice.uniform(0, _FULL_SECONDS))
            self.empty(stage)
            await stage.healthy(90)
            await stage.writes_go_on(3)

    async def fill(self, stage: Stage) -> None:
        taken = await asyncio.to_thread(self._put.fill)
        stage.say(f"{self._put.directory} is full: {taken >> 20} MB taken")

    def empty(self, stage: Stage) -> None:
        self._put.empty()
        stage.say(f"there is room again in {self._put.directory}")

    async def heal(self, stage: Stage) -> None:
        del stage
        if self.disk is not None:
            self.disk.empty()

    async def clear(self, installation: Installation) -> None:
        del installation
        if self.disk is not None:
            await asyncio.to_thread(self.disk.take_away)
            self.disk = None

    async def put(self, installation: Installation) -> None:
        """Puts the disk there, while nobody uses the place."""
        self.disk = Disk(self.place(installation))
        await asyncio.to_thread(self.disk.put, self.room_megabytes)

    @property
    def _put(self) -> Disk:
        assert self.disk is not None, "no disk was put anywhere"  # noqa: S101  a mistake of the harness
        return self.disk


class FullServerDisk(FullDisk):
    """Of Postgres or Kafka: it is stopped for a moment, for what it has must move onto the small disk."""

    server: ClassVar[str]

    async def strike(self, stage: Stage) -> None:
        await stage.hold(self.server)
        await self.put(stage.installation)
        stage.release(self.server)
        await stage.healthy(90)
        await stage.writes_go_on(2)
        await super().strike(stage)

    async def complaints(self, stage: Stage) -> int:
        """Returns how often the server's log spoke of the full disk."""
        lines = await asyncio.to_thread(lambda: list(stage.logs.lines(self.server)))
        return sum(_NO_SPACE in line for line in lines)

    async def complained(self, stage: Stage) -> None:
        """Waits until the server has met the full disk, and counts it. Raises Failed."""
        before = await self.complaints(stage)

        async def more() -> int:
            return max(0, await self.complaints(stage) - before)

        stage.saw("writes refused for want of room", await stage.until("the server to find its disk full", more))


class PostgresDataFull(FullServerDisk):
    """Tables cannot grow: writes are answered 503, reads go on."""

    name: ClassVar[str] = "postgres-data-full"
    faults: ClassVar[str] = "F15"
    title: ClassVar[str] = "no room for Postgres's tables: writes 503, reads go on"
    bites: ClassVar[Mapping[str, int]] = {"writes refused for want of room": 1, "reads while full": 3}
    server: ClassVar[str] = "postgres"

    def place(self, installation: Installation) -> Path:
        return installation.postgres.directory.resolve() / "base"

    async def while_full(self, stage: Stage) -> None:
        await self.complained(stage)
        for _ in range(3):
            await stage.until("a read to be answered", partial(_reads, stage), 20)
            stage.saw("reads while full")


class PostgresLogFull(FullServerDisk):
    """Without room for its write-ahead log Postgres ends, and cannot come back until there is some."""

    name: ClassVar[str] = "postgres-wal-full"
    faults: ClassVar[str] = "F15"
    title: ClassVar[str] = "no room for Postgres's write-ahead log: it ends, and comes back with room"
    bites: ClassVar[Mapping[str, int]] = {"writes refused for want of room": 1}
    server: ClassVar[str] = "postgres"

    def place(self, installation: Installation) -> Path:
        return installation.postgres.directory.resolve() / "pg_wal"

    async def while_full(self, stage: Stage) -> None:
        """Segments that were made beforehand are used up first."""
        using_up = asyncio.create_task(_use_up_segments(stage.installation))
        try:
            await self.complained(stage)
        finally:
            using_up.cancel()


class KafkaLogFull(FullServerDisk):
    """The broker ends, having one directory only; offices do not notice, and the relays wait."""

    name: ClassVar[str] = "kafka-log-full"
    faults: ClassVar[str] = "F15"
    title: ClassVar[str] = "no room for Kafka's log: the broker ends, offices go on, all arrives with room"
    bites: ClassVar[Mapping[str, int]] = {"writes refused for want of room": 1, "outboxes grew": 1}
    server: ClassVar[str] = "kafka"

    def place(self, installation: Installation) -> Path:
        return installation.broker().directory / "data"

    async def while_full(self, stage: Stage) -> None:
        await self.complained(stage)
        await stage.writes_go_on(5)
        await stage.outboxes_grow()


class LogsFull(FullDisk):
    """Nobody can log any more: that is no reason to refuse a citizen."""

    name: ClassVar[str] = "service-logs-full"
    faults: ClassVar[str] = "F15"
    title: ClassVar[str] = "no room for the logs of all processes: everything goes on, also after kills"
    bites: ClassVar[Mapping[str, int]] = {"kills": 2, "seconds without a byte of log": 4}
    room_megabytes: ClassVar[int] = 16

    def place(self, installation: Installation) -> Path:
        return installation.logs

    async def prepare(self, installation: Installation) -> None:
        await self.put(installation)

    async def while_full(self, stage: Stage) -> None:
        await stage.writes_go_on(5)
        for pattern in ("registry-api*", "mentoring-relay*", "reporting-consume*"):
            await stage.kill(stage.dice.choice(stage.processes(pattern)))
        await stage.writes_go_on(5)
        for _ in range(4):
            stage.saw("seconds without a byte of log", int(self._put.left == 0))
            await stage.rest(1)


class TempFull(FullDisk):
    """A sheet is too big for memory while it arrives: without room for it the upload is refused, and nothing else."""

    name: ClassVar[str] = "temporary-files-full"
    faults: ClassVar[str] = "F15"
    title: ClassVar[str] = "no room for temporary files: uploads may be refused, never with 500, and all else goes on"
    bites: ClassVar[Mapping[str, int]] = {"uploads while full": 2}
    room_megabytes: ClassVar[int] = 4

    def place(self, installation: Installation) -> Path:
        return installation.directory / "temporary"

    async def prepare(self, installation: Installation) -> None:
        await self.put(installation)
        own = Conditions({"TMPDIR": str(self.place(installation))})
        conditions.keep(installation.conditions_file, {"*-api*": own, "*-consume*": own})

    async def while_full(self, stage: Stage) -> None:
        await stage.writes_go_on(2)
        office = stage.load.offices[0].office.code
        async with ImportDesk.of(stage.installation, "registry", office) as desk:
            for _ in range(2):
                stage.say(await _uploaded(desk))
                stage.saw("uploads while full")
        await stage.writes_go_on(2)


async def _uploaded(desk: ImportDesk) -> str:
    """Tries a sheet of some megabytes, and returns what became of it. Raises Failed where that is no answer."""
    header = "Nama Usaha;Nama Pemilik;NIK;No. HP;Alamat;Desa/Kelurahan;Kecamatan;Jenis\n"
    row = "Keripik Penuh;Pemilik Uji;;;" + "Jalan Panjang " * 40 + ";Antah Berantah;;UMKM\n"
    try:
        job = await desk.upload((header + row * 5000).encode())
    except ImportRefused as refused:
        return f"an upload was refused: {refused.message}"
    async for progress in desk.follow(job):
        if progress.ended:
            return f"an upload ended as {progress.state}"
    return "an upload never ended"


async def _reads(stage: Stage) -> bool:
    """Tells whether an office's list of businesses is answered."""
    office = stage.load.offices[0].office.code
    bearer = caller.token(stage.installation, Role.FRONT_DESK, office)
    url = f"{stage.installation.url('registry')}/v1/businesses?office={office}"
    return await caller.ask(url, bearer) == httpx.codes.OK


async def _use_up_segments(installation: Installation) -> None:
    while True:
        try:
            connection = await asyncpg.connect(installation.superuser_dsn(), timeout=2)
            try:
                while True:
                    await connection.execute("select pg_logical_emit_message(true, 'filling', repeat('x', 4000000))")
            finally:
                connection.terminate()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.5)
