from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI

from shared import postgres
from shared.settings import Environment, Settings
from tests.support import edge
from tests.support.api import client_of


@pytest_asyncio.fixture
async def app() -> FastAPI:
    """The edge over a database that is not there."""
    settings = Settings(env=Environment.LOCAL, postgres_port=1)
    pool = await postgres.create_pool(settings, "registry_app", schema="registry", application="test")
    return edge.create(settings, pool, broken)


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as open_client:
        yield open_client


broken = APIRouter(prefix="/v1")


@broken.get("/bug")
async def bug() -> None:
    raise ZeroDivisionError("3578010101010001")


@broken.get("/starved")
async def starved() -> None:
    raise MemoryError


@pytest.fixture
def json_headers() -> dict[str, str]:
    return {"Content-Type": "application/json"}
