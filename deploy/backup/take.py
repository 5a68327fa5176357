"""Takes a base backup of a running cluster, and has its WAL kept from then on."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from deploy.backup import keys, programs
from deploy.backup.folder import About, Backup, BackupError, Folder, data_of
from deploy.local.installation import Installation

_LOOK_SECONDS = 0.3
_ARCHIVED_WITHIN_SECONDS = 300.0
_WAL_BYTES = 16 << 20  # of a piece

# Timelines: that of the control file lags behind a promotion, the name of the present piece does not.
_CLUSTER = """
select system_identifier || '-' || ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
from pg_control_system()
"""
_STREAMED = """
select backup_streamed, coalesce(backup_total, 0) from pg_stat_progress_basebackup order by pid desc limit 1
"""
# Where nothing was written since the last switch, it tells where a piece begins that is empty and may stay so for long:
# the last that holds anything is the one before.
_LAST_PIECE = "select pg_walfile_name(pg_switch_wal() - 1)"
_ARCHIVED = """
select last_archived_wal >= $1 as done, last_failed_time > coalesce(last_archived_time, '-infinity') as failing
from pg_stat_archiver
"""

Tell = Callable[[int, int], None]


async def take(installation: Installation, folder: Folder, tell: Tell) -> Backup:
    """Returns the new base backup. `tell` hears how many bytes have come, and how many there are (0: unknown).

    Raises BackupError, and what postgres.UNAVAILABLE names.
    """
    begun = datetime.now(UTC)
    label = f"{begun:%Y%m%dT%H%M%SZ}"
    fingerprints = keys.fingerprints(installation.keys_dir)
    connection = await asyncpg.connect(installation.superuser_dsn(), timeout=5)
    try:
        cluster = await connection.fetchval(_CLUSTER)
        await _keep_wal(connection, installation, folder.wal(cluster))
        unfinished = folder.unfinished(cluster, label)
        data = data_of(unfinished)
        data.mkdir(parents=True)
        programs.hand_over([data])
        await _stream(connection, installation, data, label, tell)
        await _all_archived(connection)
    finally:
        await connection.close(timeout=5)
    size = sum(path.stat().st_size for path in data.iterdir())
    about = About(label, cluster, begun, datetime.now(UTC), _first_wal(data), size, fingerprints)
    return folder.finish(unfinished, about)


def kept_folder(installation: Installation) -> Folder | None:
    """Returns the folder that the installation's WAL goes to; None if none is kept."""
    link = installation.postgres.archive
    return Folder(link.readlink().parents[1]) if link.is_symlink() else None


async def _keep_wal(connection: Any, installation: Installation, wal: Path) -> None:  # noqa: ANN401  asyncpg's
    """From here on each piece is copied there; a piece is finished at the latest a minute after something changed."""
    _lead_to(wal, installation.postgres.archive)
    await connection.execute("alter system set archive_timeout = '60s'")
    await connection.execute("select pg_reload_conf()")


def _lead_to(wal: Path, link: Path) -> None:
    wal.mkdir(parents=True, exist_ok=True)
    programs.hand_over([wal])
    draft = link.with_name(f"{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(wal.absolute())
    draft.replace(link)


async def _stream(
    connection: Any,  # noqa: ANN401
    installation: Installation,
    directory: Path,
    label: str,
    tell: Tell,
) -> None:
    options = ("-D", str(directory), "-Ft", "-Z", "client-gzip:1", "-X", "stream", "-c", "fast", "-l", f"plut {label}")
    password = installation.superuser_password()
    async with programs.program(installation.postgres, password, "pg_basebackup", *options) as ending:
        while not ending.done():
            if streamed := await connection.fetchrow(_STREAMED):
                tell(*streamed)
            await asyncio.wait({ending}, timeout=_LOOK_SECONDS)


async def _all_archived(connection: Any) -> None:  # noqa: ANN401
    """Proves that WAL arrives in the folder: a base backup without what follows it is worth a day less every day."""
    piece = await connection.fetchval(_LAST_PIECE)
    until = time.monotonic() + _ARCHIVED_WITHIN_SECONDS
    while not (state := await connection.fetchrow(_ARCHIVED, piece))["done"]:
        if state["failing"] or time.monotonic() > until:
            raise BackupError(
                f"The base backup was written, but WAL is not copied to the folder (piece {piece}).",
                "`plut logs postgres` says why: is the folder full, or no longer mounted? Then call this again.",
            )
        await asyncio.sleep(_LOOK_SECONDS)


def _first_wal(directory: Path) -> str:
    """Returns the name of the piece that holds the place from which recovery begins."""
    manifest = json.loads((directory / "backup_manifest").read_text(encoding="utf-8"))
    needed = manifest["WAL-Ranges"][0]
    high, low = (int(part, 16) for part in needed["Start-LSN"].split("/"))
    return f"{needed['Timeline']:08X}{high:08X}{low // _WAL_BYTES:08X}"
