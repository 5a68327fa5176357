"""The folder that backups lie in.

    FOLDER/<cluster>/base/<label>/       backup.json, verified.json
    FOLDER/<cluster>/base/<label>/data/  base.tar.gz, pg_wal.tar.gz, backup_manifest: as pg_basebackup writes them
    FOLDER/<cluster>/wal/                <piece>.gz

A cluster is named by its system identifier and its timeline: after a restore or a promotion WAL of the same number may
say something else, so that it lies elsewhere and begins with a base backup of its own.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.local.files import write_whole

_ABOUT, _VERIFIED = "backup.json", "verified.json"
_PIECE = re.compile(r"^[0-9A-F]{24}\.gz$")
_UNFINISHED = ".unfinished"


class BackupError(Exception):
    """What was asked of the backups cannot be done; `cure` says how to mend it."""

    def __init__(self, wrong: str, cure: str) -> None:
        super().__init__(wrong)
        self.cure = cure


@dataclass(frozen=True)
class About:
    """What a base backup says of itself. `first_wal` is the first piece that its recovery needs.

    `keys`: the fingerprint of each key of personal data at that time, by name.
    """

    label: str
    cluster: str
    begun_at: datetime
    finished_at: datetime
    first_wal: str
    bytes: int
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verified:
    """What came of restoring a backup for trial. `restored_until`: the last commit that the copy has."""

    at: datetime
    ok: bool
    restored_until: datetime | None
    findings: Mapping[str, int]


@dataclass(frozen=True)
class Backup:
    """One base backup in the folder."""

    directory: Path
    about: About
    verified: Verified | None

    @property
    def data(self) -> Path:
        return data_of(self.directory)

    @property
    def wal(self) -> Path:
        return self.directory.parents[1] / "wal"

    def newest_wal_at(self) -> datetime | None:
        """Returns when the last piece of WAL came that follows it: later than that nothing can be restored."""
        times = [path.stat().st_mtime for path in pieces(self.wal) if path.name[:24] >= self.about.first_wal]
        return datetime.fromtimestamp(max(times)).astimezone() if times else None

    def remember(self, verified: Verified) -> None:
        """Keeps what came of a trial."""
        write_whole(self.directory / _VERIFIED, json.dumps(asdict(verified), default=str, indent=2))

    def as_json(self) -> dict[str, Any]:
        told = {"directory": str(self.directory), **asdict(self.about), "newest_wal_at": self.newest_wal_at()}
        return {**told, "verified": asdict(self.verified) if self.verified else None}


@dataclass(frozen=True)
class Folder:
    """All backups in one place; any number of clusters."""

    path: Path

    def wal(self, cluster: str) -> Path:
        return self.path / cluster / "wal"

    def unfinished(self, cluster: str, label: str) -> Path:
        """Returns where a base backup is written until it is whole; what an interrupted one left is removed."""
        bases = self.path / cluster / "base"
        bases.mkdir(parents=True, exist_ok=True)
        for left in bases.glob(f"{_UNFINISHED}-*"):
            shutil.rmtree(left)
        return bases / f"{_UNFINISHED}-{label}"

    def finish(self, directory: Path, about: About) -> Backup:
        """Gives a whole base backup its place."""
        write_whole(directory / _ABOUT, json.dumps(asdict(about), default=str, indent=2))
        done = directory.rename(directory.with_name(about.label))
        return Backup(done, about, None)

    def backups(self) -> list[Backup]:
        """Returns the whole base backups, the oldest first."""
        found = [_read(path.parent) for path in self.path.glob(f"*/base/[!.]*/{_ABOUT}")]
        return sorted(found, key=lambda backup: backup.about.finished_at)

    def choose(self, label: str | None, until: datetime | None) -> Backup:
        """Returns the named backup, else the newest that was finished before `until`. Raises BackupError."""
        found = self.backups()
        if label is not None:
            found = [backup for backup in found if backup.about.label == label]
        if until is not None:
            found = [backup for backup in found if backup.about.finished_at <= until]
        if not found:
            asked = f"{label or 'any'} that was finished before {until}" if until else (label or "any")
            raise BackupError(f"{self.path} holds no such base backup: {asked}.", "`plut backup list` shows them.")
        return found[-1]

    def remove_all_but(self, keep: int) -> list[Backup]:
        """Removes the oldest base backups, and the clusters of which none is left; returns what was removed."""
        removed = self.backups()[:-keep]
        for backup in removed:
            shutil.rmtree(backup.directory)
        for cluster in {backup.directory.parents[1] for backup in removed}:
            if not any(cluster.glob(f"base/[!.]*/{_ABOUT}")):
                shutil.rmtree(cluster)
        return removed


def data_of(directory: Path) -> Path:
    """Returns where in a base backup's directory the cluster's own files lie."""
    return directory / "data"


def pieces(wal: Path) -> Sequence[Path]:
    """Returns the archived pieces of WAL, the oldest first."""
    with suppress(FileNotFoundError):
        return sorted(path for path in wal.iterdir() if _PIECE.match(path.name))
    return ()


def _read(directory: Path) -> Backup:
    about = json.loads((directory / _ABOUT).read_text(encoding="utf-8"))
    for name in ("begun_at", "finished_at"):
        about[name] = datetime.fromisoformat(about[name])
    verified = None
    with suppress(FileNotFoundError):
        told = json.loads((directory / _VERIFIED).read_text(encoding="utf-8"))
        until = told["restored_until"]
        verified = Verified(
            datetime.fromisoformat(told["at"]),
            told["ok"],
            datetime.fromisoformat(until) if until else None,
            told["findings"],
        )
    return Backup(directory, About(**about), verified)
