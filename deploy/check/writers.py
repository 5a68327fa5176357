"""The writers' own logs of what they were told: JSON lines `{"key", "status" (null = unknown), "answer", "at"}`.

A key may have several lines: tries without an answer, then the answer of a retry, or the two answers of a double click.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

_CHUNK = 2000


class Outcome(StrEnum):
    """What a line says of its key's effect. A 5xx is unknown: the connection to Postgres may be lost during COMMIT."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One answer, or none, that a writer got; `where` is `file:line`."""

    where: str
    key: str
    status: int | None
    answer: Any
    at: datetime | None

    @property
    def outcome(self) -> Outcome:
        if self.status is None or self.status >= 500:
            return Outcome.UNKNOWN
        return Outcome.ACCEPTED if 200 <= self.status < 300 else Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is not what it should be; a last line without its end was cut off by a kill and says nothing."""

    where: str
    why: str


def read_logs(directory: Path) -> Iterator[Line | Unreadable]:
    """Yields the lines of all files of the directory, one after the other. Raises OSError if it cannot be read."""
    for path in sorted(path for path in directory.iterdir() if path.is_file()):
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file, 1):
                if text.endswith("\n") and text.strip():
                    yield _parse(f"{path.name}:{number}", text)


def chunks(lines: Iterator[Line | Unreadable]) -> Iterator[list[Line | Unreadable]]:
    """Yields the lines in lists short enough for one query."""
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk


def _parse(where: str, text: str) -> Line | Unreadable:
    try:
        told = json.loads(text)
        key, status = told["key"], told["status"]
        at = datetime.fromisoformat(told["at"]) if told.get("at") else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Unreadable(where, f"not a writer's line: {error!r}")
    if not isinstance(key, str) or not (status is None or type(status) is int):  # true is an int, too
        return Unreadable(where, "`key` must be a string, `status` a number or null")
    if at is not None and at.tzinfo is None:
        return Unreadable(where, "`at` must say its offset from UTC")
    return Line(where, key, status, told.get("answer"), at)
