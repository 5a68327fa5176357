"""Fixtures that every test may ask for."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.infrastructure import base, databases
from tests.infrastructure.base import Infrastructure, KafkaServer, Kind, PostgresServer
from tests.infrastructure.databases import Database, Template


def pytest_report_header() -> str:
    return f"infrastructure: {Kind.chosen()}"


@pytest_asyncio.fixture(scope="session")
async def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Infrastructure]:
    servers = base.create(Kind.chosen(), tmp_path_factory.mktemp("infrastructure"))
    yield servers
    await servers.stop()


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
