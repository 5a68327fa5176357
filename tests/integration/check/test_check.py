"""The check says nothing of a healthy system, and names each fault that a hand plants."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from deploy.check.findings import Report
from shared import outbox
from tests.infrastructure import databases
from tests.infrastructure.databases import Template
from tests.integration.check.world import BUSINESSES, SESSIONS, World, populate
from tests.support.reporting_events import business, event, office, session

BUSINESS_FACT = "reporting.fact_business"
SESSION_FACT = "reporting.fact_session"
ACTIVITY = "reporting.office_activity"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def populated(template: Template) -> AsyncIterator[World]:
    """A healthy world that nobody is in."""
    own = await template.clone()
    superuser = await asyncpg.connect(own.superuser_dsn)
    made = World(own, superuser)
    await populate(made)
    await superuser.close()
    await own.close()
    yield made
    await databases.drop(own)


@pytest_asyncio.fixture
async def world(template: Template, populated: World) -> AsyncIterator[World]:
    own = await template.clone(populated.database)
    superuser = await asyncpg.connect(own.superuser_dsn)
    yield World(own, superuser, populated.ends)
    await superuser.close()
    await databases.drop(own)


def counts(report: Report) -> tuple[int, int, int, int]:
    told = report.as_json()
    return told["lost"], told["twice"], told["differing_rows"], told["restored_away"]


def named(report: Report, kind: str, *words: str) -> bool:
    return any(one.kind == kind and all(word in f"{one.where} {one.what}" for word in words) for one in report.details)


def write_log(directory: Path, *lines: dict[str, Any]) -> Path:
    (directory / "35.76.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return directory


async def test_a_healthy_system_is_proven(world: World) -> None:
    report = await world.check()
    assert report.as_json() == {
        "acknowledged": 82,
        "stored": 82,
        "applied": 82,
        "lost": 0,
        "twice": 0,
        "differing_rows": 0,
        "restored_away": 0,
        "ok": True,
        "waiting": 0,
        "details": [],
    }


async def test_the_answer_of_a_move_is_of_its_business(world: World) -> None:
    state = business(BUSINESSES[1], home_office="35.79").payload.state.model_dump(mode="json")
    await world.accept(event("BusinessMoved", str(BUSINESSES[1]), 2, state, office="35.79"))
    report = await world.check()
    assert (report.ok, report.details) == (True, [])


async def test_an_accepted_command_without_its_event_is_lost(world: World) -> None:
    await world.superuser.execute(
        "delete from registry.outbox where aggregate_id = $1 and version = 2", str(BUSINESSES[0])
    )
    report = await world.check()
    # And two copies and the latest activity speak of a version that the history does not have.
    assert counts(report) == (1, 0, 3, 0)
    assert named(report, "lost", str(BUSINESSES[0]), "not in the outbox")
    assert not report.ok


async def test_a_hole_in_the_history_is_lost_even_when_its_answer_is_old_enough_to_be_gone(world: World) -> None:
    gone = await world.superuser.fetchval(
        "delete from registry.outbox where aggregate_id = $1 and version = 1 returning event_id", str(BUSINESSES[0])
    )
    await world.superuser.execute("delete from registry.accepted_command where $1 = any(event_ids)", gone)
    report = await world.check()
    assert counts(report) == (1, 0, 1, 0)
    assert named(report, "lost", str(BUSINESSES[0]), "version 1")
    assert named(report, "differing_rows", "reporting.happening", "nothing of it")


async def test_a_deleted_fact_is_lost_and_not_counted_as_a_surplus_in_the_totals(world: World) -> None:
    await world.superuser.execute(f"delete from {SESSION_FACT} where id = $1", SESSIONS[3])
    report = await world.check()
    assert counts(report) == (1, 0, 0, 0)
    assert named(report, "lost", str(SESSIONS[3]), SESSION_FACT, "read past it")
    assert report.applied == report.stored - 1


async def test_a_fact_below_its_last_event_is_lost(world: World) -> None:
    first = await world.superuser.fetchrow(
        "select event_id, payload from registry.outbox where aggregate_id = $1 and version = 1", str(BUSINESSES[0])
    )
    assert first is not None
    await world.superuser.execute(
        f"update {BUSINESS_FACT} set version = 1, event_id = $2,"
        " state = (($3::jsonb -> 'payload' -> 'state') || '{\"closed_on\": null}')::json where id = $1",
        BUSINESSES[0],
        first["event_id"],
        first["payload"],
    )
    report = await world.check()
    assert counts(report) == (1, 0, 0, 0)
    assert named(report, "lost", str(BUSINESSES[0]), "stands at version 1")


async def test_a_replica_below_its_last_event_is_lost(world: World) -> None:
    await world.superuser.execute("delete from mentoring.business_replica where id = $1", BUSINESSES[1])
    report = await world.check()
    assert counts(report) == (1, 0, 0, 0)
    assert named(report, "lost", "mentoring.business_replica", str(BUSINESSES[1]))


async def test_a_fact_that_says_otherwise_differs_and_its_totals_do_not(world: World) -> None:
    await world.superuser.execute(
        f"update {SESSION_FACT} set state = (state::jsonb || '{{\"contact_minutes\": 999}}')::json where id = $1",
        SESSIONS[5],
    )
    report = await world.check()
    assert counts(report) == (0, 0, 1, 0)
    assert named(report, "differing_rows", str(SESSIONS[5]), "contact_minutes", "999")


async def test_a_fact_that_speaks_of_other_businesses_differs(world: World) -> None:
    await world.superuser.execute(f"update {SESSION_FACT} set subjects = '{{}}' where id = $1", SESSIONS[6])
    report = await world.check()
    assert named(report, "differing_rows", str(SESSIONS[6]), "subjects")


async def test_an_imported_session_counts_once_it_is_accepted(world: World) -> None:
    imported = UUID(int=94)
    await world.accept(session(imported, [BUSINESSES[0]], imported=True, accepted=False))
    sessions = f"select sum(sessions) from {ACTIVITY} where grain = 'year'"
    assert (await world.check()).ok
    assert await world.superuser.fetchval(sessions) == len(SESSIONS)
    await world.accept(session(imported, [BUSINESSES[0]], 2, imported=True, accepted=True))
    assert (await world.check()).ok
    assert await world.superuser.fetchval(sessions) == len(SESSIONS) + 1


async def test_a_fact_that_was_never_accepted_differs_and_its_totals_do_not(world: World) -> None:
    await world.accept(session(UUID(int=95), [BUSINESSES[0]], imported=True, accepted=False))
    await world.superuser.execute(
        f"update {SESSION_FACT} set state = (state::jsonb || '{{\"accepted\": true}}')::json where id = $1",
        UUID(int=95),
    )
    report = await world.check()
    assert counts(report) == (0, 0, 1, 0)
    assert named(report, "differing_rows", str(UUID(int=95)), "accepted")


async def test_an_unaccepted_session_in_the_totals_is_counted_twice(world: World) -> None:
    await world.accept(session(UUID(int=96), [BUSINESSES[0]], imported=True, accepted=False))
    await world.superuser.execute(
        f"update {ACTIVITY} set sessions = sessions + 1 where grain = 'year' and sessions > 0"
    )
    assert named(await world.check(), "twice", ACTIVITY, "above the sum", "sessions")


@pytest.mark.parametrize(("told", "differing"), [(2, 0), (3, 1)])
async def test_a_command_that_accepts_many_sessions_names_as_many(world: World, told: int, differing: int) -> None:
    both = [UUID(int=97), UUID(int=98)]
    await world.accept(*(session(each, [BUSINESSES[0]], imported=True, accepted=False) for each in both))
    for each in both:
        await world.accept(session(each, [BUSINESSES[0]], 2, imported=True, accepted=True), key=f"acceptance-{each}")
    await world.superuser.execute(
        "with given as (delete from mentoring.accepted_command where key like 'acceptance-%' returning *)"
        " insert into mentoring.accepted_command (principal, key, body_digest, status, answer, event_ids)"
        " select 'stf-head', 'acceptance', 'x', 200, $1, array_agg(e) from given, unnest(event_ids) as e",
        json.dumps({"import_id": str(uuid4()), "accepted": told, "remaining": 0}),
    )
    report = await world.check()
    assert counts(report) == (0, 0, differing, 0)
    assert report.ok is (differing == 0)


async def test_what_only_the_log_knows_is_not_sent_to_a_rebuild_that_would_read_it_again(world: World) -> None:
    foreign = UUID(int=99_999)
    await world.apply([business(foreign)])
    report = await world.check()
    of_it = [one for one in report.details if str(foreign) in f"{one.where} {one.what}"]
    tables = {BUSINESS_FACT, "mentoring.business_replica", "reporting.happening"}
    assert {one.where.split()[0] for one in of_it} == tables
    assert all("replay --new-history" in one.cure for one in of_it)


async def test_a_replica_that_says_otherwise_differs(world: World) -> None:
    await world.superuser.execute("update mentoring.office_replica set name = 'PLUT Lain' where code = '35.76'")
    report = await world.check()
    assert counts(report) == (0, 0, 1, 0)
    assert named(report, "differing_rows", "mentoring.office_replica", "PLUT Lain")


async def test_a_total_above_the_sum_is_counted_twice_and_differs(world: World) -> None:
    await world.superuser.execute(
        f"update {ACTIVITY} set sessions = sessions + 1 where (office, grain, starts, slice) ="
        f" (select office, grain, starts, slice from {ACTIVITY} where sessions > 0 and grain = 'month'"
        " order by slice limit 1)"
    )
    report = await world.check()
    assert counts(report) == (0, 1, 1, 0)
    assert named(report, "twice", ACTIVITY, "month", "above the sum", "sessions")


async def test_a_total_below_the_sum_differs(world: World) -> None:
    await world.superuser.execute(
        "update reporting.businesses_by_region set businesses = businesses - 1"
        " where (kind, level) = ('*', 'regency') and slice ="
        " (select min(slice) from reporting.businesses_by_region)"
    )
    report = await world.check()
    assert counts(report) == (0, 0, 1, 0)
    assert named(report, "differing_rows", "reporting.businesses_by_region")


async def test_two_effects_of_one_command_are_counted_twice(world: World) -> None:
    """The same registration once more under another id, published and applied like any other."""
    twin = business(UUID(int=77))
    pool = await world.pool("registry", "app")

    async with pool.acquire() as connection, connection.transaction():
        await outbox.append(connection, [twin])
    await world.publish([twin])
    await world.apply([twin])
    report = await world.check()
    assert counts(report) == (0, 1, 0, 0)
    assert named(report, "twice", str(UUID(int=77)), "no accepted command")


async def test_two_answers_for_one_event_are_counted_twice(world: World) -> None:
    await world.superuser.execute(
        "insert into registry.accepted_command (principal, key, body_digest, status, answer, event_ids, accepted_at)"
        " select 'stf-other', key, body_digest, status, answer, event_ids, accepted_at"
        " from registry.accepted_command order by accepted_at limit 1"  # the first one, so that no bound hides it
    )
    report = await world.check()
    assert counts(report) == (0, 1, 0, 0)
    assert named(report, "twice", "2 accepted commands claim it")


async def test_an_answer_for_an_event_of_another_time_is_counted_twice(world: World) -> None:
    await world.superuser.execute(
        "insert into registry.accepted_command (principal, key, body_digest, status, answer, event_ids, accepted_at)"
        " select 'stf-other', 'again', body_digest, status, answer, event_ids, accepted_at + interval '1 hour'"
        " from registry.accepted_command order by key limit 1"
    )
    await world.superuser.execute("update registry.accepted_command set accepted_at = accepted_at - interval '2 hours'")
    await world.superuser.execute("update registry.outbox set created_at = created_at - interval '2 hours'")
    report = await world.check()
    assert counts(report) == (0, 1, 0, 0)
    assert named(report, "twice", "again", "another command")


async def test_a_changed_answer_differs(world: World) -> None:
    await world.superuser.execute(
        'update mentoring.accepted_command set answer = \'{"id": "x", "revision": 1, "version": 1}\''
        " where key = (select key from mentoring.accepted_command order by key limit 1)"
    )
    await world.superuser.execute(
        "update registry.accepted_command set answer = (answer::jsonb || '{\"version\": 9}')::json"
        " where key = (select key from registry.accepted_command order by key limit 1)"
    )
    report = await world.check()
    assert counts(report) == (0, 0, 2, 0)
    assert named(report, "differing_rows", "`version` is 9")
    assert named(report, "differing_rows", "it names x")


async def test_a_session_that_waits_in_vain_differs(world: World) -> None:
    consultant, held = uuid4(), uuid4()
    await world.superuser.execute(
        "insert into mentoring.session (id, office, day, contact_minutes, preparation_minutes, travel_minutes, field,"
        " service, channel, state, provisional, recorded_by, recorded_at)"
        " values ($1, '35.76', '2026-11-20', 30, 0, 0, 'finance', 'training', 'phone', 'completed', true, 'stf',"
        " now())",
        held,
    )
    await world.superuser.execute(
        "insert into mentoring.session_business (session, business, office, place, known, kinds)"
        " values ($1, $2, '35.76', 1, false, '{}'), ($1, $3, '35.76', 2, false, '{}')",
        held,
        BUSINESSES[0],
        consultant,
    )
    report = await world.check()
    assert counts(report) == (0, 0, 1, 0)
    assert named(report, "differing_rows", str(held), str(BUSINESSES[0]))


async def test_what_is_on_its_way_is_waiting_and_not_lost(world: World) -> None:
    unpublished, unread = session(UUID(int=91), [BUSINESSES[0]]), session(UUID(int=92), [BUSINESSES[1]])
    await world.commit(unread)
    await world.publish([unread])
    await world.commit(unpublished)
    report = await world.check()
    assert counts(report) == (0, 0, 0, 0)
    assert report.as_json()["waiting"] == 2
    assert not report.ok
    assert (report.stored, report.applied) == (84, 82)
    assert named(report, "waiting", str(UUID(int=91)), "relay has not published")
    assert named(report, "waiting", str(UUID(int=92)), "the consumer")
    await world.publish([unpublished])
    await world.apply([unpublished, unread])
    assert (await world.check()).ok


async def test_a_record_set_aside_is_lost_until_it_is_retried(world: World) -> None:
    parked = session(UUID(int=93), [BUSINESSES[0]])
    await world.commit(parked)
    await world.publish([parked])
    await world.apply([])
    await world.superuser.execute(
        "insert into reporting.parked_record"
        " (consumer_group, identity, topic, partition, log_offset, headers, event_id, recorded_ms, error)"
        " values ('reporting-set-1', 'x', 'mentoring.session.v1', 0, 1, '[]', $1, 0, 'not readable')",
        parked.event_id,
    )
    report = await world.check()
    assert counts(report) == (1, 0, 0, 0)
    assert named(report, "lost", str(UUID(int=93)), "parked", "not readable")


async def test_writers_logs_are_found_again(world: World, tmp_path: Path) -> None:
    told = await world.accept(business(UUID(int=81)), key="key-of-81")
    unknown = {"key": "never-arrived", "status": None, "answer": None, "at": told["at"]}
    refused = {"key": "refused", "status": 422, "answer": {"title": "tidak sah"}, "at": told["at"]}
    replayed = {**unknown, "key": "key-of-81"}
    report = await world.check(writers=write_log(tmp_path, replayed, told, told, unknown, refused))
    assert report.ok, report.details
    assert report.acknowledged == 83


async def test_an_acknowledged_key_that_nobody_knows_is_lost(world: World, tmp_path: Path) -> None:
    line = {"key": "gone", "status": 201, "answer": {"id": "a", "version": 1}, "at": "2026-11-21T03:42:07+00:00"}
    report = await world.check(writers=write_log(tmp_path, line, line))
    assert counts(report) == (1, 0, 0, 0)
    assert report.acknowledged == 83
    assert named(report, "lost", "gone", "35.76.jsonl:1")


async def test_a_writer_that_was_told_otherwise_is_named(world: World, tmp_path: Path) -> None:
    told = await world.accept(business(UUID(int=82)))
    report = await world.check(writers=write_log(tmp_path, {**told, "answer": {**told["answer"], "revision": 4}}))
    assert counts(report) == (0, 0, 1, 0)
    assert named(report, "differing_rows", told["key"])


async def test_a_key_with_two_effects_is_counted_twice(world: World, tmp_path: Path) -> None:
    told = await world.accept(business(UUID(int=83)), key="both")
    await world.accept(session(UUID(int=84), [BUSINESSES[0]]), key="both")
    report = await world.check(writers=write_log(tmp_path, {**told, "status": None, "answer": None}))
    assert counts(report) == (0, 1, 0, 0)
    assert named(report, "twice", "key both", "accepted 2 times")


async def test_a_refusal_with_an_effect_is_counted_twice(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("deploy.check.promises._BETWEEN_LOOKS_SECONDS", 0)
    told = await world.accept(business(UUID(int=85)))
    busy = {**told, "status": 409, "answer": None}
    assert counts(await world.check(writers=write_log(tmp_path, busy))) == (0, 1, 0, 0)
    assert (await world.check(writers=write_log(tmp_path, busy, told))).ok


async def test_what_a_restore_took_away_is_not_lost(world: World, tmp_path: Path) -> None:
    await world.superuser.execute(
        "insert into registry.history_change (history, epoch, kept_until, changed_at, run)"
        " values (2, 2, '2026-11-21T03:00:00Z', '2026-11-21T05:00:00Z', gen_random_uuid())"
    )
    published = uuid4()
    await world.superuser.execute(
        "insert into registry.restored_away (event_id, topic, aggregate_id, version, type)"
        " values ($1, 'registry.business.v1', 'b-1', 1, 'BusinessRegistered')",
        published,
    )
    known = {"key": "k1", "status": 201, "answer": {"id": "b-1", "version": 1}, "at": "2026-11-21T03:30:00+00:00"}
    never_published = {**known, "key": "k2", "answer": {"id": "b-2", "version": 1}}
    before = {**known, "key": "k3", "answer": {"id": "b-3", "version": 1}, "at": "2026-11-21T02:30:00+00:00"}
    report = await world.check(writers=write_log(tmp_path, known, never_published))
    assert counts(report) == (0, 0, 0, 2)
    assert report.ok
    assert counts(await world.check(writers=write_log(tmp_path, known, never_published, before))) == (1, 0, 0, 2)


async def test_versions_of_a_retired_set_are_not_looked_at(world: World) -> None:
    await world.superuser.execute(
        "insert into reporting.fact_office (set_version, id, version, event_id, slice, subjects, state)"
        " values (9, '35.01', 7, gen_random_uuid(), 0, '{}', '{}')"
    )
    assert (await world.check()).ok


async def test_an_office_changed_twice_is_followed(world: World) -> None:
    await world.accept(office("35.76", "PLUT Kota Mojokerto", version=2))
    report = await world.check()
    assert report.ok, report.details
    assert report.applied == 83
