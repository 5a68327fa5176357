import pytest_asyncio

from tests.infrastructure.databases import Database
from tests.support.ledger import Ledger


@pytest_asyncio.fixture
async def ledger(database: Database) -> Ledger:
    return await Ledger.create(database)
