"""Whatever the order, however often, from two appliers at once: the tables say what the newest states say."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from services.reporting.domain import fact_of
from services.reporting.projections import totals_of
from services.reporting.projections.applier import KIND_OF
from shared.consumer.applier import Received
from shared.contracts.catalogue import AnyEvent
from shared.postgres import RETRYABLE, Pool
from tests.support.reporting_events import business, deliver, office, received, session, tables

_OFFICES = ("35.01", "35.76")
_FIRST = date(2025, 12, 30)
_TABLES = ("fact_office", "fact_business", "fact_consultant", "fact_session", "office_activity", "businesses_by_region")


def _office(number: int, version: int) -> AnyEvent:
    return office(_OFFICES[number % 2], f"PLUT {version}", version)


def _business(number: int, version: int) -> AnyEvent:
    kinds = [["umkm"], ["umkm", "ikm"], ["cooperative"]][(number + version) % 3]
    status = "closed" if version == 4 else "active"
    home = _OFFICES[number % 2]
    place = {"home_office": home, "kelurahan": f"{home}.01.1001"}
    return business(UUID(int=100 + number), version, kinds=kinds, status=status, **place)


def _session(number: int, version: int) -> AnyEvent:
    met = [UUID(int=100 + number), UUID(int=101 + number)][: 1 + version % 2]
    return session(
        UUID(int=200 + number),
        met,
        version,
        known=version > 1,
        office=_OFFICES[version % 2],
        day=_FIRST + timedelta(days=(number * 3 + version) % 5),
        contact_minutes=10 * version,
        state="cancelled" if version == 3 else "completed",
    )


_MAKERS = (_office, _business, _session)
_HISTORY = {
    (maker.__name__, number, version): maker(number, version)
    for maker in _MAKERS
    for number in range(2 if maker is _office else 5)
    for version in range(1, 5)
}
_moments = some.lists(some.sampled_from(sorted(_HISTORY)), min_size=1, max_size=60)


def _expected(events: Sequence[AnyEvent]) -> dict[str, Counter[Any]]:
    """Recomputed from the newest states alone, slices summed."""
    newest: dict[str, Received] = {}
    for one in received(events):
        known = newest.get(one.event.aggregate_id)
        if known is None or one.event.version > known.event.version:
            newest[one.event.aggregate_id] = one
    sums: dict[str, Counter[Any]] = {total.name: Counter() for total in totals_of(1)}
    for one in newest.values():
        fact = fact_of(KIND_OF[one.event.type], one.event, one.partition)
        for total in totals_of(1):
            for key, amounts in total.contributions(fact):
                for name, amount in zip(total.amounts, amounts, strict=True):
                    sums[total.name][key, name] += amount
    return {name: +counted for name, counted in sums.items()}


async def _found(pool: Pool) -> dict[str, Counter[Any]]:
    found: dict[str, Counter[Any]] = {}
    for total in totals_of(1):
        found[total.name] = Counter()
        for row in await pool.fetch(total.sums_sql, 1):
            for name in total.amounts:
                found[total.name][tuple(row[column.name] for column in total.key), name] = row[name]
        found[total.name] = +found[total.name]
    return found


async def _begin_anew(pool: Pool) -> None:
    for table in _TABLES:
        await pool.execute(f"delete from {table}")


async def _apply(pool: Pool, events: Sequence[AnyEvent], size: int) -> None:
    """One applier: its records in batches, each tried again when another one was quicker, as the consumer does."""
    for start in range(0, len(events), size):
        batch = received(events[start : start + size])
        while True:
            try:
                await deliver(pool, batch)
                break
            except RETRYABLE:
                continue


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=_moments, other=_moments, sizes=some.tuples(some.integers(1, 20), some.integers(1, 20)))
async def test_two_appliers_in_any_order_lead_to_the_newest_states(
    worker: Pool, one: list[Any], other: list[Any], sizes: tuple[int, int]
) -> None:
    await _begin_anew(worker)
    streams = [[_HISTORY[moment] for moment in moments] for moments in (one, other)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(_apply(worker, stream, size) for stream, size in zip(streams, sizes, strict=True)))
    assert await _found(worker) == _expected([*streams[0], *streams[1]])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=_moments)
async def test_reading_everything_again_changes_nothing(worker: Pool, moments: list[Any]) -> None:
    await _begin_anew(worker)
    events = [_HISTORY[moment] for moment in moments]
    await _apply(worker, events, 7)
    before = await tables(worker)
    await _apply(worker, events, 3)
    await _apply(worker, list(reversed(events)), 5)
    assert await tables(worker) == before
    assert await worker.fetch("select * from consumer_alarm") == []
