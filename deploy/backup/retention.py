"""How long backups stay."""

from deploy.backup import programs
from deploy.backup.folder import Backup, Folder


def clear(folder: Folder, keep: int) -> list[Backup]:
    """Leaves the newest base backups and the WAL that they need; returns what was removed. Raises BackupError."""
    removed = folder.remove_all_but(keep)
    oldest: dict[str, Backup] = {}
    for backup in folder.backups():
        oldest.setdefault(backup.about.cluster, backup)
    for backup in oldest.values():
        programs.run("pg_archivecleanup", "-x", ".gz", str(backup.wal), backup.about.first_wal)
    return removed
