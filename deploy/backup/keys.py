"""The keys of personal data, and the other secrets of an installation: kept apart from the backups of the database.

Whoever has both can read identities; whoever has one of them cannot. Without the keys a restored database is complete
but for names, numbers and addresses, which nobody can read again.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from deploy.backup.folder import BackupError
from deploy.local.installation import Installation
from deploy.local.secrets import private_directory
from shared.privacy.keys import KeyDirectoryError, load_keys

_LENGTH = 16


def fingerprints(directory: Path) -> dict[str, str]:
    """Returns what tells each key from any other, and nothing of the key. Raises BackupError."""
    try:
        keys = load_keys(directory)
    except KeyDirectoryError as error:
        raise BackupError(f"The keys cannot be used: {error}.", f"{error.cure}.") from None
    return {name: _fingerprint(key) for name, key in {**keys.keks, "index": keys.index_root}.items()}


def refuse_others(directory: Path, expected: Mapping[str, str]) -> None:
    """Raises BackupError unless the directory holds every key that a backup was sealed with."""
    found = fingerprints(directory)
    missing = sorted(name for name, told in expected.items() if found.get(name) != told)
    if missing:
        raise BackupError(
            f"{directory} does not hold the keys of this backup: {', '.join(missing)} missing or another one.",
            "Name the keys that were kept with `plut backup keys` for this installation.",
        )


def copy_secrets(installation: Installation, folder: Path) -> list[Path]:
    """Copies all secrets of an installation, each with mode 0600; returns what was copied. Raises BackupError."""
    fingerprints(installation.keys_dir)
    return _copy(installation.secrets_home, folder)


def install_secrets(folder: Path, installation: Installation, expected: Mapping[str, str]) -> None:
    """Gives a new installation the secrets of the one that was backed up. Raises BackupError if they are others'."""
    keys = folder / installation.keys_dir.relative_to(installation.secrets_home)
    refuse_others(keys, expected)
    _copy(folder, installation.secrets_home)


def _copy(source: Path, target: Path) -> list[Path]:
    copied = []
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / path.relative_to(source)
        private_directory(place.parent)
        draft = place.with_name(f".{place.name}.unfinished")
        draft.unlink(missing_ok=True)
        with (
            path.open("rb") as read,
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        ):
            shutil.copyfileobj(read, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(place)
        copied.append(place)
    return copied


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"plut key fingerprint|" + key).hexdigest()[:_LENGTH]
