"""Makes a cluster out of a base backup and the WAL behind it, to the end or to a moment."""

import asyncio
import gzip
import shlex
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from deploy.backup import programs
from deploy.backup.folder import Backup, BackupError
from deploy.backup.server import PrivateServer, private_server
from deploy.local.postgres import Postgres, find_runner
from deploy.local.process import StartError, last_words
from shared.postgres import UNAVAILABLE

_LOOK_SECONDS = 0.2
_STATE = "select pg_is_in_recovery() as recovering, pg_last_xact_replay_timestamp() as replayed"

Tell = Callable[[str, int, int], None]


async def restore(backup: Backup, postgres: Postgres, password: str, until: datetime | None, tell: Tell) -> datetime:
    """Makes the cluster of `postgres`, which must not exist, and returns the time of the last commit that it has.

    `tell` hears the step (checking, unpacking, recovering), bytes done and bytes in all. Interrupted, it leaves
    nothing. Raises BackupError.
    """
    await check(backup, tell)
    with postgres.unfinished(find_runner()) as home:
        async with recovered(backup, home, until, tell) as (server, reached):
            connection = await server.connect()
            try:
                # Ours are URL-safe base64: nothing in them needs quoting.
                await connection.execute(f"alter role postgres password '{password}'")
            finally:
                await connection.close(timeout=5)
    return reached


async def check(backup: Backup, tell: Tell) -> None:
    """Compares every file with the checksums that were taken with it. Raises BackupError."""
    tell("checking", 0, backup.about.bytes)
    await asyncio.to_thread(programs.run, "pg_verifybackup", "--no-parse-wal", str(backup.data))


@asynccontextmanager
async def recovered(
    backup: Backup, home: Path, until: datetime | None, tell: Tell
) -> AsyncIterator[tuple[PrivateServer, datetime]]:
    """Unpacks into `home`, recovers, and yields the running server with the time of its last commit."""
    await asyncio.to_thread(_unpack, backup, home, tell)
    log = home.with_name(f"{home.name}.recovery.log")
    try:
        async with private_server(home, log, _recovery(backup.wal, until)) as server:
            yield server, await _promoted(server, tell, log)
    except StartError as error:
        raise BackupError(
            f"The backup could not be recovered: {error}",
            "A later --to than the backup reaches? See `plut backup list`; without --to all is restored.",
        ) from None
    log.unlink(missing_ok=True)


def _recovery(wal: Path, until: datetime | None) -> dict[str, str]:
    piece = f"{shlex.quote(str(wal.absolute())).replace('%', '%%')}/%f.gz"
    settings = {
        "restore_command": f'test -f {piece} && gzip -dc {piece} > "%p"',
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
    }
    return settings | ({"recovery_target_time": until.isoformat()} if until else {})


async def _promoted(server: PrivateServer, tell: Tell, log: Path) -> datetime:
    """Returns the time of the last commit. Raises StartError: a server that ends now did not get to where it should."""
    try:
        return await _last_commit(server, tell)
    except UNAVAILABLE as error:
        raise StartError(f"Postgres ended while it recovered. {last_words(log)}") from error


async def _last_commit(server: PrivateServer, tell: Tell) -> datetime:
    connection: Any = await server.connect()
    try:
        while (state := await connection.fetchrow(_STATE))["recovering"]:
            tell("recovering", 0, 0)
            await asyncio.sleep(_LOOK_SECONDS)
        return cast("datetime", state["replayed"])
    finally:
        await connection.close(timeout=5)


def _unpack(backup: Backup, home: Path, tell: Tell) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)
    done, whole = 0, backup.about.bytes
    for name, place in (("base.tar.gz", home), ("pg_wal.tar.gz", home / "pg_wal")):
        with (backup.data / name).open("rb") as packed:
            for entry in _entries(packed):
                entry[0].extract(entry[1], place, filter="data")
                tell("unpacking", done + packed.tell(), whole)
            done += packed.tell()
    (home / "recovery.signal").touch()
    programs.hand_over([home, *home.rglob("*")])


def _entries(packed: IO[bytes]) -> Any:  # noqa: ANN401
    # Not "r|gz": Postgres writes several gzip members one behind the other, and tarfile reads the first only.
    with gzip.open(packed) as clear, tarfile.open(fileobj=clear, mode="r|") as archive:
        for entry in archive:
            yield archive, entry
