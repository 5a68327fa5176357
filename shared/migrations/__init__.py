"""Numbered SQL files, applied to every schema as its owner.

`app_role`, `worker_role` and `service_schema` in a file stand for the service's own roles and schema. A line
`\\ir PATH` includes another file, as psql does: tables that some services share. A file that was applied is never
edited, nor what it includes.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.postgres import Connection, connect, role_name
from shared.settings import Settings

SHARED = Path(__file__).parent
_LOCK = 7_305_521
_INCLUDED = re.compile(r"^\\ir (\S+)$", re.MULTILINE)


class MigrationError(Exception):
    """What stands in the database is not what the files say."""


@dataclass(frozen=True)
class Migration:
    origin: str
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(service_directory: Path) -> list[Migration]:
    """Returns the shared migrations and then the service's, each in the order of their numbers."""
    origins = (("shared", SHARED), ("service", service_directory))
    return [
        Migration(origin, path.name, _read(path))
        for origin, directory in origins
        for path in sorted(directory.glob("[0-9]*.sql"))
    ]


def _read(path: Path) -> str:
    return _INCLUDED.sub(lambda line: _read(path.parent / line[1]), path.read_text(encoding="utf-8"))


async def migrate(settings: Settings, service: str, service_directory: Path) -> list[str]:
    """Brings a service's schema up to its files, one transaction each; returns the names of those applied now.

    Raises MigrationError if an applied file was edited since or is missing.
    """
    connection = await connect(settings, role_name(service, "owner"), schema=service, application=f"{service}-migrate")
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await connection.execute(_LEDGER)
        await connection.execute(_as_told_to(service, "grant select on migration to app_role, worker_role"))
        return await _apply_missing(connection, service, read_migrations(service_directory))
    finally:
        await connection.close(timeout=5)


async def is_migrated(connection: Connection, service_directory: Path) -> bool:
    """Tells whether every file has been applied; other, newer ones do not matter (a rolling deploy)."""
    applied = {(row["origin"], row["name"]) for row in await connection.fetch("select origin, name from migration")}
    return all((file.origin, file.name) in applied for file in read_migrations(service_directory))


async def _apply_missing(
    connection: "asyncpg.Connection[asyncpg.Record]", service: str, migrations: list[Migration]
) -> list[str]:
    known = {
        (row["origin"], row["name"]): row["digest"]
        for row in await connection.fetch("select origin, name, digest from migration")
    }
    done = []
    for migration in migrations:
        digest = known.get((migration.origin, migration.name))
        if digest is None:
            await _apply(connection, service, migration)
            done.append(f"{migration.origin}/{migration.name}")
        elif digest != migration.digest:
            raise MigrationError(
                f"{migration.name} was edited after it had been applied to {service}; write a new file instead"
            )
    return done


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", service: str, migration: Migration) -> None:
    sql = _as_told_to(service, migration.sql)
    async with connection.transaction():
        await connection.execute("set local lock_timeout = '5s'; set local statement_timeout = '10min'")
        try:
            await connection.execute(sql)
        except asyncpg.PostgresError as error:
            error.add_note(f"In {migration.origin} migration {migration.name} of {service}.")
            raise
        await connection.execute(
            "insert into migration (origin, name, digest) values ($1, $2, $3)",
            migration.origin,
            migration.name,
            migration.digest,
        )


def _as_told_to(service: str, sql: str) -> str:
    names = {
        "app_role": role_name(service, "app"),
        "worker_role": role_name(service, "worker"),
        "service_schema": service,
    }
    for stands_for, name in names.items():
        sql = sql.replace(stands_for, name)
    return sql


# The other roles may read it: whether all is migrated decides whether a process is ready.
_LEDGER = """
create table if not exists migration (
    origin text not null,
    name text not null,
    digest text not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (origin, name)
)
"""
