"""A wall clock that can be set while processes run: `faketime` between them and the machine's own."""

from collections.abc import Mapping
from pathlib import Path

from deploy.local.files import write_whole

_LIBRARIES = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
)


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


def _library() -> Path:
    for pattern in _LIBRARIES:
        for found in sorted(Path("/").glob(pattern.removeprefix("/"))):
            return found
    raise LookupError("the library of `faketime` is not installed (on Debian or Ubuntu: apt-get install faketime)")
