"""Ports to listen on.

They are taken from below the range that the system gives to outgoing connections. From inside it, a client that goes on
trying to reach a stopped server is sooner or later given the server's port for its own end: it connects to itself and
keeps the port.
"""

import random
import socket
from pathlib import Path

_LOWEST = 15_000
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
