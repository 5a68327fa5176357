"""Pools of the two roles that do mentoring's work."""

import pytest_asyncio

from shared.postgres import Pool
from tests.infrastructure.databases import Database


@pytest_asyncio.fixture
async def api_pool(database: Database) -> Pool:
    return await database.pool("mentoring", "app")


@pytest_asyncio.fixture
async def worker(database: Database) -> Pool:
    return await database.pool("mentoring", "worker")
