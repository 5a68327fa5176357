"""What each process of an installation spends: the part of a measurement that a busy machine does not falsify."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from deploy.local.installation import Installation


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time by process name and pid: its own and its children's (Postgres's backends)."""

    seconds: Mapping[str, Mapping[int, float]]

    @classmethod
    def by(cls, installation: Installation) -> "Spent":
        """Reads the clocks of all processes that run now."""
        state = installation.state
        servers = {one.name: one.pid for one in state.infrastructure} if state else {}
        services = {one.name: one.pid for one in state.processes} if state else {}
        return cls({name: _seconds(pid) for name, pid in {**servers, **services}.items() if pid is not None})

    def since(self, before: "Spent", events: int) -> str:
        """Returns, most first, microseconds per event of what has spent any since `before`."""
        spent = {name: self.of(name, before) for name in self.seconds}
        most = sorted(spent.items(), key=lambda item: -item[1])
        return ", ".join(f"{name} {seconds / events * 1e6:.0f}" for name, seconds in most if seconds / events > 1e-6)

    def of(self, name: str, before: "Spent") -> float:
        """Returns the seconds that one process and its children have spent since `before`; 0 for an unknown one."""
        earlier = before.seconds.get(name, {})
        return sum(now - earlier.get(pid, 0.0) for pid, now in self.seconds.get(name, {}).items())


def seconds_of(pids: Iterable[int]) -> float:
    """Returns the seconds of processor time that these processes have spent by now; those that are gone, none."""
    found = 0.0
    for pid in pids:
        with suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            found += times.user + times.system
    return found


def _seconds(pid: int) -> Mapping[int, float]:
    found: dict[int, float] = {}
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()
                found[one.pid] = times.user + times.system
    return found
