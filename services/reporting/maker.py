"""What answers are made by: a name that changes with the program and with what an operator has set."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import shared
from services.reporting.settings import HERE

_SHARED = Path(shared.__path__[0])
_LENGTH = 12


def name_of(*thresholds: object) -> str:
    """Returns the same on every api of one release with these thresholds."""
    made_by = hashlib.sha256(repr(thresholds).encode())
    for path in _sources():
        made_by.update(hashlib.sha256(path.read_bytes()).digest())
    return made_by.hexdigest()[:_LENGTH]


def _sources() -> Iterator[Path]:
    """Code, rules of regions and figures of population: whatever an answer is made of beside the read models."""
    for root in (HERE, _SHARED):
        yield from sorted(path for ending in ("py", "csv", "json") for path in root.rglob(f"*.{ending}"))
