"""The processes of one installation: the only place that lists them."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from deploy.local.state import process_name
from shared.contracts.catalogue import PARTITIONS

SERVICES = ("registry", "mentoring", "reporting")
DATABASE_ROLES = ("owner", "app", "worker")
# Which database role a process of each kind logs in as.
DATABASE_ROLE = {"migrate": "owner", "api": "app", "relay": "worker", "consume": "worker"}
# What belongs to no service has one role and a program of its own.
_MODULE_OF = {"issuer": "deploy.local.issuer", "watch": "shared.watch"}


@dataclass(frozen=True)
class Program:
    """One process to keep running; `number` tells replicas apart.

    `yields` to the others where they share a processor: what it does may wait a few seconds in a busy minute.
    """

    service: str
    role: str
    number: int = 1
    yields: bool = False

    @property
    def name(self) -> str:
        return process_name(self.service, self.role, self.number)

    @property
    def needs_kafka(self) -> bool:
        return self.role in ("relay", "consume", "watch")

    @property
    def argv(self) -> list[str]:
        module = _MODULE_OF.get(self.service, f"services.{self.service}")
        arguments = [] if self.service in _MODULE_OF else [self.role]
        niceness = ["nice", "-n", "10"] if self.yields and shutil.which("nice") else []
        return [*niceness, sys.executable, "-m", module, *arguments]


PROGRAMS = (
    Program("issuer", "issuer"),
    Program("registry", "api"),
    Program("registry", "relay", 1),
    Program("registry", "relay", 2),
    # A client's message may come a moment later; what the province sees may not.
    Program("registry", "consume", yields=True),
    Program("mentoring", "api"),
    Program("mentoring", "relay", 1),
    Program("mentoring", "relay", 2),
    Program("mentoring", "consume"),
    Program("reporting", "api"),
    Program("reporting", "consume"),
    Program("watch", "watch", yields=True),
)
# Consumers share the partitions of their topics; of more than there are partitions some would have nothing to read.
# Each api answers at an address of its own: whoever calls spreads the requests.
SCALABLE = tuple(program.name for program in PROGRAMS if program.role in ("consume", "api"))
MOST_CONSUMERS = PARTITIONS
MIGRATIONS = tuple(Program(service, "migrate") for service in SERVICES)


def programs(numbers: Mapping[str, int]) -> tuple[Program, ...]:
    """Returns what is to run: each process once, and as many of the scalable as `numbers` says by their names."""
    return tuple(
        replace(program, number=number)
        for program in PROGRAMS
        for number in (program.number, *range(2, 1 + numbers.get(program.name, 1)))
    )


def database_role(role: str) -> str:
    """Returns `owner`, `app` or `worker` for the role of a process, or for itself."""
    return role if role in DATABASE_ROLES else DATABASE_ROLE[role]
