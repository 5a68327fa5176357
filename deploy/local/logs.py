"""Log files of the processes: one each, kept small."""

import shutil
import time
from collections import deque
from collections.abc import Iterator, Sequence
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


def follow_all(logs: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yields each line that is appended to one of the logs from now on, with its log, for ever."""
    tails = [Tail(log) for log in logs]
    while True:
        for tail in tails:
            yield from ((tail.log, line) for line in tail.new_lines())
        time.sleep(_POLL_SECONDS)


class Tail:
    """A place in a log; one that was emptied is read from its beginning."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._position = self._size()
        self._rest = b""

    def new_lines(self) -> list[str]:
        """Returns the lines that were completed since it was last asked."""
        size = self._size()
        self._position = 0 if size < self._position else self._position
        if size == self._position:
            return []
        with self.log.open("rb") as file:
            file.seek(self._position)
            *lines, self._rest = (self._rest + file.read(size - self._position)).split(b"\n")
        self._position = size
        return [line.decode("utf-8", errors="replace") for line in lines]

    def _size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0
