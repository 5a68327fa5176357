"""Under which conditions single processes run here: for trying what they stand. An installation has none of its own.

The supervisor looks each time it starts a process, so that what is kept or taken away holds from its next start on.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from deploy.local.files import write_whole
from deploy.local.process import Command


@dataclass(frozen=True)
class Conditions:
    """Variables that are set beside, or instead of, a process's own, and words before its command.

    `checkout` is another checkout of the product: its code runs, with the Python of its own .venv.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    checkout: str | None = None

    def applied_to(self, command: Command) -> Command:
        """Returns the command under these conditions."""
        return replace(
            command,
            argv=[*self.prefix, *(self._in_checkout(word) for word in command.argv)],
            environment={**command.environment, **self.environment},
            directory=Path(self.checkout) if self.checkout else command.directory,
        )

    def _in_checkout(self, word: str) -> str:
        return str(Path(self.checkout) / ".venv/bin/python") if self.checkout and word == sys.executable else word

    def __or__(self, other: "Conditions") -> "Conditions":
        return Conditions(
            {**self.environment, **other.environment},
            (*self.prefix, *other.prefix),
            other.checkout or self.checkout,
        )


def load(path: Path) -> Mapping[str, Conditions]:
    """Returns what was kept, by pattern of process names; nothing if nothing usable was."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(pattern): Conditions(**conditions) for pattern, conditions in found.items()}
    return {}


def keep(path: Path, conditions: Mapping[str, Conditions]) -> None:
    """Keeps conditions by pattern (`registry-api`, `*-relay*`, `kafka`), instead of all that were kept before."""
    write_whole(path, json.dumps({pattern: asdict(each) for pattern, each in conditions.items()}, indent=1))


def forget(path: Path) -> None:
    """Takes all conditions away; what runs under some goes on so until it is started again."""
    path.unlink(missing_ok=True)


def of(path: Path, name: str) -> Conditions:
    """Returns the conditions of one process: those of all patterns that fit its name, in the order they were kept."""
    found = Conditions()
    for pattern, conditions in load(path).items():
        if fnmatchcase(name, pattern):
            found |= conditions
    return found
