"""How many of a consumer run: asked for by a command, kept from start to start, followed by the supervisor."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from deploy.local.files import write_whole
from deploy.local.table import MOST_CONSUMERS, SCALABLE


def load(path: Path) -> Mapping[str, int]:
    """Returns the numbers that were asked for by process name; none if nothing usable was kept."""
    with suppress(OSError, ValueError, AttributeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: number for name in SCALABLE if _is_possible(number := found.get(name))}
    return {}


def keep(path: Path, name: str, number: int) -> None:
    """Asks for so many of a consumer, from now on."""
    write_whole(path, json.dumps({**load(path), name: number}))


def _is_possible(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MOST_CONSUMERS
