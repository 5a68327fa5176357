"""One process, `python -m services.<service> <role>`: settings are checked before anything is opened."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn, TypeVar

import uvloop

from shared import failpoint, log, spans
from shared.settings import Environment, Settings, load, refuse

S = TypeVar("S", bound=Settings)


def start(service: str, settings: type[S], roles: Mapping[str, Callable[[S], Awaitable[None]]]) -> NoReturn:
    """Runs the role that the command line names, and ends the process; status 2 if there is no such role."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    role = roles.get(name)
    if role is None:
        sys.stderr.write(f"usage: python -m services.{service} {'|'.join(roles)}\n")
        raise SystemExit(2)
    told = load(settings)
    log.configure(told, service, name)
    _arm(told)
    spans.begin(told, service, name)
    uvloop.run(_run(role, told))
    spans.end()
    raise SystemExit(0)


async def _run(role: Callable[[S], Awaitable[None]], settings: S) -> None:
    await role(settings)


def _arm(settings: Settings) -> None:
    """Faults are for tests: a production process that is told to break refuses to start."""
    if not settings.failpoints:
        return
    if settings.env is Environment.PRODUCTION:
        refuse("PLUT_FAILPOINTS", "is set in production", "unset it")
    failpoint.arm(settings.failpoints)
