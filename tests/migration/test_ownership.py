"""Ownership of data is enforced by Postgres, not by manners."""

import asyncpg
import pytest

from shared.migrations import migrate, read_migrations
from shared.postgres import connect

SERVICES = ("registry", "mentoring", "reporting")
ROLES = ("owner", "app", "worker")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", ROLES)
async def test_no_role_sees_another_services_schema(database, service: str, role: str) -> None:  # type: ignore[no-untyped-def]
    connection = await connect(database.settings(service, role), f"{service}_{role}", schema=service, application="test")
    try:
        for other in SERVICES:
            if other != service:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"select * from {other}.outbox")
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_app_cannot_rewrite_what_was_told(database, service: str) -> None:  # type: ignore[no-untyped-def]
    connection = await connect(database.settings(service, "app"), f"{service}_app", schema=service, application="test")
    try:
        for statement in ("delete from outbox", "update outbox set version = 2", "delete from accepted_command"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_role_is_above_row_level_security(database, service: str) -> None:  # type: ignore[no-untyped-def]
    connection = await connect(database.settings(service, "owner"), f"{service}_owner", schema=service, application="test")
    try:
        mighty = await connection.fetch("select rolname from pg_roles where rolname ~ '_(owner|app|worker)$' and (rolsuper or rolbypassrls)")
        assert mighty == []
    finally:
        await connection.close()
