"""Only one rebuilder works at a time, and only one removes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.reporting.settings import SERVICE
from shared import postgres
from shared.settings import Settings

_REBUILD_LOCK = 7_305_523
_TRY = "select pg_try_advisory_lock($1)"


class AlreadyRebuildingError(Exception):
    """Another rebuilder holds the lock."""


@asynccontextmanager
async def alone(settings: Settings) -> AsyncIterator[Any]:
    """Yields a connection that holds the lock of rebuilders. Raises AlreadyRebuildingError, and what UNAVAILABLE
    names.
    """
    async with connected(settings) as connection:
        if not await connection.fetchval(_TRY, _REBUILD_LOCK):
            raise AlreadyRebuildingError("another rebuild is running")
        yield connection


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """Yields a connection of the worker's own."""
    connection = await postgres.connect(
        settings, postgres.role_name(SERVICE, "worker"), schema=SERVICE, application="plut-rebuild"
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=5)
