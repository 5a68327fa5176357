"""Backups of a real cluster: what was committed comes back, to the end or to a moment, and a bad one is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

import services
from deploy.backup import programs
from deploy.backup.dump import dump, load
from deploy.backup.folder import Backup, BackupError, Folder
from deploy.backup.keys import copy_secrets
from deploy.backup.place import free_place
from deploy.backup.restore import restore
from deploy.backup.retention import clear
from deploy.backup.take import kept_folder, take
from deploy.backup.verify import verify
from deploy.local import ports, preparation
from deploy.local.installation import Installation
from deploy.local.postgres import DATABASE, Postgres
from deploy.local.process import Running, start
from deploy.local.table import SERVICES
from shared.contracts.catalogue import OFFICE
from shared.migrations import migrate
from shared.relay import examination, store
from shared.relay.position import NOTHING

pytestmark = pytest.mark.timeout(600)

_WRITE = """
insert into registry.outbox (event_id, topic, partition, aggregate_id, version, type, payload, correlation_id)
values (gen_random_uuid(), $1, 0, $2, 1, 'OfficeOpened', $3, gen_random_uuid())
"""
_ALL = "select array_agg(aggregate_id order by aggregate_id) from registry.outbox"
_STATE = {"code": "35.76", "name": "PLUT", "opened_on": "2024-01-01"}


@dataclass
class House:
    """An installation of which only Postgres runs."""

    installation: Installation
    folder: Folder
    running: Running

    @property
    def password(self) -> str:
        return self.installation.superuser_password()

    async def write(self, office: str) -> None:
        payload = json.dumps({"payload": {"state": {**_STATE, "code": office}}})
        await _ask(self.installation.postgres, self.password, _WRITE, OFFICE.name, office, payload)

    async def take(self) -> Backup:
        return await take(self.installation, self.folder, lambda _done, _whole: None)

    async def archived(self) -> None:
        """Returns when all that was written until now has been archived."""
        name = await _ask(self.installation.postgres, self.password, "select pg_walfile_name(pg_switch_wal())")
        await self.until("select coalesce(last_archived_wal >= $1, false) from pg_stat_archiver", name)

    async def until(self, question: str, *arguments: object) -> None:
        """Returns when Postgres says yes."""
        async with asyncio.timeout(240):
            while not await _ask(self.installation.postgres, self.password, question, *arguments):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def _ask(cluster: Postgres, password: str, statement: str, *arguments: object) -> object:
    connection = await asyncpg.connect(cluster.dsn(password, DATABASE), timeout=20)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close(timeout=5)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    installation = Installation.open(tmp_path / "plut")
    names = ("postgres", "kafka", *(f"{service}-api" for service in SERVICES), "issuer")
    ports.save(installation.ports_file, dict(zip(names, _free(len(names)), strict=True)))
    preparation.make_keys_of_new(installation)
    await asyncio.to_thread(installation.postgres.initialise, installation.superuser_password())
    running = await _started(installation.postgres, installation.superuser_password(), tmp_path)
    await preparation.prepare_database(installation, installation.superuser_dsn("postgres"))
    for service in SERVICES:
        settings = installation.settings(service, "owner")
        await migrate(settings, service, Path(services.__file__).parent / service / "migrations")
    yield House(installation, Folder(tmp_path / "backups"), running)
    await running.stop()


def _free(number: int) -> list[int]:
    chosen: set[int] = set()
    while len(chosen) < number:
        chosen.add(ports.choose(chosen))
    return [*chosen]


async def _started(cluster: Postgres, password: str, tmp_path: Path) -> Running:
    running = start(cluster.command(tmp_path / f"{cluster.port}.log"))
    await running.ready(lambda: cluster.answers(password), within=60)
    return running


async def _restored(house: House, place: Path, until: datetime | None = None) -> list[str]:
    """Restores into a cluster of its own and returns what it holds."""
    cluster, password = Postgres(place / "postgres", ports.choose()), "another"
    backup = house.folder.choose(None, until)
    await restore(backup, cluster, password, until, lambda _step, _done, _whole: None)
    running = await _started(cluster, password, place)
    try:
        found = await _ask(cluster, password, _ALL)
        assert isinstance(found, list)
        return found
    finally:
        await running.stop()


async def test_what_was_committed_comes_back(house: House, tmp_path: Path) -> None:
    """Before the base backup, behind it, and up to a moment between two writes; the trial says how it was."""
    await house.write("35.01")
    backup = await house.take()
    await house.write("35.02")
    between = datetime.now(UTC)
    await house.write("35.03")
    await house.archived()

    assert await _restored(house, tmp_path / "end") == ["35.01", "35.02", "35.03"]
    assert await _restored(house, tmp_path / "moment", between) == ["35.01", "35.02"]
    with pytest.raises(BackupError, match="no such base backup"):
        await _restored(house, tmp_path / "early", backup.about.begun_at)

    verified, report = await verify(
        backup, tmp_path, house.installation.keys_dir, None, lambda _step, _done, _whole: None
    )
    assert verified.ok
    assert report.stored == 3
    (known,) = house.folder.backups()
    assert known.verified == verified
    assert not _left_of_trials(tmp_path)


def _left_of_trials(place: Path) -> list[Path]:
    return list(place.glob("plut-trial-*"))


async def test_a_damaged_backup_and_others_keys_are_told(house: House, tmp_path: Path) -> None:
    backup = await house.take()
    secrets, other = tmp_path / "secrets", Installation.open(tmp_path / "other")
    copy_secrets(house.installation, secrets)
    preparation.make_keys_of_new(other)
    with (
        pytest.raises(BackupError, match="does not hold the keys"),
        free_place(other, None, backup.about.keys, replace=False),
    ):
        pytest.fail("the keys were taken")
    with free_place(Installation.open(tmp_path / "new"), secrets, backup.about.keys, replace=False):
        pass
    packed = backup.data / "base.tar.gz"
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(BackupError, match="pg_verifybackup"):
        await _restored(house, tmp_path / "damaged")
    assert not (tmp_path / "damaged" / "postgres").exists()


async def test_old_backups_go_with_their_wal(house: House) -> None:
    first = await house.take()
    await asyncio.sleep(1.1)  # labels are seconds
    second = await house.take()
    assert [each.about.label for each in clear(house.folder, 1)] == [first.about.label]
    assert [each.about.label for each in house.folder.backups()] == [second.about.label]
    assert min(path.name[:24] for path in second.wal.glob("0*.gz") if len(path.name) == 27) >= second.about.first_wal
    assert kept_folder(house.installation) == house.folder


async def test_wal_that_cannot_be_kept_is_told(house: House) -> None:
    """The disk of the folder is not there any more: Postgres holds its WAL back until it is."""
    await house.take()
    link = house.installation.postgres.archive
    wal = link.readlink()
    wal.rename(wal.with_name("elsewhere"))
    await house.write("35.04")
    await _ask(house.installation.postgres, house.password, "select pg_switch_wal()")
    await house.until("select failed_count > 0 from pg_stat_archiver")
    wal.with_name("elsewhere").rename(wal)
    await house.archived()


async def test_a_dump_becomes_a_new_cluster_that_the_relay_knows_for_another(house: House, tmp_path: Path) -> None:
    await house.write("35.05")
    worker = await asyncpg.connect(house.installation.postgres.dsn(house.password, DATABASE), timeout=20)
    await worker.execute("set search_path = registry")
    await store.save_system_identifier(worker, 0, await store.system_identifier(worker))
    await worker.close(timeout=5)
    file = tmp_path / "plut.dump"
    await dump(house.installation, file)
    cluster = Postgres(tmp_path / "new" / "postgres", ports.choose())
    cluster.directory.parent.mkdir()
    await load(file, cluster.directory, "another")
    assert cluster.is_initialised
    running = await _started(cluster, "another", tmp_path)
    try:
        connection = await asyncpg.connect(cluster.dsn("another", DATABASE), timeout=20)
        await connection.execute("set search_path = registry")
        assert await connection.fetchval(_ALL) == ["35.05"]
        state = await store.read_state(connection)
        settings = house.installation.settings("registry", "relay")
        alarm = await examination.examine(settings, connection, [OFFICE], state.position)
        assert alarm is not None
        assert "another Postgres cluster" in alarm.text
        await connection.close(timeout=5)
    finally:
        await running.stop()


async def test_a_stand_by_that_has_got_everything_goes_on_where_the_first_one_was(house: House, tmp_path: Path) -> None:
    """Stopped cleanly, the first one has sent all: what the relay has published is known, and nothing is sent again.

    Without the last transactions the stand-by knows less than what was published: the relay asks the same question of
    its outbox then, as of any that was restored to an earlier point.
    """
    await house.write("35.06")
    standby = Postgres(tmp_path / "standby" / "postgres", ports.choose())
    standby.directory.parent.mkdir()
    options = ("-D", str(standby.directory), "-R", "-X", "stream", "-c", "fast")
    async with programs.program(house.installation.postgres, house.password, "pg_basebackup", *options):
        pass
    replica = await _started(standby, house.password, tmp_path)
    try:
        await house.write("35.07")
        primary = await asyncpg.connect(house.installation.postgres.dsn(house.password, DATABASE), timeout=20)
        await primary.execute("update registry.relay_state set snapshot = pg_current_snapshot()")
        await primary.close(timeout=5)
        await house.running.stop()
        await _ask(standby, house.password, "select pg_promote()")
        connection = await asyncpg.connect(standby.dsn(house.password, DATABASE), timeout=20)
        await connection.execute("set search_path = registry")
        assert await connection.fetchval(_ALL) == ["35.06", "35.07"]
        state = await store.read_state(connection)
        assert state.position.snapshot != NOTHING
        delta = await store.next_delta(connection, state.position.snapshot, 10)
        assert delta.rows == []
        await connection.close(timeout=5)
    finally:
        await replica.stop()
