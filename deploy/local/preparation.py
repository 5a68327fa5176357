"""What has to stand before a service starts: the database with its roles, and every schema migrated."""

import asyncio

import asyncpg

from deploy.local import conditions
from deploy.local.installation import Installation
from deploy.local.postgres import create_database
from deploy.local.process import Command, StartError, last_words, start
from deploy.local.table import DATABASE_ROLES, MIGRATIONS, SERVICES, Program
from shared.postgres import role_name
from shared.privacy.keys import create_keys

_MIGRATION_SECONDS = 600.0


def make_keys_of_new(installation: Installation) -> None:
    """Makes the keys of personal data before there is any; never later, when it would be sealed with lost ones."""
    if not installation.postgres.is_initialised:
        create_keys(installation.keys_dir)


async def prepare_database(installation: Installation, dsn: str) -> None:
    """Creates what is missing of the database, schemas and roles, and sets the roles' passwords; safe to run again.

    `dsn`: the superuser's address of the database `postgres`.
    """
    await create_database(dsn)
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        for service in SERVICES:
            for role in DATABASE_ROLES:
                # Secrets of ours are URL-safe base64: nothing in them needs quoting.
                password = installation.password(service, role)
                await connection.execute(f"alter role {role_name(service, role)} password '{password}'")
    finally:
        await connection.close(timeout=5)


async def migrate(installation: Installation) -> None:
    """Runs every service's `migrate` at once. Raises StartError with the words of one that fails."""
    await asyncio.gather(*(_run(installation, program) for program in MIGRATIONS))


async def _run(installation: Installation, program: Program) -> None:
    own = Command(
        program.name, program.argv, installation.logs / f"{program.name}.log", installation.environment(program)
    )
    running = start(conditions.of(installation.conditions_file, program.name).applied_to(own))
    try:
        async with asyncio.timeout(_MIGRATION_SECONDS):
            status = await running.ended()
    finally:
        running.kill()
    if status != 0:
        raise StartError(f"{program.name} failed with status {status}. {last_words(own.log)}")
