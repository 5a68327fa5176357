"""Reading: one connection per service, as its worker, and short transactions that each see one instant."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from shared.postgres import connect, role_name
from shared.settings import Settings

SERVICES = ("registry", "mentoring", "reporting")
# One range is read well within this; nothing may hold a snapshot for minutes.
_RANGE_SECONDS = 10
# The statement ends first, so that the connection is there for the next range.
_BOUNDS = f"""
set local transaction_timeout = '{_RANGE_SECONDS}s'; set local statement_timeout = '{_RANGE_SECONDS - 1}s'
"""


class Readers:
    """A read-only view of each service's schema."""

    def __init__(self, connections: Mapping[str, "asyncpg.Connection[asyncpg.Record]"]) -> None:
        self._connections = connections

    @asynccontextmanager
    async def instant(self, service: str) -> AsyncIterator[Any]:
        """Yields a connection whose statements all see the same instant, for at most ten seconds."""
        connection = self._connections[service]
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_BOUNDS)
            yield connection


@asynccontextmanager
async def open_readers(settings: Mapping[str, Settings]) -> AsyncIterator[Readers]:
    """Opens a connection per service with its worker's settings. Raises what UNAVAILABLE names."""
    async with AsyncExitStack() as stack:
        connections = {}
        for service in SERVICES:
            connection = await connect(
                settings[service], role_name(service, "worker"), schema=service, application="plut-check"
            )
            stack.push_async_callback(connection.close, timeout=5)
            connections[service] = connection
        yield Readers(connections)
