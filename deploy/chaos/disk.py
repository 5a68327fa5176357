"""A small disk of its own for one directory, that can be filled to the last byte: a tmpfs, so root is needed."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

_MEGABYTE = 1 << 20
_BALLAST = ".ballast"


class Disk:
    """Beneath `directory`; while it is put there or taken away nothing may use that directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._ballast = self.directory / _BALLAST

    @property
    def is_there(self) -> bool:
        return os.path.ismount(self.directory)

    def put(self, megabytes: int) -> None:
        """Moves what is in the directory onto a disk that has so much room left. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        size = _used(self.directory) + megabytes * _MEGABYTE
        aside = self._aside()
        self.directory.rename(aside)
        self.directory.mkdir()
        try:
            _mount(self.directory, size)
        except OSError:
            self.directory.rmdir()
            aside.rename(self.directory)
            raise
        _copy(aside, self.directory)
        shutil.rmtree(aside)

    def take_away(self) -> None:
        """Moves what is on the disk back beneath it. Safe to call twice. Raises OSError while somebody uses it."""
        if not self.is_there:
            return
        self.empty()
        aside = self._aside()
        aside.mkdir()
        _copy(self.directory, aside)
        _run("umount", str(self.directory))
        self.directory.rmdir()
        aside.rename(self.directory)

    def fill(self) -> int:
        """Takes all the room that is left, and returns how many bytes that were."""
        taken = 0
        with suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            for size in (_MEGABYTE, 4096, 1):
                with suppress(OSError):
                    while True:
                        taken += ballast.write(bytes(size))
        return taken

    def empty(self) -> None:
        """Gives the room back. Safe to call twice."""
        self._ballast.unlink(missing_ok=True)

    @property
    def left(self) -> int:
        """How many bytes can still be written."""
        found = os.statvfs(self.directory)
        return found.f_bavail * found.f_frsize

    def _aside(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.aside")


def why_not() -> str | None:
    """Returns why this machine cannot have such disks; None if it can."""
    if os.geteuid() != 0:
        return "only root may mount a small disk"
    with tempfile.TemporaryDirectory() as directory:
        try:
            _mount(Path(directory), _MEGABYTE)
            _run("umount", directory)
        except OSError as error:
            return f"a small disk cannot be mounted here: {error}"
    return None


def _mount(directory: Path, size: int) -> None:
    found = directory.stat()
    owner = f"mode={found.st_mode & 0o7777:o},uid={found.st_uid},gid={found.st_gid}"
    _run("mount", "-t", "tmpfs", "-o", f"size={size},{owner}", "tmpfs", str(directory))


def _copy(source: Path, target: Path) -> None:
    _run("cp", "-a", f"{source}/.", str(target))


def _used(directory: Path) -> int:
    """Returns the bytes that the content takes on a disk of whole pages."""
    sizes = (path.lstat().st_size for path in directory.rglob("*"))
    return sum(-(-size // 4096) * 4096 + 4096 for size in sizes)


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  our own commands
    except FileNotFoundError as error:
        raise OSError(f"{words[0]} is missing") from error
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
