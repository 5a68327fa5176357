"""A wall clock that can be set while processes run: `faketime` between them and the machine's own.

`python -m deploy.chaos.clock` fetches its library where there is none.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import packages
from deploy.local.files import write_whole

_NAME = "libfaketimeMT.so.1"
_PLACES = (f"/usr/lib/*/faketime/{_NAME}", f"/usr/lib/faketime/{_NAME}", f"/usr/lib64/faketime/{_NAME}")


class Clock:
    """One clock, for all processes whose environment it is put into; right until it is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: float) -> None:
        """So far ahead of the right time, or behind it; within about a second. What is measured goes on evenly."""
        write_whole(self._file, f"{seconds:+.3f}")

    @property
    def environment(self) -> Mapping[str, str]:
        """Raises LookupError where `why_not` says why."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }


def why_not() -> str | None:
    """Returns why this machine cannot have such clocks; None if it can."""
    try:
        _library()
    except LookupError as error:
        return str(error)
    return None


def fetch() -> None:
    """Takes the library out of the system's package if there is none yet. Raises LookupError if that fails."""
    if why_not() is not None:
        packages.take("libfaketime", f"usr/lib/*/faketime/{_NAME}", _NAME)
    _library()


def _library() -> Path:
    found = [place for pattern in _PLACES for place in sorted(Path("/").glob(pattern.removeprefix("/")))]
    for place in (*found, packages.kept(_NAME)):
        if place.exists():
            return place
    raise LookupError(
        "the library of `faketime` is not there: `python -m deploy.chaos.clock` fetches it from packages of Debian and"
        " Ubuntu, elsewhere install `faketime`"
    )


if __name__ == "__main__":
    try:
        fetch()
    except LookupError as error:
        sys.exit(str(error))
