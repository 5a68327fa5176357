"""Events of the registry in: given what arrives, in whatever order and however often, the copies and sessions are …"""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.mentoring import commands
from services.mentoring.handlers import ReplicaApplier
from services.mentoring.settings import REPLICA_GROUP
from services.mentoring.store import copies
from shared.consumer.offsets import Move, advancing, places
from shared.contracts.catalogue import AnyEvent, parse
from shared.contracts.mentoring import SessionState
from shared.http.problem import Problem
from shared.postgres import RETRYABLE, Pool, transaction
from tests.integration.mentoring.office import (
    BATU,
    MOJOKERTO,
    NOW,
    apply,
    closed,
    corrected,
    draft,
    opened,
    published,
    received,
    register_consultant,
    registered,
    request,
)
from tests.integration.mentoring.test_consume import until

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def complete(api_pool: Pool, consultant: UUID, businesses: Sequence[UUID]) -> UUID:
    wanted = draft([consultant], businesses, minutes=(1, 0, 0))
    return UUID((await commands.Sessions(api_pool).complete(request(), wanted)).body["id"])


async def states(worker: Pool, session: UUID) -> list[SessionState]:
    """Returns the states that the session's events told; fails if a version is missing or told twice."""
    rows = await published(worker, session)
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["type"] for row in rows] == ["SessionCompleted", *["SessionResolved"] * (len(rows) - 1)]
    events = [parse(row["type"], row["payload"]) for row in rows]
    return [event.state for event in events if event is not None]


async def assert_resolved_once(worker: Pool, session: UUID) -> None:
    """Each business of the session went from unknown to known at most once, and none is left behind."""
    told = await states(worker, session)
    assert all(business.known for business in told[-1].businesses)
    for before, after in pairwise(told):
        steps = [(a.known, b.known) for a, b in zip(before.businesses, after.businesses, strict=True)]
        assert (True, False) not in steps
        assert (False, True) in steps
    kept = await worker.fetchrow("select provisional, version from session where id = $1", session)
    assert kept is not None
    assert (kept["provisional"], kept["version"]) == (False, len(told))


async def test_the_event_of_a_business_resolves_the_sessions_that_wait_for_it(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    sessions = [await complete(api_pool, consultant, [business]) for _ in range(3)]
    event = registered(business)
    await apply(worker, event, traceparent=TRACE)
    for session in sessions:
        await assert_resolved_once(worker, session)
        row = (await published(worker, session))[-1]
        told = json.loads(row["payload"])
        assert row["traceparent"] == TRACE
        assert (told["causation_id"], told["correlation_id"]) == (str(event.event_id), str(event.correlation_id))
        assert told["payload"]["changed"] == ["businesses"]
        assert told["payload"]["state"]["businesses"][0]["home_office"] == BATU


async def test_a_session_waits_for_each_of_its_businesses(api_pool: Pool, worker: Pool) -> None:
    consultant, first, second = await register_consultant(api_pool), uuid4(), uuid4()
    session = await complete(api_pool, consultant, [second, first])
    await apply(worker, registered(first))
    assert [each.known for each in (await states(worker, session))[-1].businesses] == [False, True]
    assert await worker.fetchval("select provisional from session where id = $1", session) is True
    await apply(worker, registered(second))
    await assert_resolved_once(worker, session)
    assert len(await states(worker, session)) == 3


async def test_what_a_session_knew_stays_when_the_business_changes(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    await apply(worker, registered(business))
    session = await complete(api_pool, consultant, [business])
    await apply(worker, corrected(business, 2, kinds=["cooperative"]))
    assert len(await states(worker, session)) == 1
    later = await complete(api_pool, consultant, [business])
    assert (await states(worker, later))[0].businesses[0].kinds == ["cooperative"]


async def test_old_and_repeated_events_change_nothing(worker: Pool) -> None:
    business, first = uuid4(), registered(uuid4())
    newest = corrected(business, 3, trade_name="Nama Baru")
    await apply(worker, newest, registered(business), first, first, newest)
    await apply(worker, corrected(business, 2, trade_name="Nama Lama"), newest)
    kept = await worker.fetchrow("select version, trade_name, event_id from business_replica where id = $1", business)
    assert kept is not None
    assert tuple(kept) == (3, "Nama Baru", newest.event_id)
    assert await alarms(worker) == []


@pytest.mark.parametrize("together", [True, False])
async def test_one_version_with_two_events_raises_an_alarm(worker: Pool, *, together: bool) -> None:
    business = uuid4()
    true, false = registered(business), registered(business, trade_name="Palsu")
    if together:
        await apply(worker, true, false)
    else:
        await apply(worker, true)
        await apply(worker, false)
    [alarm] = await alarms(worker)
    assert all(str(part) in alarm for part in (business, true.event_id, false.event_id))
    assert await worker.fetchval("select trade_name from business_replica") == "Batik Uji"


async def alarms(worker: Pool) -> list[str]:
    return [
        row["detail"] for row in await worker.fetch("select detail from consumer_alarm where kind = 'version_clash'")
    ]


async def test_offices_are_replaced_by_newer_ones_only(worker: Pool) -> None:
    await apply(worker, opened(opened_on=date(2024, 1, 1), version=2))
    await apply(worker, opened(opened_on=date(2023, 1, 1), version=1), opened(BATU))
    kept = await worker.fetch("select code, opened_on, version from office_replica order by code")
    assert [tuple(row) for row in kept] == [("35.76", date(2024, 1, 1), 2), (BATU, date(2023, 12, 1), 1)]


async def test_a_new_history_is_read_anew_and_resolves_nothing_twice(api_pool: Pool, worker: Pool) -> None:
    consultant, known, awaited = await register_consultant(api_pool), uuid4(), uuid4()
    await apply(worker, opened(), corrected(known, 7))
    session = await complete(api_pool, consultant, [known, awaited])
    async with transaction(worker) as connection:
        await ReplicaApplier(REPLICA_GROUP).forget(connection)
    assert [row["id"] for row in await worker.fetch("select id from business_replica")] == [awaited]
    assert await worker.fetchval("select count(*) from office_replica") == 0
    await apply(worker, registered(known), registered(awaited))
    await assert_resolved_once(worker, session)
    assert len(await states(worker, session)) == 2


async def _at_once(worker: Pool, *events: AnyEvent) -> bool:
    partition = TopicPartition("registry.business.v1", 0)
    async with worker.acquire() as connection:
        [place] = (await places(connection, REPLICA_GROUP, [partition])).values()
        move = Move(partition, place, replace(place, next_offset=place.next_offset + 1))
        applier = ReplicaApplier(REPLICA_GROUP, clock=lambda: NOW)
        done = await applier.apply_at_once(connection, received(*events), advancing(REPLICA_GROUP, [move]))
        [now] = (await places(connection, REPLICA_GROUP, [partition])).values()
    assert now.next_offset == place.next_offset + done
    return done


async def test_businesses_that_nobody_waits_for_are_one_statement(api_pool: Pool, worker: Pool) -> None:
    """Whatever means more than to replace rows leaves nothing behind: it is for the long way."""
    known, other, awaited, never = (uuid4() for _ in range(4))
    assert await _at_once(worker, registered(known), registered(other))
    assert await _at_once(worker, corrected(known, 2), corrected(other, 5))
    session = await complete(api_pool, await register_consultant(api_pool), [known, awaited])
    left = {
        "not news": [corrected(known, 2)],
        "older": [corrected(other, 3), registered(never)],
        "awaited": [registered(awaited), registered(never)],
        "told twice": [registered(never), corrected(never, 2)],
        "an office": [opened(), registered(never)],
    }
    assert [why for why, events in left.items() if await _at_once(worker, *events)] == []
    held = "select id, version from business_replica order by version"
    assert [tuple(row) for row in await worker.fetch(held)] == [(awaited, 0), (known, 2), (other, 5)]
    await apply(worker, registered(awaited))
    await assert_resolved_once(worker, session)


async def test_a_session_that_is_about_to_wait_is_waited_for(api_pool: Pool, worker: Pool) -> None:
    business = uuid4()
    async with transaction(api_pool, (MOJOKERTO,)) as connection:
        await copies.lock_businesses(connection, [business])
        applying = asyncio.create_task(_at_once(worker, registered(business)))
        await until(worker, "select exists (select from pg_locks where not granted)", expected=True)
    assert not await applying
    assert await worker.fetchval("select version from business_replica where id = $1", business) == 0


async def _apply_until_it_holds(worker: Pool, *events: AnyEvent) -> None:
    """As the host does: what lost against another transaction is applied again."""
    for _ in range(20):
        try:
            await apply(worker, *events)
        except RETRYABLE:
            continue
        return
    raise AssertionError("lost twenty times")


@pytest.mark.parametrize("seed", range(6))
async def test_commands_and_events_at_once_lose_no_session(api_pool: Pool, worker: Pool, seed: int) -> None:
    """Forty rounds of sessions and registrations of the same businesses at the same time, in changing order."""
    dice = random.Random(seed)  # noqa: S311  a test's dice
    consultants = [await register_consultant(api_pool) for _ in range(6)]
    sessions: list[UUID] = []

    async def record(consultant: UUID, businesses: list[UUID], after: float) -> None:
        await asyncio.sleep(after)
        sessions.append(await complete(api_pool, consultant, businesses))

    async def deliver(events: list[AnyEvent], after: float) -> None:
        await asyncio.sleep(after)
        await _apply_until_it_holds(worker, *events)

    for _ in range(40):
        businesses = [uuid4() for _ in range(3)]
        events = [registered(each) for each in businesses] + [corrected(businesses[0], 2)]
        dice.shuffle(events)
        half = dice.randint(0, len(events))
        await asyncio.gather(
            *(
                record(consultant, dice.sample(businesses, dice.randint(1, 3)), dice.uniform(0, 0.01))
                for consultant in dice.sample(consultants, 3)
            ),
            deliver(events[:half], dice.uniform(0, 0.03)),
            deliver(events[half:], dice.uniform(0, 0.03)),
        )
    assert len(sessions) == 120
    for session in sessions:
        await assert_resolved_once(worker, session)
    lengths = {len(await published(worker, session)) for session in sessions}
    assert 1 in lengths, "some met a business that was known"
    assert lengths & {2, 3}, "some waited"
    assert await worker.fetchval("select count(*) from business_replica where version = 0") == 0


# Which of the four events comes once more, and whether a batch ends there.
REPEATS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=6)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)), repeats=REPEATS, recorded=st.sets(st.integers(0, 10)))
async def test_the_events_order_does_not_matter(
    api_pool: Pool, worker: Pool, order: list[int], repeats: list[tuple[int, bool]], recorded: set[int]
) -> None:
    """Any order, with repeats, in batches of any size: the same copies, and each session resolved exactly once."""
    consultant = await register_consultant(api_pool)
    going, gone = uuid4(), uuid4()
    events = [registered(going), corrected(going, 2, kinds=["cooperative"]), registered(gone), closed(gone, 2)]
    deliveries = [(each, True) for each in order] + repeats
    sessions: list[UUID] = []
    batch: list[AnyEvent] = []
    for turn, (each, ends_batch) in enumerate(deliveries):
        if turn in recorded:
            sessions += await complete_unless_closed(api_pool, consultant, [going, gone])
        batch.append(events[each])
        if ends_batch:
            await apply(worker, *batch)
            batch = []
    await apply(worker, *batch)
    kept = await worker.fetch(
        "select id, version, kinds, status from business_replica where id in ($1, $2)", going, gone
    )
    assert {tuple(map(str, row)) for row in kept} == {
        (str(going), "2", "['cooperative']", "active"),
        (str(gone), "2", "['umkm', 'ikm']", "closed"),
    }
    for session in sessions:
        await assert_resolved_once(worker, session)


async def complete_unless_closed(api_pool: Pool, consultant: UUID, businesses: Sequence[UUID]) -> list[UUID]:
    """Some orders let a session meet a business that is known to be closed: it is refused, as it should be."""
    try:
        return [await complete(api_pool, consultant, businesses)]
    except Problem as refused:
        if refused.kind != "session-invalid":
            raise
        return []


async def test_an_event_whose_key_and_state_disagree_goes_by_its_state(worker: Pool) -> None:
    business = uuid4()
    strange = registered(business).model_copy(update={"aggregate_id": "x"})
    applier = ReplicaApplier(REPLICA_GROUP)
    async with transaction(worker) as connection:
        await applier.apply(connection, received(strange))
    assert await worker.fetchval("select id from business_replica") == business
