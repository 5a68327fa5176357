"""Restores a backup for trial and asks the copy all that can be asked without Kafka: it is worth what comes back."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from deploy.backup.folder import Backup, BackupError, Verified
from deploy.backup.persons import unreadable_persons
from deploy.backup.restore import Tell, check, recovered
from deploy.backup.server import PrivateServer
from deploy.check.findings import Kind, Report
from deploy.check.proof import prove
from deploy.check.reader import SERVICES, open_readers
from deploy.local.postgres import DATABASE
from shared.settings import Environment, Settings


async def verify(
    backup: Backup, scratch: Path, keys: Path, until: datetime | None, tell: Tell
) -> tuple[Verified, Report]:
    """Restores into a directory of its own below `scratch`, judges the copy, and removes it.

    Returns what is kept of it, and what the check found; events that were on their way are none of its faults.
    Raises BackupError, and what postgres.UNAVAILABLE names.
    """
    try:
        await check(backup, tell)
    except BackupError:
        backup.remember(Verified(datetime.now(UTC), ok=False, restored_until=None, findings={"damaged_files": 1}))
        raise
    home = _own_directory(scratch)
    try:
        async with recovered(backup, home / "postgres", until, tell) as (server, reached):
            report = await _proven(server, tell)
            unreadable = await _unreadable_persons(server, keys)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    findings = {kind.value: report.counts[kind] for kind in (Kind.LOST, Kind.TWICE, Kind.DIFFERING)}
    findings["unreadable_persons"] = unreadable
    verified = Verified(datetime.now(UTC), not any(findings.values()), reached, findings)
    backup.remember(verified)
    return verified, report


def _own_directory(scratch: Path) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="plut-trial-", dir=scratch))


async def _proven(server: PrivateServer, tell: Tell) -> Report:
    settings = Settings.model_validate({"env": Environment.LOCAL, "postgres_database": DATABASE, **server.settings})
    async with open_readers(dict.fromkeys(SERVICES, settings)) as readers:
        return await prove(readers, writers=None, wait_seconds=0, progress=lambda stage, number: tell(stage, number, 0))


async def _unreadable_persons(server: PrivateServer, keys: Path) -> int:
    connection = await server.connect(DATABASE)
    try:
        return await unreadable_persons(connection, keys)
    finally:
        await connection.close(timeout=5)
