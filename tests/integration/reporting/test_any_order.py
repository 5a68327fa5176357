"""Whatever the order, however often, from two appliers at once: the tables say what the newest states say."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from shared.contracts.catalogue import AnyEvent
from shared.postgres import Pool
from tests.infrastructure import databases
from tests.infrastructure.databases import Template
from tests.support.read_models import apply, begin_anew, found
from tests.support.recomputation import recompute
from tests.support.reporting_events import NOW, business, event, office, session, tables

_OFFICES = ("35.76", "35.79")
_DAYS = [date(2023, 12, 30) + timedelta(days=number) for number in range(4)]
# The last of them turned out to be the first.
_BUSINESSES = [UUID(int=100 + number) for number in range(5)]
_ALIASES = {_BUSINESSES[-1]: _BUSINESSES[0]}
_STATES = ("scheduled", "completed", "confirmed", "contested", "cancelled", "no_show")


def _office(number: int, version: int) -> AnyEvent:
    return office(_OFFICES[number % 2], f"PLUT {version}", version)


def _business(number: int, version: int) -> AnyEvent:
    kinds = [["umkm"], ["umkm", "ikm"], ["cooperative"]][(number + version) % 3]
    home = _OFFICES[(number + version) // 2 % 2]
    changes = {"status": "closed", "closed_on": _DAYS[-1]} if version == 3 else {}
    place = {"home_office": home, "registered_by": _OFFICES[number % 2], "kelurahan": f"{home}.01.100{version}"}
    return business(_BUSINESSES[number], version, kinds=kinds, registered_on=_DAYS[number % 4], **place, **changes)


def _session(number: int, version: int) -> AnyEvent:
    """Its versions differ in all that can be corrected. Two of one business and year make 300 minutes, or less."""
    turn = number * 5 + version * 3
    met = [_BUSINESSES[(number + step) % 5] for step in range(1 + turn % 3)]
    told = [
        {"id": str(one), "known": (turn + place) % 4 > 0, "attested": turn % 2 > 0} for place, one in enumerate(met)
    ]
    id_ = UUID(int=200 + number)
    state = {
        **session(id_, met).payload.state.model_dump(mode="json"),
        "businesses": told,
        "office": _OFFICES[turn % 2],
        "day": _DAYS[turn % 4],
        "contact_minutes": (150, 149)[version % 2],
        "travel_minutes": turn,
        "consultants": [str(UUID(int=9 + number % 2)), str(UUID(int=9))],
        "field": ("marketing", "finance")[turn % 2],
        "state": _STATES[turn % 6] if version > 2 else "completed",
        "imported": number == 0,
        "accepted": number > 0 or version > 1,
    }
    return event("SessionCorrected", str(id_), version, state)


_COUNTS = {_office: 2, _business: 5, _session: 6}
_HISTORY = {
    (maker.__name__, number, version): maker(number, version)
    for maker, count in _COUNTS.items()
    for number in range(count)
    for version in range(1, 5)
}
_MOMENTS = sorted(_HISTORY)
_SESSIONS = [moment for moment in _MOMENTS if moment[0] == "_session"]
_moments = some.lists(some.sampled_from(_MOMENTS) | some.sampled_from(_SESSIONS), max_size=60)
_sizes = some.integers(1, 20)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(template: Template) -> AsyncIterator[Pool]:
    """One database for all examples: each begins anew."""
    own = await template.clone()
    yield await own.pool("reporting", "worker", size=3)
    await databases.drop(own)


async def _begin(pool: Pool, aliases: Mapping[UUID, UUID] = _ALIASES) -> None:
    await begin_anew(pool)
    for alias, subject in aliases.items():
        await pool.execute("insert into subject_alias values (1, $1, $2)", alias, subject)


def _events(moments: Sequence[Any]) -> list[AnyEvent]:
    return [_HISTORY[moment] for moment in moments]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=_moments, other=_moments, sizes=some.tuples(_sizes, _sizes), aliases=some.sampled_from([{}, _ALIASES]))
@example(one=_MOMENTS, other=_MOMENTS[::-1], sizes=(1, 1), aliases=_ALIASES)
@example(one=_MOMENTS, other=_MOMENTS[::-1], sizes=(1, 1), aliases={})
@example(one=_SESSIONS, other=_SESSIONS, sizes=(1, 2), aliases=_ALIASES)
@example(one=_SESSIONS, other=_SESSIONS, sizes=(1, 2), aliases={})
async def test_two_appliers_in_any_order_lead_to_the_newest_states(
    pool: Pool, one: list[Any], other: list[Any], sizes: tuple[int, int], aliases: Mapping[UUID, UUID]
) -> None:
    """Each may be handed anything, also what the other one applies just now: more than a group would do. Without
    aliases they look first and write at once, with them they lock."""
    await _begin(pool, aliases)
    streams = [_events(one), _events(other)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(apply(pool, stream, size) for stream, size in zip(streams, sizes, strict=True)))
    assert await found(pool) == recompute([*streams[0], *streams[1]], NOW, aliases)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=_moments, aliases=some.sampled_from([{}, _ALIASES]))
async def test_reading_everything_again_changes_nothing(
    pool: Pool, moments: list[Any], aliases: Mapping[UUID, UUID]
) -> None:
    await _begin(pool, aliases)
    events = _events(moments)
    await apply(pool, events, 7)
    before = await tables(pool)
    await apply(pool, events, 3)
    await apply(pool, list(reversed(events)), 5)
    assert await tables(pool) == before
    assert await pool.fetch("select * from consumer_alarm") == []
