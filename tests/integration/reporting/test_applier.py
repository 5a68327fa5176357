"""Given events, when they are delivered in any way, then facts and totals are what the newest states say."""

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from services.reporting import store
from services.reporting.domain import Kind, Period
from services.reporting.projections import businesses_by_region, office_activity, subjects
from services.reporting.projections.applier import SetApplier, SetStandsStill
from services.reporting.projections.office_activity import Activity
from services.reporting.store import Stage
from shared.consumer.offsets import Move, Place, advancing
from shared.consumer.writing import SMALL
from shared.contracts.catalogue import BUSINESS, PARTITIONS, SESSION
from shared.ids import new_id
from shared.postgres import BY_KEY, Pool
from tests.infrastructure.databases import Database
from tests.support.read_models import begin_anew
from tests.support.reporting_events import (
    LIVE,
    NOW,
    business,
    deliver,
    office,
    read_to,
    received,
    session,
    tables,
)

# Which statement waits for another's row, and which tables its transaction has written to.
_WAITING = """
select a.query, array_agg(distinct c.relname::text) as written
from pg_stat_activity a
join pg_locks waits on waits.pid = a.pid and not waits.granted
join pg_locks l on l.pid = a.pid and l.granted and l.mode = 'RowExclusiveLock'
join pg_class c on c.oid = l.relation and c.relkind = 'r'
where a.datname = current_database()
group by a.pid, a.query
"""
A, B, S = UUID(int=1), UUID(int=2), UUID(int=3)
DAY = NOW.date()


@pytest_asyncio.fixture
async def pool(database: Database) -> Pool:
    return await database.pool("reporting", "worker")


async def _activity(pool: Pool, period: Period = Period.ALL) -> Activity | None:
    return (await office_activity.by_office(pool, 1, ["35.76"], DAY)).get(("35.76", period))


def _held(**amounts: int) -> Activity:
    minutes = {"contact_minutes": 60, "preparation_minutes": 15, "travel_minutes": 10}
    return Activity(**{"sessions": 1, **minutes, **amounts})


async def test_registrations_and_sessions_add_up(pool: Pool) -> None:
    await deliver(pool, received([office(), business(A), business(B), session(S, [A, B])]))
    assert await _activity(pool) == _held(visits=2, registrations=2)
    assert await _activity(pool, Period.DAY) == _held(visits=2)
    counted = {(one.kind, one.status): one.businesses for one in await businesses_by_region.counts(pool, 1, ["35.76"])}
    assert counted == {("*", "active"): 2, ("umkm", "active"): 2, ("ikm", "active"): 2}


async def test_a_correction_moves_the_minutes_to_the_other_day(pool: Pool) -> None:
    await deliver(pool, received([session(S, [A])]))
    await deliver(pool, received([session(S, [A], version=2, day="2026-11-02", contact_minutes=30)]))
    assert await _activity(pool, Period.DAY) is None or await _activity(pool, Period.DAY) == Activity()
    assert await _activity(pool, Period.MONTH) == _held(visits=1, contact_minutes=30)


async def test_what_is_older_or_known_is_dropped(pool: Pool) -> None:
    newer, older = business(A, version=3, kinds=["ikm"], status="closed"), business(A, version=2)
    await deliver(pool, received([newer]))
    before = await tables(pool)
    await deliver(pool, received([older, newer, older]))
    after = await tables(pool)
    assert len(after.pop("happening")) == len(before.pop("happening")) + 1  # it happened all the same
    assert after == before


async def test_an_unknown_business_is_not_served_until_it_is_known(pool: Pool) -> None:
    await deliver(pool, received([session(S, [A], known=False)]))
    assert await _activity(pool) == _held()
    await deliver(pool, received([session(S, [A], version=2)]))
    assert await _activity(pool) == _held(visits=1)


async def test_a_business_that_is_another_one_counts_for_nothing(pool: Pool) -> None:
    await pool.execute("insert into subject_alias values (1, $1, $2)", A, B)
    await deliver(pool, received([business(A), business(B), session(S, [A, B])]))
    assert await _activity(pool) == _held(visits=1, registrations=1)


async def test_two_appliers_never_count_an_aggregate_twice(pool: Pool) -> None:
    """A record that strayed into a foreign partition may meet its aggregate in another applier."""
    outcomes = await asyncio.gather(
        *(deliver(pool, received([session(S, [A], version=version)])) for version in (1, 2)), return_exceptions=True
    )
    if any(outcomes):
        await deliver(pool, received([session(S, [A], version=2)]))
    assert await _activity(pool) == _held(visits=1)


_OVERTAKEN = {
    "a business that nobody had visited": ([], [session(S, [A])], [session(new_id(), [A])]),
    "a business that others visit": ([session(new_id(), [A])], [session(S, [A])], [session(new_id(), [A])]),
    "a session that was unknown": ([], [session(S, [A])], [session(S, [B], version=2)]),
    "a session that was known": (
        [session(S, [A])],
        [session(S, [A], version=3, contact_minutes=30)],
        [session(S, [A], version=2, day="2026-11-02")],
    ),
}


@pytest.mark.parametrize("overtaken", _OVERTAKEN)
async def test_what_was_seen_and_has_changed_is_not_written_over(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, overtaken: str
) -> None:
    """Between the look and the statement another applier commits: nothing happens, and the batch takes the long way."""
    before, batch, between = map(received, _OVERTAKEN[overtaken])
    if before:
        await deliver(pool, before)
    write, told = store.write_facts_at_once, []

    async def overtake(*arguments: Any) -> None:
        monkeypatch.setattr(store, "write_facts_at_once", write)
        await deliver(pool, between)
        told.append(await tables(pool))
        await write(*arguments)

    monkeypatch.setattr(store, "write_facts_at_once", overtake)
    applier = SetApplier(LIVE, lambda: NOW)
    async with pool.acquire() as connection:
        assert not await applier.apply_at_once(connection, batch, advancing(LIVE.group, []))
    assert [await tables(pool)] == told
    await deliver(pool, batch)
    after = await tables(pool)
    await begin_anew(pool)
    async with pool.acquire() as connection, connection.transaction():
        await SetApplier(LIVE, lambda: NOW).apply(connection, [*before, *between, *batch])
    assert await tables(pool) == after


async def test_a_batch_at_once_stands_with_its_offsets_or_not_at_all(pool: Pool) -> None:
    await read_to(pool, SESSION.name, 0, 5)
    partition, applier = TopicPartition(SESSION.name, 0), SetApplier(LIVE, lambda: NOW)
    batch = received([session(S, [A])])

    async def moved(start: int) -> bool:
        move = Move(partition, Place(1, 1, start, None, 0), Place(1, 1, start + 1, b"x" * 32, 0))
        async with pool.acquire() as connection:
            return await applier.apply_at_once(connection, batch, advancing(LIVE.group, [move], durable=False))

    before = await tables(pool)
    assert not await moved(4), "another consumer has read on"
    assert await tables(pool) == before
    assert await moved(5)
    assert await pool.fetchval("select next_offset from consumer_offset where topic = $1", SESSION.name) == 6
    assert await _activity(pool) == _held(visits=1)


async def test_many_new_facts_at_once_are_all_written(pool: Pool) -> None:
    """So many that a transaction would copy them."""
    told = [session(new_id(), [A]) for _ in range(SMALL)]
    await deliver(pool, received(told))
    assert await pool.fetchval("select count(*) from fact_session") == SMALL


async def test_what_was_seen_is_found_row_by_row(pool: Pool) -> None:
    """Also by a plan that was made while the tables were empty, and is kept."""
    statements = [subjects.VISITS_AS_SEEN, *(store.replacing_as_seen(kind) for kind in Kind)]
    async with pool.acquire() as connection, connection.transaction():
        for name, value in BY_KEY.items():
            await connection.execute(f"set local {name} = {value}")
        for number, statement in enumerate(statements):
            await connection.execute(f"prepare seen_{number} as {statement}")
            nothing = ", ".join(["null"] * max(map(int, re.findall(r"\$(\d+)", statement))))
            rows = await connection.fetch(f"explain execute seen_{number}({nothing})")
            plan = "\n".join(row[0] for row in rows)
            assert "Tid Scan" in plan, plan
            assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("stage", [Stage.READING, Stage.SUMMING])
async def test_a_set_that_does_not_follow_takes_the_long_way(pool: Pool, stage: Stage) -> None:
    await pool.execute("update read_model_set set stage = $1", stage)
    async with pool.acquire() as connection:
        batch = received([session(S, [A])])
        assert not await SetApplier(LIVE, lambda: NOW).apply_at_once(connection, batch, advancing(LIVE.group, []))
    assert await pool.fetchval("select count(*) from fact_session") == 0


async def test_a_set_that_stops_following_meanwhile_is_not_written(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    write = store.write_facts_at_once

    async def overtake(*arguments: Any) -> None:
        await pool.execute("update read_model_set set stage = 'summing'")
        await write(*arguments)

    monkeypatch.setattr(store, "write_facts_at_once", overtake)
    async with pool.acquire() as connection:
        batch = received([session(S, [A])])
        assert not await SetApplier(LIVE, lambda: NOW).apply_at_once(connection, batch, advancing(LIVE.group, []))
    assert await pool.fetchval("select count(*) from fact_session") == 0


async def test_a_large_batch_that_waits_for_a_business_has_added_up_all_else(pool: Pool, database: Database) -> None:
    """Two consumers meet in the same businesses: what one makes of them is all that the other one waits for."""
    large = received([session(new_id(), [B if number else A]) for number in range(80)])
    looking = await asyncpg.connect(database.superuser_dsn)
    try:
        other = SetApplier(LIVE, lambda: NOW)
        other.dealt([TopicPartition(SESSION.name, PARTITIONS)])  # a slice of its own
        async with pool.acquire() as connection, connection.transaction():
            await other.apply(connection, received([session(S, [A])]))
            waiting = asyncio.create_task(deliver(pool, large))
            async with asyncio.timeout(30):
                while not (row := await looking.fetchrow(_WAITING)):
                    assert not waiting.done(), waiting.exception()
            assert row["query"].strip().startswith("select subject, visits")
            assert set(row["written"]) >= {"fact_session", "office_activity", "consultant_load"}
            assert "businesses_served" not in row["written"]
        await waiting
    finally:
        await looking.close()
    assert await _activity(pool) == Activity(
        sessions=81, visits=81, contact_minutes=81 * 60, preparation_minutes=81 * 15, travel_minutes=81 * 10
    )


async def test_totals_are_added_to_the_slice_of_the_least_partition_of_sessions(pool: Pool) -> None:
    applier = SetApplier(LIVE, lambda: NOW)
    own = [TopicPartition(SESSION.name, 7), TopicPartition(SESSION.name, 4), TopicPartition(BUSINESS.name, 1)]
    for dealt in (own, []):  # what is dealt to nobody changes nothing
        applier.dealt(dealt)
        async with pool.acquire() as connection, connection.transaction():
            await applier.apply(connection, received([session(new_id(), [A])]))
    for table in ("office_activity", "businesses_served", "consultant_load"):
        assert {row["slice"] for row in await pool.fetch(f"select slice from {table}")} == {4}


async def test_who_has_no_sessions_keeps_away_from_their_slices(pool: Pool) -> None:
    applier = SetApplier(LIVE, lambda: NOW)
    applier.dealt([TopicPartition(BUSINESS.name, 3)])
    async with pool.acquire() as connection, connection.transaction():
        await applier.apply(connection, received([business(A)]))
    assert {row["slice"] for row in await pool.fetch("select slice from office_activity")} == {PARTITIONS + 3}


async def test_what_was_prepared_says_what_the_event_says(pool: Pool) -> None:
    told = [office(), business(A), business(B), session(S, [A, B]), session(S, [B], version=2, day="2026-11-02")]
    await deliver(pool, received(told))
    prepared = await tables(pool)
    for name in prepared:
        await pool.execute(f"delete from {f'fact_{name}' if name in set(Kind) else name}")
    await deliver(pool, received(told), prepared=False)
    assert await tables(pool) == prepared


async def test_what_was_prepared_for_another_stage_is_made_anew(pool: Pool) -> None:
    reading = replace(LIVE, stage=Stage.READING)
    await deliver(pool, received([session(S, [A])]), reading)  # it follows by now
    assert await _activity(pool) == _held(visits=1)
    await pool.execute("update read_model_set set stage = 'reading'")
    await deliver(pool, received([session(S, [A], version=2, contact_minutes=90)]))
    assert await _activity(pool) == _held(visits=1)


async def test_a_set_that_is_being_summed_stands_still(pool: Pool) -> None:
    await pool.execute("update read_model_set set stage = 'summing'")
    with pytest.raises(SetStandsStill):
        await deliver(pool, received([business(A)]))


async def test_a_nul_in_a_text_is_the_records_own_fault(pool: Pool) -> None:
    import asyncpg

    with pytest.raises(asyncpg.DataError):
        await deliver(pool, received([business(A, trade_name="Batik\x00Maja")]))


async def test_one_version_with_two_events_raises_an_alarm(pool: Pool) -> None:
    await deliver(pool, received([business(A, version=2)]))
    await deliver(pool, received([business(A, version=2, kinds=["ikm"])]))
    alarms = await pool.fetch("select kind, detail from consumer_alarm")
    assert [alarm["kind"] for alarm in alarms] == ["version_clash"]
    assert str(A) in alarms[0]["detail"]


async def test_the_same_event_again_raises_none(pool: Pool) -> None:
    told = received([business(A, version=2)])
    await deliver(pool, told)
    await deliver(pool, told)
    assert await pool.fetch("select * from consumer_alarm") == []
