"""Ownership of data is enforced by Postgres, not by manners."""

import asyncpg
import pytest

from shared.postgres import connect, role_name
from tests.infrastructure.databases import Database

SERVICES = ("registry", "mentoring", "reporting")
ROLES = ("owner", "app", "worker")


async def _connected(database: Database, service: str, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    settings = database.settings(service, role)
    return await connect(settings, role_name(service, role), schema=service, application="test")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ROLES)
async def test_no_role_sees_another_services_schema(database: Database, service: str, role: str) -> None:
    connection = await _connected(database, service, role)
    try:
        for other in SERVICES:
            if other != service:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"select * from {other}.outbox")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_app_cannot_rewrite_what_was_told(database: Database, service: str) -> None:
    connection = await _connected(database, service, "app")
    try:
        for statement in ("delete from outbox", "update outbox set version = 2", "delete from accepted_command"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_role_is_above_row_level_security(database: Database, service: str) -> None:
    connection = await _connected(database, service, "owner")
    try:
        mighty = await connection.fetch(
            "select rolname from pg_roles where rolname ~ '_(owner|app|worker)$' and (rolsuper or rolbypassrls)"
        )
        assert mighty == []
    finally:
        await connection.close()
