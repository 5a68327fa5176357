"""A stand-by of an installation's Postgres: it follows by streaming replication, and may take the other's place."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from deploy.backup import programs
from deploy.backup.server import PrivateServer, private_server
from deploy.local.installation import Installation
from deploy.local.postgres import SUPERUSER, Postgres, find_runner

_STREAMING = "select exists (select from pg_stat_replication where application_name = $1 and state = 'streaming')"
_NAME = "standby"


class Standby:
    """A copy of the cluster that is running now. Its server runs while it follows, and nobody writes to it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._log = installation.directory / "standby.log"
        # Its port is the name of a socket only.
        self.cluster = Postgres(installation.directory / _NAME, installation.postgres.port)

    async def copy(self) -> None:
        """Copies the running cluster. Raises BackupError."""
        await asyncio.to_thread(self.cluster.discard)
        primary, password = self._installation.postgres, self._installation.superuser_password()
        host, port = primary.address.split(":")
        with self.cluster.unfinished(find_runner()) as home:
            home.mkdir(mode=0o700, exist_ok=True)
            home.chmod(0o700)
            programs.hand_over([home])
            async with programs.program(
                primary, password, "pg_basebackup", "-D", str(home), "-X", "stream", "-c", "fast"
            ):
                pass
            (home / "standby.signal").touch()
            with (home / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
                known = f"host={host} port={port} user={SUPERUSER} password={password} application_name={_NAME}"
                settings.write(f"primary_conninfo = '{known}'\n")
            programs.hand_over([home / "standby.signal"])

    def following(self) -> AbstractAsyncContextManager[PrivateServer]:
        """Runs it until the end, which is a clean one. Raises StartError."""
        return private_server(self.cluster.directory, self._log, {})

    def take_the_place(self) -> None:
        """Puts the files of the promoted cluster where those of the other one were; nobody may run on either."""
        first = self._installation.postgres
        first.discard()
        self.cluster.directory.rename(first.directory)


async def is_streaming(primary: Any) -> bool:  # noqa: ANN401  asyncpg's
    """Tells whether a stand-by receives what is committed now."""
    return bool(await primary.fetchval(_STREAMING, _NAME))


async def promote(server: PrivateServer) -> None:
    """Returns once it takes writes."""
    connection = await server.connect()
    try:
        await connection.fetchval("select pg_promote(true, 60)")
    finally:
        await connection.close(timeout=5)
