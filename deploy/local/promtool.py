"""Prometheus's own checker of rules, for tests: one that is there, or that of the system's packages.

`python -m deploy.local.promtool` prints where it is, and fetches it first where there is none.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.jars import cache_dir

# Tests use the one that it names.
VARIABLE = "PLUT_PROMTOOL"
CURE = (
    f"install Prometheus, or `go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0`, "
    f"and name promtool in ${VARIABLE}"
)


def find() -> Path | None:
    """Returns the one that $PLUT_PROMTOOL names, the system's, or one that was fetched before."""
    named = os.environ.get(VARIABLE)
    candidates = [named] if named else [shutil.which("promtool"), str(_fetched())]
    return next((Path(found) for found in candidates if found and Path(found).exists()), None)


def fetch() -> Path:
    """Returns one; takes it out of the system's package, without installing that, if there is none yet.

    Raises RuntimeError with the cure if that fails.
    """
    if found := find():
        return found
    if shutil.which("apt-get") and shutil.which("dpkg"):
        _unpack()
    if found := find():
        return found
    raise RuntimeError(f"no promtool could be fetched: {CURE}")


def _unpack() -> None:
    with tempfile.TemporaryDirectory() as directory:
        if os.geteuid() == 0:
            _run(["apt-get", "update", "-q"], directory)
        _run(["apt-get", "download", "-q", "prometheus"], directory)
        for package in Path(directory).glob("prometheus_*.deb"):
            _run(["dpkg", "-x", package.name, "unpacked"], directory)
        unpacked = Path(directory, "unpacked", "usr", "bin", "promtool")
        if unpacked.exists():
            _fetched().parent.mkdir(parents=True, exist_ok=True)
            shutil.move(unpacked, _fetched())


def _fetched() -> Path:
    return cache_dir().with_name("tools") / "promtool"


def _run(argv: list[str], directory: str) -> None:
    subprocess.run(argv, cwd=directory, stdout=sys.stderr, check=False)  # noqa: S603  our own commands


def main() -> None:
    """Prints where it is."""
    try:
        print(fetch())  # noqa: T201  a program of its own
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
