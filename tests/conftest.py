"""Fixtures that every test may ask for."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.infrastructure import base, databases
from tests.infrastructure.base import Infrastructure, KafkaServer, Kind, PostgresServer
from tests.infrastructure.databases import Database, Template

# How long an example takes says something about the machine, and nothing about us.
settings.register_profile("plut", deadline=None)
settings.load_profile("plut")

_MEMORY = Path("/dev/shm")  # noqa: S108  what is put there is a directory of our own
_ROOM_BYTES = 4 << 30


def pytest_report_header() -> str:
    return f"infrastructure: {Kind.chosen()}"


@pytest_asyncio.fixture(scope="session")
async def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Infrastructure]:
    with _room(tmp_path_factory) as directory:
        servers = base.create(Kind.chosen(), directory)
        yield servers
        await servers.stop()


@contextmanager
def _room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for the servers, in memory where there is room: cloning a database makes three hundred files."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        with tempfile.TemporaryDirectory(prefix="plut-tests-", dir=_MEMORY) as directory:
            yield Path(directory)
    else:
        yield tmp_path_factory.mktemp("infrastructure")


@pytest_asyncio.fixture(scope="session")
async def postgres(infrastructure: Infrastructure) -> PostgresServer:
    """A running cluster."""
    return await infrastructure.postgres()


@pytest_asyncio.fixture(scope="session")
async def template(postgres: PostgresServer) -> Template:
    """The migrated database that each test's own is cloned from."""
    template = Template(postgres)
    await template.create()
    return template


@pytest_asyncio.fixture
async def database(template: Template) -> AsyncIterator[Database]:
    """A database of this test's own, as the migrations make it."""
    own = await template.clone()
    yield own
    await databases.drop(own)


@pytest_asyncio.fixture(scope="session")
async def kafka(infrastructure: Infrastructure) -> KafkaServer:
    """A running broker; tests keep apart by their `topic_prefix`."""
    return await infrastructure.kafka()


@pytest.fixture
def topic_prefix() -> str:
    """Before every topic and group of this test."""
    return f"t{secrets.token_hex(5)}."
