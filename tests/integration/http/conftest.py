"""A cluster of these tests' own: it is stopped, killed and started again under a running api."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import ports
from deploy.local.postgres import Postgres
from deploy.local.process import Running, start
from tests.infrastructure.base import PostgresServer
from tests.infrastructure.databases import Database, Template
from tests.support.ledger import Ledger

_PASSWORD = "test"


class Cluster:
    """Postgres that a test may take away."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / "postgres.log"
        self._postgres = Postgres(directory / "postgres", ports.choose())
        self._running: Running | None = None

    @property
    def server(self) -> PostgresServer:
        return PostgresServer("127.0.0.1", self._postgres.port, _PASSWORD)

    @property
    def archive(self) -> Path:
        return self._postgres.archive

    async def start(self) -> None:
        await asyncio.to_thread(self._postgres.initialise, _PASSWORD)
        self._running = start(self._postgres.command(self._log))
        await self._running.ready(lambda: self._postgres.answers(_PASSWORD), within=30)

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.stop()

    async def crash(self) -> None:
        """Every backend dies at once, without a word to its client."""
        assert self._running is not None
        postmaster = int((self._postgres.directory / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        os.kill(postmaster, signal.SIGQUIT)
        await self._running.ended()


@pytest_asyncio.fixture(scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    own = Cluster(tmp_path_factory.mktemp("cluster"))
    await own.start()
    yield own
    await own.stop()


@pytest_asyncio.fixture(scope="session")
async def own_template(cluster: Cluster) -> Template:
    template = Template(cluster.server)
    await template.create()
    return template


@pytest_asyncio.fixture
async def own_database(own_template: Template) -> AsyncIterator[Database]:
    database = await own_template.clone()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def own_ledger(own_database: Database) -> Ledger:
    return await Ledger.create(own_database)
