"""Random secrets of one installation: made once, readable by their owner only."""

import os
import secrets
import uuid
from contextlib import suppress
from pathlib import Path


def keep(path: Path, length: int = 32, value: str | None = None) -> str:
    """Returns the secret in the file; where there is none yet, writes `value`, else a random one of `length` bytes."""
    private_directory(path.parent)
    if not path.exists():
        unfinished = path.with_name(f".{path.name}.{uuid.uuid4()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(value or secrets.token_urlsafe(length))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # somebody else was first: that one is kept
            os.link(unfinished, path)
        unfinished.unlink()
    return path.read_text(encoding="ascii").strip()


def private_directory(path: Path) -> Path:
    """Makes the directory and those above it that are missing; only its owner may look inside."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
