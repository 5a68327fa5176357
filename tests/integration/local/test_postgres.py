"""A cluster of one's own: made whole or not at all, never deleted, back after a crash."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from deploy.local import ports
from deploy.local.postgres import Postgres, PostgresError, create_database
from deploy.local.process import Running, start

PASSWORD = "secret"


@pytest.fixture
def cluster(tmp_path: Path) -> Postgres:
    return Postgres(tmp_path / "postgres", ports.choose())


@pytest_asyncio.fixture
async def running(cluster: Postgres, tmp_path: Path) -> AsyncIterator[Running]:
    await asyncio.to_thread(cluster.initialise, PASSWORD)
    server = start(cluster.command(tmp_path / "postgres.log"))
    await server.ready(lambda: cluster.answers(PASSWORD), within=60)
    yield server
    await server.stop()


async def _ask(cluster: Postgres, question: str, password: str = PASSWORD, database: str = "postgres") -> object:
    connection = await asyncpg.connect(cluster.dsn(password, database), timeout=10)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close(timeout=5)


async def test_it_keeps_what_it_promises(cluster: Postgres, running: Running) -> None:
    assert running.exit_status is None
    assert str(await _ask(cluster, "show server_version")).startswith("18")
    assert await _ask(cluster, "show data_checksums") == "on"
    assert await _ask(cluster, "show fsync") == "on"
    assert await _ask(cluster, "show log_parameter_max_length") == "0"
    assert await _ask(cluster, "show server_encoding") == "UTF8"


async def test_a_wrong_password_is_refused(cluster: Postgres, running: Running) -> None:
    assert running.exit_status is None
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _ask(cluster, "select 1", password="guessed")


async def test_an_interrupted_initialisation_is_done_anew(cluster: Postgres) -> None:
    unfinished = cluster.directory.with_name("postgres.unfinished")
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n", encoding="utf-8")
    assert await asyncio.to_thread(cluster.initialise, PASSWORD)
    assert cluster.is_initialised
    assert not unfinished.exists()


async def test_what_may_be_data_is_left_alone(cluster: Postgres) -> None:
    cluster.directory.mkdir()
    (cluster.directory / "PG_VERSION").write_text("18\n", encoding="utf-8")
    with pytest.raises(PostgresError, match="it is left alone"):
        cluster.initialise(PASSWORD)
    assert (cluster.directory / "PG_VERSION").read_text(encoding="utf-8") == "18\n"


async def test_a_cluster_is_made_once(cluster: Postgres) -> None:
    assert await asyncio.to_thread(cluster.initialise, PASSWORD)
    assert not cluster.initialise("another password")


async def test_what_was_committed_survives_a_kill(cluster: Postgres, running: Running, tmp_path: Path) -> None:
    await create_database(cluster.dsn(PASSWORD), "plut")
    await _ask(cluster, "create table kept as select 42 as answer", database="plut")
    os.kill(running.pid, signal.SIGKILL)
    await running.ended()
    again = start(cluster.command(tmp_path / "postgres.log"))
    try:
        await again.ready(lambda: cluster.answers(PASSWORD), within=60)
        assert await _ask(cluster, "select answer from kept", database="plut") == 42
    finally:
        await again.stop()


async def test_creating_the_database_again_changes_nothing(cluster: Postgres, running: Running) -> None:
    assert running.exit_status is None
    for _ in range(2):
        await create_database(cluster.dsn(PASSWORD), "plut")
    assert (
        await _ask(cluster, "select count(*) from pg_roles where rolname ~ '^(reg|men|rep).*_(owner|app|worker)$'") == 9
    )
