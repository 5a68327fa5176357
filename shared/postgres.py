"""Postgres: one pool per process, and transactions that carry their scope."""

import ssl  # noqa: F401  asyncpg's signatures name it
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from shared.connections import postgres_tls
from shared.settings import Settings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

# What it looks like from here when Postgres is gone, going, coming or full. Who sees one tries again later.
UNAVAILABLE: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says when a connection dies between two statements
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a stand-by that has not been promoted yet
)
# The connection died under its user: another one may well work, and what was done is unknown only if it was committing.
LOST: tuple[type[Exception], ...] = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
# The transaction lost against another one and is right to be run again from its start.
RETRYABLE: tuple[type[Exception], ...] = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

# For workers, which find everything by key: plans are made once, not for every batch (a third of a small batch's time),
# and one that was made while a table was empty does not read all of it when it has grown.
BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}

# How long one statement may take before its connection is given up for dead: longer than a wait for a lock (5 s) where
# somebody waits for an answer, as long as Postgres allows elsewhere.
API_SECONDS = 7.0
_WORKER_SECONDS = 30.0


def role_name(service: str, role: str) -> str:
    """Returns the database role of a process: role is `owner`, `app` or `worker`."""
    return f"{service}_{role}"


async def connect(
    settings: Settings,
    user: str,
    *,
    schema: str,
    application: str,
    server_settings: Mapping[str, str] | None = None,
) -> "asyncpg.Connection[asyncpg.Record]":
    """Opens one connection of its own (a leader's lock, a migration). Raises what UNAVAILABLE names."""
    return await asyncpg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_database,
        user=user,
        password=settings.postgres_password.get_secret_value() or None,
        ssl=postgres_tls(settings),
        timeout=5,
        server_settings={
            "search_path": f"{schema}, extensions",
            "application_name": application,
            **(server_settings or {}),
        },
    )


async def _nothing_to_forget(_connection: Connection) -> None:
    """An api sets everything, its scope too, inside transactions: nothing outlives them, and a round trip is saved."""


async def create_pool(
    settings: Settings,
    user: str,
    *,
    schema: str,
    application: str,
    size: int | None = None,
    server_settings: Mapping[str, str] | None = None,
) -> Pool:
    """Returns a pool that connects when first used, so that a process starts while Postgres is still away.

    Connections see one schema only. Raises nothing about availability; each acquire may.
    """
    is_api = user == role_name(schema, "app")
    return await asyncpg.create_pool(
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_database,
        user=user,
        password=settings.postgres_password.get_secret_value() or None,
        ssl=postgres_tls(settings),
        min_size=0,
        max_size=size or settings.postgres_pool,
        timeout=5,
        command_timeout=API_SECONDS if is_api else _WORKER_SECONDS,
        reset=_nothing_to_forget if is_api else None,
        max_cacheable_statement_size=0,  # any: what a batch writes by one statement comes near asyncpg's bound
        server_settings={
            "search_path": f"{schema}, extensions",
            "application_name": application,
            **(server_settings or {}),
        },
    )


@asynccontextmanager
async def transaction(pool: Pool, offices: Sequence[str] = (), *, snapshot: bool = False) -> AsyncIterator[Any]:
    """Yields a connection inside a transaction that sees the rows of `offices` only; none named, none seen.

    Workers, which row-level security lets through, name no office. With `snapshot` it reads, at one instant.
    """
    isolation: Any = "repeatable_read" if snapshot else "read_committed"
    begun = {"isolation": isolation, "readonly": snapshot}
    async with pool.acquire(timeout=5) as connection, connection.transaction(**begun):
        if offices:
            await connection.execute("select set_config('app.offices', $1, true)", ",".join(offices))
        yield connection
