"""The registry's api in the test's own process, and what its tests write."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.registry.app import build_api, open_vault
from services.registry.domain.identity import Vault
from services.registry.settings import RegistrySettings
from shared.postgres import Pool
from shared.privacy.keys import create_keys
from tests.infrastructure.databases import Database
from tests.integration.registry.clients import Clients
from tests.integration.registry.desk import Desk
from tests.integration.registry.sheets import ImportsDesk
from tests.support.api import client_of
from tests.support.tokens import verifier, with_edge


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("installation") / "keys"
    create_keys(directory)
    return directory


@pytest.fixture
def registry_settings(database: Database, keys_dir: Path) -> RegistrySettings:
    return with_edge(database.settings("registry", "app", RegistrySettings, keys_dir=keys_dir))


@pytest.fixture
def vault(registry_settings: RegistrySettings) -> Vault:
    return open_vault(registry_settings)


@pytest_asyncio.fixture
async def pool(database: Database) -> Pool:
    """What the api's role may see."""
    return await database.pool("registry", "app")


@pytest_asyncio.fixture
async def owner_pool(database: Database) -> Pool:
    """What stands in the tables."""
    return await database.pool("registry", "owner")


@pytest_asyncio.fixture
async def client(database: Database, registry_settings: RegistrySettings) -> AsyncIterator[httpx.AsyncClient]:
    pool = await database.pool("registry", "app")
    app = build_api(registry_settings, pool, verifier(registry_settings))
    async with client_of(app) as client:
        yield client


@pytest_asyncio.fixture
async def desk(client: httpx.AsyncClient) -> Desk:
    """The front desk of Kota Mojokerto, with the offices of Mojokerto and Batu registered."""
    desk = Desk(client)
    await desk.open_office("35.76", "PLUT Kota Mojokerto")
    await desk.open_office("35.79", "PLUT Kota Batu")
    return desk


@pytest_asyncio.fixture
async def clients(desk: Desk, database: Database, vault: Vault) -> Clients:
    """Businesses of that desk, the consumer that hears of sessions, and the sender."""
    return Clients(desk, await database.pool("registry", "worker"), vault)


@pytest_asyncio.fixture
async def imports(database: Database, registry_settings: RegistrySettings, vault: Vault) -> AsyncIterator[ImportsDesk]:
    """The office of Kota Mojokerto as it imports, beside that of Batu. The api's own loop does not run."""
    pool = await database.pool("registry", "app")
    app = build_api(registry_settings, pool, verifier(registry_settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://plut.test") as client:
        desk = Desk(client)
        await desk.open_office("35.76", "PLUT Kota Mojokerto")
        await desk.open_office("35.79", "PLUT Kota Batu")
        yield ImportsDesk(desk, pool, vault)
