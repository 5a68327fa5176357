"""A browser for the tests: one that is there, the system's, or Playwright's: `python -m deploy.local.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Tests use the browser that it names.
VARIABLE = "PLUT_CHROMIUM"


def find() -> Path | None:
    """Returns the browser that tests use: the one $PLUT_CHROMIUM names, the system's, or Playwright's own."""
    named = os.environ.get(VARIABLE)
    candidates = [named] if named else [*map(shutil.which, _NAMES), _playwrights_own()]
    return next((Path(found) for found in candidates if found and Path(found).exists()), None)


def install() -> Path:
    """Installs a browser where none is found; returns it. Raises RuntimeError with the cure if that fails."""
    if found := find():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update", "-q"])
        _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"])
    else:
        _run([sys.executable, "-m", "playwright", "install", "chromium-headless-shell", "chromium"])
    if found := find():
        return found
    raise RuntimeError(
        f"no browser could be installed. Install Chromium and name it in ${VARIABLE}, then run this again."
    )


def _playwrights_own() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _run(argv: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(argv, env=environment, stdout=sys.stderr, check=False)  # noqa: S603  our own commands


def main() -> None:
    """Prints where the browser is."""
    try:
        print(install())  # noqa: T201  a program of its own
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
