"""An api of reporting over a database of the test's own, and what feeds it."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from services.reporting.app import build_api
from services.reporting.settings import ReportingSettings
from shared.postgres import Pool, create_pool
from tests.infrastructure.databases import Database
from tests.support.api import client_of
from tests.support.tokens import verifier, with_edge

SECRET = "a secret of the web client, for tests only"


@pytest_asyncio.fixture
async def worker(database: Database) -> Pool:
    """What the consumer writes with."""
    return await database.pool("reporting", "worker")


@pytest.fixture
def settings(database: Database) -> ReportingSettings:
    told = with_edge(database.settings("reporting", "app", ReportingSettings))
    return told.model_copy(update={"web_client_secret": SecretStr(SECRET)})


@pytest_asyncio.fixture
async def app(settings: ReportingSettings) -> FastAPI:
    pool = await create_pool(settings, "reporting_app", schema="reporting", application="test-reporting-api")
    return build_api(settings, pool, verifier(settings))


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as running:
        yield running
