"""`python -m deploy.compose.database`: the database with its schemas, roles and passwords; safe to run again."""

import asyncio
import sys

import asyncpg

from deploy.compose.prepare import INSTALLATION
from deploy.local.installation import Installation
from deploy.local.postgres import SUPERUSER
from deploy.local.preparation import prepare_database
from shared.settings import Settings, load


def main() -> None:
    """Ends with status 1 and what to do if Postgres has another password than the installation."""
    told = load(Settings)
    installation = Installation(INSTALLATION)
    password = installation.superuser_password()
    dsn = f"postgresql://{SUPERUSER}:{password}@{told.postgres_host}:{told.postgres_port}/postgres"
    try:
        asyncio.run(prepare_database(installation, dsn))
    except asyncpg.InvalidPasswordError:
        sys.exit(
            "Postgres does not take the superuser's password of this installation: its data was made with another one. "
            "Restore the directory of secrets that belongs to it (docs/containers.md)."
        )


if __name__ == "__main__":
    main()
