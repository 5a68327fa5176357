"""A Postgres that nobody but its starter can reach: a restored cluster while it is recovered and looked at."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.postgres import SUPERUSER, Postgres, find_runner
from deploy.local.process import Running, start

_PORT = 5432  # the name of a socket, not a port of this machine
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True)
class PrivateServer:
    """Listens in a directory of its own only; whoever may look into that is whoever it asks for."""

    sockets: Path
    running: Running

    @property
    def settings(self) -> dict[str, object]:
        """What a service's settings say of it."""
        return {"postgres_host": str(self.sockets), "postgres_port": _PORT}

    async def connect(self, database: str = "postgres") -> "asyncpg.Connection[asyncpg.Record]":
        """Opens a connection as superuser."""
        return await asyncpg.connect(host=str(self.sockets), port=_PORT, user=SUPERUSER, database=database, timeout=5)

    async def answers(self) -> bool:
        """Tells whether it accepts connections."""
        try:
            connection = await self.connect()
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        await connection.close(timeout=5)
        return True


@asynccontextmanager
async def private_server(directory: Path, log: Path, settings: Mapping[str, str]) -> AsyncIterator[PrivateServer]:
    """Runs the cluster in `directory` until the end, which is a clean one. Raises StartError with its last words."""
    # The path of a socket may have 107 characters: it lies where that is short.
    with tempfile.TemporaryDirectory(prefix="plut-pg-") as sockets:
        runner = find_runner()
        access = Path(sockets) / "access"
        access.write_text("local all all trust\n", encoding="utf-8")
        if runner.user:
            for path in (sockets, access):
                shutil.chown(path, runner.user)
        own = {
            "listen_addresses": "",
            "unix_socket_directories": sockets,
            "hba_file": str(access),
            "archive_mode": "off",
            **settings,
        }
        server = PrivateServer(Path(sockets), start(Postgres(directory, _PORT).command(log, **own)))
        try:
            await server.running.ready(server.answers, within=_START_SECONDS)
            yield server
        finally:
            # Shielded: a cluster that is to be used must not be left to a crash recovery.
            await asyncio.shield(server.running.stop(_STOP_SECONDS))
