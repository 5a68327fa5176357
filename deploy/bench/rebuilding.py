"""A rebuild measured: the log read from its beginning, facts written, totals summed, until the new set follows."""

import time
from collections.abc import Callable

from deploy.bench.cpu import Spent
from deploy.local.installation import Installation
from services.reporting.rebuild import Progress, rebuild
from services.reporting.settings import SERVICE
from services.reporting.store import group_of
from shared.consumer import offsets
from shared.postgres import connect, role_name

# What is measured ends where this step begins.
_AFTERWARDS = "comparing"


async def rebuilt(installation: Installation, say: Callable[[str], None]) -> float:
    """Rebuilds the read models of reporting; returns events per second of the log."""
    steps: dict[str, tuple[float, float, Spent]] = {}

    def tell(progress: Progress) -> None:
        if progress.step not in steps:
            steps[progress.step] = _clocks(installation)

    begun, own, spent = _clocks(installation)
    outcome = await rebuild(installation.settings(SERVICE, "consume"), tell)
    events = await _read_by(installation, outcome.version)
    ended, own_then, spent_then = steps.get(_AFTERWARDS) or _clocks(installation)
    parts = [f"{name} after {at - begun:.1f} s" for name, (at, _, _) in steps.items()]
    say(f"the rebuild of {events:,} events: {', '.join(parts)}, done after {time.monotonic() - begun:.1f} s")
    summing = (own_then - own) / events * 1e6
    say(f"microseconds of processor time per event: {spent_then.since(spent, events)}, summing {summing:.0f}")
    return events / (ended - begun)


def _clocks(installation: Installation) -> tuple[float, float, Spent]:
    """Returns what time it is, and what this process, which sums, and the others have spent of it."""
    return time.monotonic(), time.process_time(), Spent.by(installation)


async def _read_by(installation: Installation, set_version: int) -> int:
    settings = installation.settings(SERVICE, "worker")
    connection = await connect(settings, role_name(SERVICE, "worker"), schema=SERVICE, application="plut-bench")
    try:
        _, read = await offsets.position(connection, group_of(set_version))
        return read
    finally:
        await connection.close(timeout=5)
