"""Apache Kafka's jars: named and pinned by SHA-256 in jars.lock.toml, fetched once per user, checked at every start."""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK = Path(__file__).with_name("jars.lock.toml")
# The broker, and the binding of the slf4j 1.7 it logs through that writes to stderr and needs no file of its own.
_WANTED = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
_FETCHERS = 6

Progress = Callable[[int, int], None]


class JarsError(Exception):
    """Jars are missing or not what the lock says, and could not be fetched."""


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def is_intact(self, path: Path) -> bool:
        """Tells whether the file is there and has the locked digest."""
        try:
            with path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


def cache_dir() -> Path:
    """Returns the directory that all installations of this user share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "plut" / "jars"


def locked() -> list[Jar]:
    """Returns the jars in the order of the lock, which is the order of the class path."""
    entries = tomllib.loads(LOCK.read_text(encoding="utf-8"))["dependencies"]
    return [Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"]) for entry in entries]


def missing(directory: Path | None = None) -> list[Jar]:
    """Returns the jars that are not in the cache, or are damaged there."""
    where = directory or cache_dir()
    return [jar for jar in locked() if not jar.is_intact(where / jar.file)]


def class_path(directory: Path | None = None) -> str:
    """Returns Java's class path of the broker."""
    where = directory or cache_dir()
    return os.pathsep.join(str(where / jar.file) for jar in locked())


def fetch(progress: Progress = lambda _done, _total: None) -> Path:
    """Brings the cache up to the lock and returns its directory; `progress` is told (fetched, to be fetched).

    Several may call it at once: one fetches, the others wait. Raises JarsError.
    """
    directory = cache_dir()
    if not missing(directory):
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(directory), tempfile.TemporaryDirectory(prefix=".incoming-", dir=directory) as incoming:
        absent = missing(directory)
        context = _maven(Path(incoming))
        with ThreadPoolExecutor(_FETCHERS) as pool:
            for done, (jar, path) in enumerate(pool.map(lambda jar: (jar, _download(jar, context)), absent), start=1):
                path.replace(directory / jar.file)
                progress(done, len(absent))
    return directory


def relock() -> int:
    """Resolves what the broker needs and writes the lock; returns the number of jars."""
    from jgo.env import LockFile
    from jgo.parse import Coordinate

    with tempfile.TemporaryDirectory() as scratch:
        context = _maven(Path(scratch))
        wanted = [context.create_dependency(replace(Coordinate.parse(name), scope="compile")) for name in _WANTED]
        inputs, transitive = context.resolver.resolve(wanted)
        needed = [*inputs, *(found for found in transitive if found.scope in ("compile", "runtime"))]
        LockFile.from_resolved_dependencies(needed, environment_name="kafka").save(LOCK)
    return len(needed)


def _download(jar: Jar, context: "MavenContext") -> Path:
    try:
        path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:
        raise JarsError(
            f"{jar.file} could not be fetched: {error}. Is there a connection to a Maven repository?"
        ) from error
    if not jar.is_intact(path):
        raise JarsError(f"{jar.file} came with another SHA-256 than {LOCK.name} says; it was thrown away. Try again.")
    return path


def _maven(repository: Path) -> "MavenContext":
    """Returns jgo's view of Maven: its default repository, or those that the user's jgo.conf names (a mirror)."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    # jgo fetches with requests, which knows one variable of its own only.
    if certificates := os.environ.get("SSL_CERT_FILE"):
        os.environ.setdefault("REQUESTS_CA_BUNDLE", certificates)
    mirrors = GlobalSettings.load().repositories
    return MavenContext(repo_cache=repository, remote_repos=mirrors or None, timeout=60)


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in directory.glob(".incoming-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        yield


def main() -> None:
    """Fetches what is missing; `lock` resolves anew what the broker needs."""
    if sys.argv[1:] == ["lock"]:
        print(f"{relock()} jars in {LOCK.name}")  # noqa: T201  a program of its own
        return
    try:
        fetch(_tell)
    except JarsError as error:
        sys.exit(str(error))


def _tell(done: int, total: int) -> None:
    if done in (1, total) or done % 10 == 0:
        print(f"Kafka's jars: {done} of {total} fetched", flush=True)  # noqa: T201  the same


if __name__ == "__main__":
    main()
