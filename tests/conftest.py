"""Fixtures that every test may ask for."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.infrastructure import base, databases
from tests.infrastructure.base import Infrastructure, KafkaServer, Kind, PostgresServer
from tests.infrastructure.databases import Database


def pytest_report_header() -> str:
    return f"infrastructure: {Kind.chosen()}"


@pytest_asyncio.fixture(scope="session")
async def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Infrastructure]:
    servers = base.create(Kind.chosen(), tmp_path_factory.mktemp("infrastructure"))
    yield servers
    await servers.stop()


@pytest_asyncio.fixture(scope="session")
async def postgres(infrastructure: Infrastructure) -> PostgresServer:
    """A running cluster with a migrated template database."""
    server = await infrastructure.postgres()
    await databases.create_template(server)
    return server


@pytest_asyncio.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    """A database of this test's own, as the migrations make it."""
    own = await databases.clone(postgres)
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
