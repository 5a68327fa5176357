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
    steps: dict[str, tuple[float, Spent]] = {}

    def tell(progress: Progress) -> None:
        steps.setdefault(progress.step, (time.monotonic(), Spent.by(installation)))

    begun, spent = time.monotonic(), Spent.by(installation)
    outcome = await rebuild(installation.settings(SERVICE, "consume"), tell)
    events = await _read_by(installation, outcome.version)
    ended, spent_then = steps.get(_AFTERWARDS, (time.monotonic(), Spent.by(installation)))
    parts = [f"{name} after {at - begun:.1f} s" for name, (at, _) in steps.items()]
    say(f"the rebuild of {events:,} events: {', '.join(parts)}, done after {time.monotonic() - begun:.1f} s")
    say(f"microseconds of processor time per event: {spent_then.since(spent, events)}")
    return events / (ended - begun)


async def _read_by(installation: Installation, set_version: int) -> int:
    settings = installation.settings(SERVICE, "worker")
    connection = await connect(settings, role_name(SERVICE, "worker"), schema=SERVICE, application="plut-bench")
    try:
        _, read = await offsets.position(connection, group_of(set_version))
        return read
    finally:
        await connection.close(timeout=5)
