"""What answers are made by: a name that changes with the program and with what an operator has set."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import shared
from services.reporting.settings import HERE

_SHARED = Path(shared.__path__[0])
_LENGTH = 12


def name_of(thresholds: object) -> str:
    """Returns the same on every api of one release with these thresholds."""
    return hashlib.sha256(_program() + repr(thresholds).encode()).hexdigest()[:_LENGTH]


@cache
def _program() -> bytes:
    """Read once in a process, for its files do not change under it."""
    read = hashlib.sha256()
    for path in _sources():
        read.update(hashlib.sha256(path.read_bytes()).digest())
    return read.digest()


def _sources() -> Iterator[Path]:
    """Code, codes of regions and figures of population: whatever an answer is made of beside the read models."""
    for root in (HERE, _SHARED):
        yield from sorted(path for ending in ("py", "csv") for path in root.rglob(f"*.{ending}"))
