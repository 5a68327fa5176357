"""Single files out of the system's packages, which are not installed for that: tools that tests need."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.jars import cache_dir


def kept(name: str) -> Path:
    """Returns where a file that was taken is kept."""
    return cache_dir().with_name("tools") / name


def take(package: str, inside: str, name: str) -> None:
    """Keeps a file of a package, by its path (a pattern) inside; does nothing where there are no such packages.

    What went wrong is told on stderr, and nothing is kept.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return
    with tempfile.TemporaryDirectory() as directory:
        if os.geteuid() == 0:
            _run(["apt-get", "update", "-q"], directory)
        _run(["apt-get", "download", "-q", package], directory)
        for downloaded in Path(directory).glob(f"{package}_*.deb"):
            _run(["dpkg", "-x", downloaded.name, "unpacked"], directory)
        for found in Path(directory, "unpacked").glob(inside):
            kept(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(found, kept(name))


def _run(argv: list[str], directory: str) -> None:
    subprocess.run(argv, cwd=directory, stdout=sys.stderr, check=False)  # noqa: S603  our own commands
