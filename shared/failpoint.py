"""Named faults, so that a test can break the same place every time. No-ops unless PLUT_FAILPOINTS names them.

`relay.after_ack=kill@0.2;api.before_commit=sleep(3)`: SIGKILL of this process with probability 0.2;
sleep seconds.
"""

import asyncio
import os
import random
import re
import signal
from dataclasses import dataclass

import structlog

_RULE = re.compile(r"^(?P<name>[a-z_.]+)=(?P<act>kill|raise|sleep\((?P<seconds>[0-9.]+)\))(@(?P<chance>[0-9.]+))?$")


class InjectedFault(Exception):
    """Raised by a failpoint whose action is `raise`."""


@dataclass(frozen=True)
class _Fault:
    act: str
    seconds: float
    chance: float


_active: dict[str, _Fault] = {}


def arm(spec: str) -> None:
    """Arms the named faults; raises ValueError for a rule that cannot be read."""
    _active.clear()
    for rule in filter(None, spec.split(";")):
        match = _RULE.match(rule.strip())
        if match is None:
            raise ValueError(f"PLUT_FAILPOINTS: cannot read {rule!r}; write name=kill@0.2, name=raise or name=sleep(3)")
        _active[match["name"]] = _Fault(
            match["act"].split("(")[0], float(match["seconds"] or 0), float(match["chance"] or 1)
        )


async def point(name: str) -> None:
    """Does nothing, or what was armed for this name."""
    if not _active:
        return
    fault = _active.get(name)
    if fault is None or random.random() >= fault.chance:  # noqa: S311  chance of a fault, not a secret
        return
    # Whoever armed it must be able to prove that it happened.
    structlog.get_logger().warning("failpoint", failpoint=name, act=fault.act)
    if fault.act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.act == "sleep":
        await asyncio.sleep(fault.seconds)
    else:
        raise InjectedFault(name)
