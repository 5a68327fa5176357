"""Log files of the processes: one each, kept small."""

import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

_GREATEST_BYTES = 16 * 1024 * 1024
_POLL_SECONDS = 0.2


def rotate(directory: Path, greatest: int = _GREATEST_BYTES) -> None:
    """Moves the content of each log above `greatest` bytes to `<name>.log.1`, and empties the log.

    The file itself stays, for the process goes on appending to it.
    """
    for log in directory.glob("*.log"):
        if log.stat().st_size > greatest:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate(0)


def last_lines(log: Path, count: int) -> list[str]:
    """Returns the last `count` lines; none if there is no such log yet."""
    if not log.exists():
        return []
    with log.open(encoding="utf-8", errors="replace") as lines:
        return [line.rstrip("\n") for line in deque(lines, maxlen=count)]


def follow(log: Path) -> Iterator[str]:
    """Yields the lines that are appended from now on, for ever; a log that was emptied is read from its beginning."""
    position = _size(log)
    rest = b""
    while True:
        size = _size(log)
        position = 0 if size < position else position
        if size > position:
            with log.open("rb") as file:
                file.seek(position)
                *lines, rest = (rest + file.read(size - position)).split(b"\n")
            position = size
            yield from (line.decode("utf-8", errors="replace") for line in lines)
        time.sleep(_POLL_SECONDS)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0
