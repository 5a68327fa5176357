"""The product as it was before: its newest release, or where there is none, a fixed commit, installed beside this."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from deploy.local.jars import cache_dir

ROOT = Path(__file__).resolve().parents[2]
# As long as nothing was released: what stood before the fault scenarios were written.
_BEFORE_ANY_RELEASE = "d2ef16acb7b9b1d81f91cdf83f7b871635a6215e"
_COMPLETE = ".complete"
_SET_UP_SECONDS = 900.0


class EarlierError(Exception):
    """The earlier product cannot be had here; says why."""


def revision() -> str:
    """Returns the commit to compare with: of the newest release that this code descends from. Raises EarlierError."""
    released = _git("tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD", "--sort=-version:refname")
    name = released.split()[0] if released.split() else _BEFORE_ANY_RELEASE
    return _git("rev-parse", "--verify", f"{name}^{{commit}}").strip()


def checkout() -> Path:
    """Returns a directory that holds the earlier code with a `.venv` of its own lock; made at the first call.

    All installations of this user share it. Raises EarlierError.
    """
    wanted = revision()
    directory = cache_dir().with_name("releases") / wanted
    if not (directory / _COMPLETE).exists():
        _unpack(wanted, directory)
        _set_up(directory)
        (directory / _COMPLETE).touch()
    return directory


def why_not() -> str | None:
    """Returns why the earlier product cannot be had here; None if it can."""
    try:
        revision()
    except EarlierError as error:
        return str(error)
    return None


def _unpack(commit: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(_bytes_of("archive", "--format=tar", commit))) as archive:
        archive.extractall(directory, filter="data")


def _set_up(directory: Path) -> None:
    """By its own set-up; what this process was told about its environment is not that one's business."""
    base = getattr(sys, "_base_executable", sys.executable)
    own = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(  # noqa: S603  our own command
        [base, "deploy/setup.py", "run"],
        cwd=directory,
        env=own,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SET_UP_SECONDS,
    )
    if done.returncode != 0:
        raise EarlierError(f"the earlier product could not be set up in {directory}: {done.stdout}{done.stderr}")


def _git(*words: str) -> str:
    return _bytes_of(*words).decode()


def _bytes_of(*words: str) -> bytes:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)  # noqa: S603, S607  the user's git
    except FileNotFoundError:
        raise EarlierError("git is not installed") from None
    if done.returncode != 0:
        raise EarlierError(f"the history of this code is not here: git {words[0]}: {done.stderr.decode().strip()}")
    return done.stdout
