"""One migrated template database per test run, cloned for each test."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

import asyncpg

import services
from deploy.local.postgres import bootstrap
from shared.migrations import MigrationError, migrate
from shared.postgres import Pool, create_pool, role_name
from shared.settings import Environment, Settings
from tests.infrastructure.base import PostgresServer

_TEMPLATE = "plut_template"
SERVICES = ("registry", "mentoring", "reporting")
_ROLES = ("owner", "app", "worker")

SettingsT = TypeVar("SettingsT", bound=Settings)


class Database:
    """A database of one test, with every schema as the migrations make it."""

    def __init__(self, server: PostgresServer, name: str, broken: Mapping[str, Exception] | None = None) -> None:
        self.server = server
        self.name = name
        self._broken = broken or {}
        self._pools: list[Pool] = []

    @property
    def superuser_dsn(self) -> str:
        return self.server.superuser_dsn(self.name)

    @overload
    def settings(self, service: str, role: str = "app", **more: Any) -> Settings: ...

    @overload
    def settings(self, service: str, role: str, kind: type[SettingsT], **more: Any) -> SettingsT: ...

    def settings(self, service: str, role: str = "app", kind: type[Settings] = Settings, **more: Any) -> Settings:
        """Returns settings of a process of the service; `kind` is its own settings class, `more` what it needs beside.

        The role (owner, app, worker) only matters for what it may do: in tests all passwords are the same.
        """
        assert service in SERVICES, service
        assert role in _ROLES, role
        if service in self._broken:
            raise self._broken[service]
        return kind(
            **{
                "env": Environment.LOCAL,
                "postgres_host": self.server.host,
                "postgres_port": self.server.port,
                "postgres_database": self.name,
                "postgres_password": self.server.password,
                "postgres_pool": 10,
                "http_port": 0,
                **more,
            }
        )

    async def pool(self, service: str, role: str = "app", size: int | None = None) -> Pool:
        """Returns a pool of one of the service's roles; it is closed at the end of the test."""
        pool = await create_pool(
            self.settings(service, role),
            role_name(service, role),
            schema=service,
            application=f"test-{service}-{role}",
            size=size,
        )
        self._pools.append(pool)
        return pool

    async def close(self) -> None:
        for pool in self._pools:
            pool.terminate()


class Template:
    """Every schema, migrated once. A service whose migrations fail is missing; its own tests fail with the reason."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._broken: dict[str, Exception] = {}

    async def create(self) -> None:
        """Makes it: bootstrap.sql, passwords, and every service's migrations."""
        await _run(self.server, f"create database {_TEMPLATE}")
        await bootstrap(self.server.superuser_dsn(_TEMPLATE))
        for service in SERVICES:
            for role in _ROLES:
                await _run(self.server, f"alter role {role_name(service, role)} password '{self.server.password}'")
            await self._migrate(service)

    async def clone(self, of: Database | None = None) -> Database:
        """Returns a fresh database like it, or like another one that nobody is connected to any more, with its own
        rights: those of a database are not cloned.
        """
        name = f"test_{secrets.token_hex(6)}"
        source = of.name if of else _TEMPLATE
        await _run(self.server, f"create database {name} template {source} strategy file_copy")
        await bootstrap(self.server.superuser_dsn(name))
        return Database(self.server, name, self._broken)

    async def _migrate(self, service: str) -> None:
        settings = Database(self.server, _TEMPLATE).settings(service, "owner")
        try:
            await migrate(settings, service, Path(services.__file__).parent / service / "migrations")
        except (asyncpg.PostgresError, MigrationError) as error:
            self._broken[service] = error


async def drop(database: Database) -> None:
    """Removes the database together with whoever is still connected to it."""
    await database.close()
    await _run(database.server, f"drop database {database.name} with (force)")


async def _run(server: PostgresServer, sql: str) -> None:
    connection = await asyncpg.connect(server.superuser_dsn(), timeout=10)
    try:
        await connection.execute(sql)
    finally:
        await connection.close(timeout=5)
