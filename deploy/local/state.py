"""What runs, as the supervisor last wrote it down for whoever asks."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.files import write_whole
from deploy.local.process import Identity


@dataclass(frozen=True)
class ProcessState:
    """One process of a service. `pid` is None while it is down."""

    service: str
    role: str
    number: int
    url: str
    pid: int | None = None
    started: float | None = None
    restarts: int = 0

    @property
    def name(self) -> str:
        return process_name(self.service, self.role, self.number)

    @property
    def identity(self) -> Identity | None:
        return _identity(self.pid, self.started)


@dataclass(frozen=True)
class ServerState:
    """Postgres or Kafka. `pid` is None while it is down."""

    name: str
    address: str
    pid: int | None = None
    started: float | None = None
    restarts: int = 0

    @property
    def identity(self) -> Identity | None:
        return _identity(self.pid, self.started)


@dataclass(frozen=True)
class State:
    """`ready` is true once everything has been healthy, until it is stopped; `failed` says why a start was given up."""

    pid: int
    started: float
    ready: bool = False
    failed: str | None = None
    infrastructure: list[ServerState] = field(default_factory=list)
    processes: list[ProcessState] = field(default_factory=list)

    @property
    def supervisor(self) -> Identity:
        return Identity(self.pid, self.started)

    def save(self, path: Path) -> None:
        """Replaces the file as a whole, so that nobody reads half of it."""
        write_whole(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def load(cls, path: Path) -> "State | None":
        """Returns None if there is none, or none that can be read."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            servers = [ServerState(**server) for server in found.pop("infrastructure")]
            processes = [ProcessState(**process) for process in found.pop("processes")]
            return cls(**found, infrastructure=servers, processes=processes)
        return None


def process_name(service: str, role: str, number: int = 1) -> str:
    """Returns the name that logs and commands use, such as `registry-api` or, for a second one, `registry-relay-2`."""
    name = service if service == role else f"{service}-{role}"
    return name if number == 1 else f"{name}-{number}"


def _identity(pid: int | None, started: float | None) -> Identity | None:
    return Identity(pid, started) if pid is not None and started is not None else None
