"""A question costs the same however much has happened: it reads totals, and more events do not make more of them."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.reporting.projections import businesses_by_region, office_activity
from shared.postgres import Pool
from tests.support.reporting_events import NOW, business, deliver, received, session

TODAY = NOW.date()
FEW, MANY = 120, 12_000


class _Watched:
    """A connection that notes how many rows each query has read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.rows = 0

    async def fetch(self, sql: str, *values: Any) -> Any:
        plan = json.loads(await self._connection.fetchval(f"explain (analyze, format json) {sql}", *values))
        self.rows += _scanned(plan[0]["Plan"])
        return await self._connection.fetch(sql, *values)


def _scanned(plan: dict[str, Any]) -> int:
    own = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") else 0
    return round(own) + sum(_scanned(child) for child in plan.get("Plans", []))


async def _grow(worker: Pool, first: int, last: int) -> None:
    """Every slice, a few days and regions: the same keys again and again."""
    for start in range(first, last, 1000):
        numbers = range(start, min(start + 1000, last))
        events = [business(UUID(int=1_000_000 + number)) for number in numbers if number % 4 == 0]
        events += [session(UUID(int=number), [], day=TODAY - timedelta(days=number % 3)) for number in numbers]
        await deliver(worker, received(events))


async def _ask(worker: Pool) -> int:
    async with worker.acquire() as connection:
        await connection.execute("set enable_seqscan = off")
        watched = _Watched(connection)
        await office_activity.by_office(watched, 1, ["35.76"], TODAY)
        await office_activity.per_day(watched, 1, ["35.76"], TODAY - timedelta(days=29), TODAY)
        await businesses_by_region.counts(watched, 1, ["35.76"])
    return watched.rows


@pytest.mark.timeout(240)
async def test_a_hundred_times_the_events_are_read_as_the_same_rows(worker: Pool) -> None:
    await _grow(worker, 0, FEW)
    few = await _ask(worker)
    await _grow(worker, FEW, MANY)
    assert 0 < await _ask(worker) <= 1.2 * few
