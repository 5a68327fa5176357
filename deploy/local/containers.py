"""What runs of an installation in containers: Docker is asked, nobody writes it down."""

import json
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local.process import Identity
from deploy.local.state import ProcessState, ServerState, State
from deploy.local.table import PROGRAMS

_SERVICE = "com.docker.compose.service"
_NUMBER = "com.docker.compose.container-number"
_PORT = 8000
_KINDS = {program.name: (program.service, program.role) for program in PROGRAMS}
# As long as it runs the installation does.
_DOOR = "front"
_DOCKER_SECONDS = 20.0


@dataclass(frozen=True)
class Described:
    """Written by the container that prepares: which project of Docker Compose, and how the issuer calls itself."""

    project: str
    issuer: str

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Described | None":
        """Returns None for an installation without containers."""
        with suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        return None


def state_of(project: str, addresses: dict[str, str]) -> State | None:
    """Returns what runs, pids as this machine sees them; None if nothing was ever started or Docker cannot be asked.

    `addresses`: where Postgres and Kafka are reached from this machine.
    """
    found = sorted(_containers(project), key=lambda each: (_label(each, _SERVICE), int(_label(each, _NUMBER))))
    door = next((each for each in found if _label(each, _SERVICE) == _DOOR), None)
    if door is None:
        return None
    pid, started = _identity(door)
    servers = [
        ServerState(name, addresses[name], *_identity(each), each["RestartCount"])
        for name in addresses
        for each in found
        if _label(each, _SERVICE) == name
    ]
    processes = [_process(each) for name in _KINDS for each in found if _label(each, _SERVICE) == name]
    return State(pid or 0, started or 0.0, ready=pid is not None, infrastructure=servers, processes=processes)


def _process(container: dict[str, Any]) -> ProcessState:
    service, role = _KINDS[_label(container, _SERVICE)]
    networks = container["NetworkSettings"]["Networks"].values()
    address = next((each["IPAddress"] for each in networks if each["IPAddress"]), "127.0.0.1")
    number = int(_label(container, _NUMBER))
    return ProcessState(
        service, role, number, f"http://{address}:{_PORT}", *_identity(container), container["RestartCount"]
    )


def _identity(container: dict[str, Any]) -> tuple[int | None, float | None]:
    with suppress(psutil.Error):
        if container["State"]["Running"]:
            identity = Identity.of(int(container["State"]["Pid"]))
            return identity.pid, identity.started
    return None, None


def _label(container: dict[str, Any], name: str) -> str:
    return str(container["Config"]["Labels"].get(name, "0"))


def _containers(project: str) -> list[dict[str, Any]]:
    ids = _docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}").split()
    return json.loads(_docker("inspect", *ids) or "[]") if ids else []


def _docker(*words: str) -> str:
    """What it prints, also where a container went away meanwhile; nothing where there is no Docker."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=_DOCKER_SECONDS)  # noqa: S603, S607  the Docker of the PATH
        return done.stdout
    return ""
