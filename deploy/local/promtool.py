"""Prometheus's own checker of rules, for tests: one that is there, or that of the system's packages.

`python -m deploy.local.promtool` prints where it is, and fetches it first where there is none.
"""

import os
import shutil
import sys
from pathlib import Path

from deploy.local import packages

_NAME = "promtool"
# Tests use the one that it names.
VARIABLE = "PLUT_PROMTOOL"
CURE = (
    f"install Prometheus, or `go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0`, "
    f"and name promtool in ${VARIABLE}"
)


def find() -> Path | None:
    """Returns the one that $PLUT_PROMTOOL names, the system's, or one that was fetched before."""
    named = os.environ.get(VARIABLE)
    candidates = [named] if named else [shutil.which(_NAME), str(packages.kept(_NAME))]
    return next((Path(found) for found in candidates if found and Path(found).exists()), None)


def fetch() -> Path:
    """Returns one; takes it out of the system's package, without installing that, if there is none yet.

    Raises RuntimeError with the cure if that fails.
    """
    if found := find():
        return found
    packages.take("prometheus", "usr/bin/promtool", _NAME)
    if found := find():
        return found
    raise RuntimeError(f"no promtool could be fetched: {CURE}")


def main() -> None:
    """Prints where it is."""
    try:
        print(fetch())  # noqa: T201  a program of its own
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
