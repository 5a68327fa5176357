"""The keys that everything personal hangs on: files of one directory, each 32 random bytes in base64, mode 0600.

`kek-0001.key`, `kek-0002.key` … wrap the keys of persons, the highest number the new ones; `index-0001.key` is the
root of the blind indexes. They are made once, by whoever sets the installation up. A production process only reads
them: one that made its own would seal what nobody else can open. Keep a copy apart from the database's backups.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_KEK = re.compile(r"^kek-(?P<number>[0-9]{4})\.key$")
_INDEX = "index-0001.key"


class KeyDirectoryError(Exception):
    """The key directory is missing, incomplete, unreadable or open to others; `cure` says how to mend it."""

    def __init__(self, wrong: str, cure: str = "restore the keys from their backup") -> None:
        super().__init__(wrong)
        self.cure = cure


@dataclass(frozen=True)
class Keys:
    """`keks` by id (`kek-0001`); new keys of persons are wrapped with `current`."""

    current: str
    keks: Mapping[str, bytes] = field(repr=False)
    index_root: bytes = field(repr=False)


def create_keys(directory: Path) -> None:
    """Makes the keys that a new installation lacks; never replaces one. For set-up only, never for a service."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("kek-0001.key", _INDEX):
        if not (directory / name).exists():
            _write_key(directory / name, secrets.token_bytes(KEY_BYTES))


def load_keys(directory: Path) -> Keys:
    """Reads the keys. Raises KeyDirectoryError if one is missing, cut short, or readable by other users."""
    if not directory.is_dir():
        raise KeyDirectoryError(f"{directory} is not a directory", "point it at the installation's keys")
    keks = {path.stem: _read_key(path) for path in sorted(directory.iterdir()) if _KEK.match(path.name)}
    if not keks:
        raise KeyDirectoryError(f"there is no kek-NNNN.key in {directory}")
    return Keys(current=max(keks), keks=keks, index_root=_read_key(directory / _INDEX))


def derive_keys(secret: bytes, purpose: str) -> Keys:
    """Returns keys for what a service without a key directory holds for some weeks, such as an uploaded sheet.

    They last as long as the secret: what another one sealed is known by its name, and cannot be opened any more.
    """
    kek, index_root, name = (
        HKDF(SHA256(), KEY_BYTES, salt=None, info=f"{purpose}|{part}".encode()).derive(secret)
        for part in ("kek", "index", "name")
    )
    current = f"derived-{name.hex()[:8]}"
    return Keys(current=current, keks={current: kek}, index_root=index_root)


def _read_key(path: Path) -> bytes:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
        key = base64.b64decode(text.strip(), validate=True)
    except OSError as error:
        raise KeyDirectoryError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, binascii.Error):
        raise KeyDirectoryError(f"{path} is not base64") from None
    if mode & 0o077:
        raise KeyDirectoryError(f"{path} can be read by others", f"run: chmod 600 {path}")
    if len(key) != KEY_BYTES:
        raise KeyDirectoryError(f"{path} holds {len(key)} bytes instead of {KEY_BYTES}")
    return key


def _write_key(path: Path, key: bytes) -> None:
    """Whole or not at all: a half-written key would be taken for a damaged one for ever."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
