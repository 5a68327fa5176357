"""Backups of a real cluster: what was committed comes back, to the end or to a moment, and a trial says so."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

import services
from deploy.backup.dump import dump, load
from deploy.backup.folder import Backup, BackupError, Folder
from deploy.backup.restore import restore
from deploy.backup.take import take
from deploy.backup.verify import verify
from deploy.local import ports, preparation
from deploy.local.installation import Installation
from deploy.local.postgres import DATABASE, Postgres
from deploy.local.process import Running, start
from deploy.local.table import SERVICES
from shared.contracts.catalogue import OFFICE
from shared.migrations import migrate
from shared.privacy.keys import create_keys, load_keys
from shared.privacy.sealing import KeyWrapper

pytestmark = pytest.mark.timeout(600)

# A command's event and its kept answer, as any command leaves them.
_WRITE = """
with told as (
    insert into registry.outbox (event_id, topic, partition, aggregate_id, version, type, payload, correlation_id)
    values (gen_random_uuid(), $1, 0, $2, 1, 'OfficeOpened', $3, gen_random_uuid()) returning event_id
)
insert into registry.accepted_command (principal, key, body_digest, status, answer, event_ids)
select 'stf-1', event_id::text, '', 201, json_build_object('code', $2, 'version', 1), array[event_id] from told
"""
_PERSON = """
with person as (
    insert into registry.person (id, nik_index, nik_sealed) values ($1, decode(repeat('00', 32), 'hex'), '')
    returning id
)
insert into registry.person_key (person_id, version, kek, sealed) select id, 1, $2, $3 from person
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
        payload = json.dumps(
            {"occurred_at": datetime.now(UTC).isoformat(), "payload": {"state": {**_STATE, "code": office}}}
        )
        await _ask(self.installation.postgres, self.password, _WRITE, OFFICE.name, office, payload)

    async def take(self) -> Backup:
        return await take(self.installation, self.folder, lambda _done, _whole: None)

    async def archived(self) -> None:
        """Returns when all that was written until now has been archived."""
        name = await _ask(self.installation.postgres, self.password, "select pg_walfile_name(pg_switch_wal() - 1)")
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

    with pytest.raises(BackupError, match="before configured recovery target was reached") as refused:
        await _restored(house, tmp_path / "late", datetime.now(UTC) + timedelta(hours=1))
    assert "plut backup list" in refused.value.cure

    verified, report = await verify(
        backup, tmp_path, house.installation.keys_dir, None, lambda _step, _done, _whole: None
    )
    assert verified.ok
    assert report.stored == 3
    (known,) = house.folder.backups()
    assert known.verified == verified
    assert not _left_of_trials(tmp_path)

    with (backup.data / "base.tar.gz").open("r+b") as file:
        file.seek(backup.about.bytes // 2)
        file.write(b"damaged")
    with pytest.raises(BackupError):
        await verify(backup, tmp_path, house.installation.keys_dir, None, lambda _step, _done, _whole: None)
    (known,) = house.folder.backups()
    assert known.verified is not None
    assert not known.verified.ok


async def test_a_dump_comes_back_with_its_own_keys_only(house: House, tmp_path: Path) -> None:
    """It names no keys; with others nobody could read the persons in it again, and nobody would notice for weeks."""
    own, others, person = house.installation.keys_dir, tmp_path / "others", uuid4()
    _, wrapped = KeyWrapper(load_keys(own)).new_key(person)
    await _ask(house.installation.postgres, house.password, _PERSON, person, wrapped.kek, wrapped.sealed)
    await house.write("35.01")
    await dump(house.installation, tmp_path / "dump")

    create_keys(others)
    with pytest.raises(BackupError, match="does not hold the keys of this dump: 1 of its persons"):
        await load(tmp_path / "dump", tmp_path / "refused" / "postgres", "another", others)
    assert not (tmp_path / "refused" / "postgres").exists()

    loaded = Postgres(tmp_path / "loaded" / "postgres", ports.choose())
    await load(tmp_path / "dump", loaded.directory, "another", own)
    running = await _started(loaded, "another", tmp_path)
    try:
        assert await _ask(loaded, "another", _ALL) == ["35.01"]
    finally:
        await running.stop()


def _left_of_trials(place: Path) -> list[Path]:
    return list(place.glob("plut-trial-*"))
