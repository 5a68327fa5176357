"""The apis of all services, as their documents describe them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.infrastructure import databases
from tests.infrastructure.databases import Template
from tests.support.services import Services, running_services


@pytest_asyncio.fixture(scope="module")
async def services(template: Template, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    """One database for all: what one request leaves behind is there for the next."""
    database = await template.clone()
    async with running_services(database, tmp_path_factory.mktemp("installation")) as running:
        yield running
    await databases.drop(database)
