"""A small command of the tests' own: each accepted request leaves one row, written through the real machinery."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg

from shared.auth.principal import Principal, Role
from shared.clock import utc_now
from shared.commands import Answer, Request, Work, execute
from shared.ids import new_id
from shared.postgres import Pool
from tests.infrastructure.databases import Database

_TABLES = """
create table registry.effect (seq bigint generated always as identity, key text not null, body text not null);
create table registry.shelf (name text primary key, content int not null);
insert into registry.shelf values ('a', 0), ('b', 0);
grant select, insert on registry.effect to registry_app;
grant select, update on registry.shelf to registry_app;
"""
_WAITING = "select exists (select from pg_locks where locktype = $1 and not granted)"
Decide = Callable[[Work], Awaitable[Answer]]


def request(key: str, body: str = "{}", subject: str = "stf-1", offices: tuple[str, ...] = ("35.76",)) -> Request:
    """Returns what the edge would make of a write with this key and body."""
    principal = Principal(subject, frozenset({Role.FRONT_DESK}), offices)
    return Request(principal, key, hashlib.sha256(body.encode()).digest(), uuid4(), None, utc_now())


class Ledger:
    """Counts what commands did, past every cache and answer."""

    def __init__(self, database: Database, pool: Pool) -> None:
        self.database = database
        self.pool = pool

    @classmethod
    async def create(cls, database: Database) -> "Ledger":
        ledger = cls(database, await database.pool("registry", "app"))
        await ledger.as_superuser("execute", _TABLES)
        return ledger

    async def write(self, write: Request, body: str = "{}") -> Answer:
        """Runs the command that writes one row."""
        return await execute(self.pool, write, self.deciding(write.key, body))

    @staticmethod
    def deciding(key: str, body: str = "{}", *, before: Callable[[], Awaitable[Any]] | None = None) -> Decide:
        """Returns the command's decision; `before` happens inside its transaction, after the key is taken."""

        async def decide(work: Work) -> Answer:
            if before is not None:
                await before()
            await work.connection.execute("insert into effect (key, body) values ($1, $2)", key, body)
            return Answer(201, {"id": str(new_id()), "revision": 1, "version": 1})

        return decide

    async def effects(self, key: str) -> int:
        return int(await self.as_superuser("fetchval", "select count(*) from registry.effect where key = $1", key))

    async def accepted(self) -> dict[str, int]:
        """Returns how many effects each accepted key has."""
        rows = await self.as_superuser(
            "fetch",
            "select c.key, count(e.seq) as effects from registry.accepted_command c"
            " left join registry.effect e on e.key = c.key group by 1",
        )
        return {row["key"]: row["effects"] for row in rows}

    async def until_waited_for(self, locktype: str) -> None:
        """Returns once some statement waits for a lock of this kind: `advisory`, or `relation`, as pg_locks has it."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            async with asyncio.timeout(30):
                while not await connection.fetchval(_WAITING, locktype):  # noqa: ASYNC110  Postgres sets no event
                    await asyncio.sleep(0.01)
        finally:
            await connection.close()

    async def as_superuser(self, method: str, *arguments: Any) -> Any:
        """Calls one method of a connection that no policy holds back."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            return await getattr(connection, method)(*arguments)
        finally:
            await connection.close()
