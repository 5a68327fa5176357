"""Ports to listen on.

They are taken from below the range that the system gives to outgoing connections. From inside it, a client that goes on
trying to reach a stopped server is sooner or later given the server's port for its own end: it connects to itself and
keeps the port.
"""

import json
import random
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.files import write_whole

_LOWEST = 15_000
_HIGHEST = 65_535
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Tells whether nobody listens on the port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose(avoid: set[int] | None = None) -> int:
    """Returns a free port that is not in `avoid`. Raises OSError if a thousand tries find none."""
    for _ in range(1_000):
        port = random.randrange(_LOWEST, _first_outgoing())  # noqa: S311  nothing secret in a port
        if port not in (avoid or ()) and is_free(port):
            return port
    raise OSError("no free port was found on 127.0.0.1")


def _first_outgoing() -> int:
    try:
        first = int(_OUTGOING.read_text(encoding="ascii").split()[0])
    except OSError:
        first = 32_768
    return first if first > _LOWEST + 1_000 else 65_000


class PortBook:
    """The ports of one installation by name, kept in a file so that addresses stay the same from start to start."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say

    def __getitem__(self, name: str) -> int:
        return load(self._path)[name]

    def choose_for(self, names: Sequence[str]) -> None:
        """Gives each name its kept port, or another one where that is taken now."""
        kept = load(self._path)
        chosen = {name: kept[name] for name in names if name in kept}
        for name in names:
            if name not in chosen or not is_free(chosen[name]):
                self._tell_of_taken(name, chosen.get(name))
                chosen[name] = choose(avoid=set(chosen.values()))
        save(self._path, chosen)

    def add(self, name: str) -> None:
        """Gives a further name a port, unless it has one."""
        kept = load(self._path)
        if name not in kept:
            save(self._path, {**kept, name: choose(avoid=set(kept.values()))})

    def move_if_taken(self, name: str) -> None:
        """Gives one name another port if somebody took its own while it was down."""
        kept = load(self._path)
        if not is_free(kept[name]):
            self._tell_of_taken(name, kept[name])
            save(self._path, {**kept, name: choose(avoid=set(kept.values()))})

    def _tell_of_taken(self, name: str, port: int | None) -> None:
        if port is not None:
            self._say(f"port {port} of {name} is taken by another program; {name} gets another one")


def load(path: Path) -> dict[str, int]:
    """Returns the kept ports by name; none if nothing usable was kept, and none that is no port."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): int(port) for name, port in found.items() if 0 < int(port) <= _HIGHEST}
    return {}


def save(path: Path, ports: dict[str, int]) -> None:
    """Keeps the ports for the next start."""
    write_whole(path, json.dumps(ports, indent=2))
