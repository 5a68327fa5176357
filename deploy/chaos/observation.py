"""How the installation is, as seen from outside, and what its processes said since a scenario began."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from deploy.local.installation import Installation
from deploy.local.status import Status, ask


async def look(installation: Installation) -> Status:
    """Asks everything at once."""
    return await ask(installation)


def unhealthy(status: Status) -> list[str]:
    """Returns the names of what is not healthy."""
    processes = [each.state.name for each in status.processes if not each.healthy]
    return processes + [each.state.name for each in status.infrastructure if not each.healthy]


def busy(status: Status) -> list[str]:
    """Returns what is still on its way: backlogs and lags that are not zero, or not known."""
    backlogs = [f"backlog of {name}: {each.backlog}" for name, each in status.services.items() if each.backlog != 0]
    lags = [f"lag of {group}: {lag}" for group, lag in status.lags.items() if lag != 0]
    return backlogs + lags + ([] if status.lags else ["no consumer has a place"])


class Logs:
    """What processes logged from the moment it is made, also where a log was emptied meanwhile."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._begun = {log.name: log.stat().st_size for log in directory.glob("*.log")}

    def lines(self, pattern: str = "*") -> Iterator[str]:
        """Yields the lines of all processes whose name fits the pattern."""
        for log in sorted(self._directory.glob("*.log")):
            if fnmatchcase(log.stem, pattern):
                with suppress(OSError), log.open(encoding="utf-8", errors="replace") as file:
                    begun = self._begun.get(log.name, 0)
                    file.seek(begun if log.stat().st_size >= begun else 0)
                    yield from file

    def events(self, name: str, pattern: str = "*") -> Iterator[Mapping[str, Any]]:
        """Yields the log events of that name."""
        for line in self.lines(pattern):
            if f'"{name}"' in line:
                with suppress(ValueError):
                    told = json.loads(line)
                    if isinstance(told, dict) and told.get("event") == name:
                        yield told

    def count(self, name: str, pattern: str = "*", **fields: str) -> int:
        """Returns how often an event with these fields was logged."""
        return sum(1 for each in self.events(name, pattern) if fields.items() <= each.items())
