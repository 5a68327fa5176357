"""A dump of the database, and a new cluster out of it: for another version of Postgres, or another machine's.

What it holds is of one moment, and it knows nothing of what came later. Its transaction numbers mean nothing in the new
cluster: the relays notice, and `plut replay --new-history` makes everything agree.
"""

import asyncio
from pathlib import Path

import asyncpg

from deploy.backup import programs
from deploy.backup.folder import BackupError
from deploy.backup.persons import unreadable_persons
from deploy.local import ports
from deploy.local.installation import Installation
from deploy.local.postgres import DATABASE, Postgres, create_database
from deploy.local.process import start

_START_SECONDS = 60.0
_STOP_SECONDS = 60.0


async def dump(installation: Installation, file: Path) -> None:
    """Writes the database of a running installation into a file, whole or not at all. Raises BackupError."""
    draft = file.with_name(f".{file.name}.unfinished")
    await asyncio.to_thread(draft.touch, 0o600)
    programs.hand_over([draft])
    options = ("-Fc", "-f", str(draft.absolute()), "-d", DATABASE)
    async with programs.program(installation.postgres, installation.superuser_password(), "pg_dump", *options):
        pass
    draft.rename(file)


async def load(file: Path, directory: Path, password: str, keys: Path) -> None:
    """Makes a new cluster in `directory`, which must not exist, out of a dump. Raises BackupError and PostgresError.

    A dump names no keys: that those in `keys` are its own is seen by what they open.
    """
    # Under another name until it is whole: an interrupted one is no installation's.
    unfinished = Postgres(directory.with_name(f"{directory.name}.loading"), ports.choose())
    await asyncio.to_thread(unfinished.discard)
    await asyncio.to_thread(unfinished.initialise, password)
    log = directory.with_name("load.log")
    server = start(unfinished.command(log, archive_mode="off"))
    try:
        await server.ready(lambda: unfinished.answers(password), within=_START_SECONDS)
        await create_database(unfinished.dsn(password))
        options = ("--clean", "--if-exists", "--exit-on-error", "-d", DATABASE, str(file))
        async with programs.program(unfinished, password, "pg_restore", *options):
            pass
        await _refuse_others(unfinished.dsn(password, DATABASE), keys)
    finally:
        await asyncio.shield(server.stop(_STOP_SECONDS))
    unfinished.directory.rename(directory)
    log.unlink(missing_ok=True)


async def _refuse_others(dsn: str, keys: Path) -> None:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        unreadable = await unreadable_persons(connection, keys)
    finally:
        await connection.close(timeout=5)
    if unreadable:
        raise BackupError(
            f"{keys} does not hold the keys of this dump: {unreadable} of its persons cannot be read with them.",
            "Name a new --data-dir, and what `plut backup keys` copied of the installation that was dumped.",
        )
