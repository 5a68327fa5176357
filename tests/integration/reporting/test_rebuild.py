"""The next set beside the live one: built, compared and switched, while offices write and people look."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from deploy.check import totals
from deploy.check.reader import SERVICES, open_readers
from services.reporting import store
from services.reporting.domain import Position
from services.reporting.projections import RULES, TABLES
from services.reporting.projections.comparison import Difference
from services.reporting.rebuild import (
    AlreadyRebuildingError,
    NothingToDoError,
    Outcome,
    Progress,
    abandon,
    build,
    rebuild,
    removal,
    roll_back,
    waiting,
)
from services.reporting.store import Stage
from shared.auth.principal import Role
from shared.contracts.catalogue import AnyEvent
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support.histories import BATU, MAJA, Business, Session
from tests.support.read_models import found
from tests.support.recomputation import recompute
from tests.support.reporting_events import NOW, business, office, session, tables
from tests.support.reporting_log import Consumer, Log
from tests.support.tokens import bearer

pytestmark = pytest.mark.timeout(240)
_A_DAY = timedelta(days=1)
ANALYST = bearer(Role.PROVINCE_ANALYST, offices=("35.76",))


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, so that a little data has several; no wait for a consumer that looks for sets now and then."""
    monkeypatch.setattr(build, "_PAGE", 7)
    monkeypatch.setattr(removal, "_LEFT_BEHIND_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.01)


def _log(sessions: int = 40) -> Log:
    log = Log()
    log.write([office("35.76"), *(business(UUID(int=number)) for number in range(1, 9))])
    log.write(session(UUID(int=100 + number), [UUID(int=1 + number % 8)]) for number in range(sessions))
    return log


async def _rebuild(database: Database, steps: list[str] | None = None, keep: timedelta | None = None) -> Outcome:
    told = steps if steps is not None else []
    async with asyncio.timeout(120):
        return await rebuild(
            database.settings("reporting", "worker"), lambda progress: told.append(progress.step), keep
        )


async def _roll_back(database: Database) -> Outcome:
    async with asyncio.timeout(120):
        return await roll_back(database.settings("reporting", "worker"), lambda _: None, _A_DAY)


def _province() -> list[AnyEvent]:
    """Two offices, two years, every state of a session; a business that both serve, for five hours in a year."""
    moved, shut = Business("moved"), Business("shut", kinds=["ikm", "cooperative"])
    held = [
        Session(f"{at} {on}", "moved", "shut", at=at, on=on, contact_minutes=150)
        for at in (MAJA, BATU)
        for on in ("2023-12-31", "2024-01-01", "2024-04-01")
    ]
    plan, missed, contested, imported, unknown = (Session(name, "moved") for name in "pmciu")
    return [
        *(moved.registered(), shut.registered(), moved.moved(BATU), shut.closed("2024-02-29")),
        *(one.completed() for one in held),
        *(one.confirmed() for one in held[::2]),
        *(held[1].corrected("shut", day="2024-07-01"), held[2].cancelled()),
        *(plan.scheduled(), missed.completed(), missed.cancelled(no_show=True)),
        *(contested.completed(), contested.contested(), imported.imported(), imported.accepted()),
        *(unknown.completed(unknown=("moved",)), unknown.attested_by("moved").resolved()),
    ]


async def test_the_next_set_says_the_same_and_takes_over(database: Database, worker: Pool) -> None:
    log, steps = _log(), list[str]()
    log.write(_province())
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        before = await tables(worker, 1)
        outcome = await _rebuild(database, steps)
    assert (outcome.before, outcome.version, outcome.comparison.differences) == (1, 2, [])
    assert await tables(worker, 2) == before
    assert await found(worker, 2) == recompute(log.events, NOW)
    assert (await store.live_set(worker)).version == 2
    assert not any((await tables(worker, 1)).values())
    assert await worker.fetchval("select count(*) from consumer_offset where consumer_group = 'reporting-set-1'") == 0
    assert "summing" in steps


async def test_a_row_that_was_changed_by_hand_is_shown_and_healed(database: Database, worker: Pool) -> None:
    log = _log()
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        right = await tables(worker, 1)
        await worker.execute("update office_activity set sessions = sessions + 5 where grain = 'year'")
        await worker.execute("delete from fact_session where id = $1", UUID(int=100))
        closed = "update fact_business set state = jsonb_set(state::jsonb, '{status}', '\"closed\"') where id = $1"
        await worker.execute(closed, UUID(int=1))
        outcome = await _rebuild(database)
    shown = {(one.table, one.key) for one in outcome.comparison.differences}
    assert ("fact_session", str(UUID(int=100))) in shown
    assert ("fact_business", str(UUID(int=1))) in shown
    assert ("office_activity", "35.76 year 2026-01-01") in shown
    missing = next(one for one in outcome.comparison.differences if one.key == str(UUID(int=100)))
    assert isinstance(missing, Difference)
    assert (missing.live, missing.building[:2]) == ("", "1 ")
    assert await tables(worker, 2) == right


_BY_HAND = (
    *((total.name, f"{total.amounts[-1]} = {total.amounts[-1]} + 1") for total in TABLES),
    ("served_business", "visits = jsonb_set(visits::jsonb, '{0,3}', '1')::json"),
    ("intensive_business", "contact_minutes = contact_minutes + 1"),
)


async def test_whatever_total_was_changed_by_hand_is_found_by_the_check_and_healed(
    database: Database, worker: Pool
) -> None:
    log = _log()
    log.write(_province())
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        assert await _found_by_check(database) == set()
        for table, change in _BY_HAND:
            row = f"(select tableoid, ctid from {table} where set_version = 1 limit 1)"
            assert await worker.execute(f"update {table} set {change} where (tableoid, ctid) = {row}") == "UPDATE 1"
        assert await _found_by_check(database) == {f"reporting.{table}" for table, _ in _BY_HAND}
        outcome = await _rebuild(database)
    assert {one.table for one in outcome.comparison.differences} == {table for table, _ in _BY_HAND} - {
        "intensive_business"
    }
    assert await _found_by_check(database) == set()
    assert await found(worker, 2) == recompute(log.events, NOW)


async def _found_by_check(database: Database) -> set[str]:
    """The tables in which the check finds something, cutting them into ranges. No outbox tells of the latest here."""
    settings = {service: database.settings(service, "worker") for service in SERVICES}
    async with open_readers(settings) as readers:
        found = {one.where.split(" ")[0] async for some in totals.compare(readers, [], stored=10**9) for one in some}
    return found - {"reporting.happening"}


async def test_facts_of_before_a_field_of_their_contract_are_no_difference(database: Database, worker: Pool) -> None:
    log = _log()
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        await worker.execute("update fact_session set state = (state::jsonb - 'accepted')::json")
        await worker.execute(
            "update fact_business set state = (state::jsonb - 'status')::json where id = $1", UUID(int=1)
        )
        outcome = await _rebuild(database)
    assert [one.key for one in outcome.comparison.differences] == [str(UUID(int=1))]


@pytest.mark.parametrize("step", ["reading", "summing", "comparing", "removing"])
async def test_what_was_interrupted_is_gone_on_with(database: Database, worker: Pool, step: str) -> None:
    """The rebuilder dies within a step, as by Ctrl-C or a kill; the next call finishes, nothing counts twice."""

    class Killed(Exception):
        pass

    def die(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    log = _log()
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        before = await tables(worker, 1)
        with pytest.raises(Killed):
            await rebuild(database.settings("reporting", "worker"), die)
        log.write([session(UUID(int=900), [UUID(int=1)])])
        outcome = await _rebuild(database)
        await consumer.has_read(outcome.version)
    live = await store.live_set(worker)
    assert live.stage is Stage.FOLLOWING
    found = await tables(worker, live.version)
    assert len(found["session"]) == len(before["session"]) + 1
    assert sum(row[5] for row in found["office_activity"] if row[1] == "year") == 41
    assert await worker.fetchval("select count(*) from read_model_set where state = 'building'") == 0


async def test_two_rebuilders_do_not_meet(database: Database, worker: Pool) -> None:
    log, begun, go_on = _log(), asyncio.Event(), asyncio.Event()

    def tell(progress: Progress) -> None:
        begun.set()
        if not go_on.is_set() and progress.step == "removing":
            pytest.fail("it went on alone")

    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        one = asyncio.create_task(rebuild(database.settings("reporting", "worker"), tell))
        await asyncio.wait({one, asyncio.create_task(begun.wait())}, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(AlreadyRebuildingError):
            await _rebuild(database)
        go_on.set()
        await one


async def test_answers_never_go_back_and_never_mix(database: Database, worker: Pool, client: httpx.AsyncClient) -> None:
    """Offices write, two rebuilds and two ways back switch the set, and somebody looks: each answer is whole, and none
    is older.

    Each session has a business of its own: all that one was ever visited by is written anew with each visit.
    """
    log, done = _log(), asyncio.Event()

    async def write() -> None:
        number = 1000
        while not done.is_set():
            log.write([session(UUID(int=number), [UUID(int=1_000_000 + number)])])
            number += 1
            await asyncio.sleep(0.02)

    async def look() -> int:
        seen, looks = 0, 0
        last = Position(0, 0, 0)
        while not done.is_set():
            answer = (await client.get("/v1/overview", headers=ANALYST)).raise_for_status().json()
            position = Position.parse(answer["position"])
            assert position is not None
            assert position >= last
            sessions = answer["province"]["all"]["sessions"]
            assert sessions == position.offsets - 9
            assert sessions >= seen
            seen, last, looks = sessions, position, looks + 1
        return looks

    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        writing, looking = asyncio.create_task(write()), asyncio.create_task(look())
        switches = (_rebuild_and_keep, _roll_back, _rebuild_and_keep, _roll_back)
        answering = [(await switch(database)).version for switch in switches]
        done.set()
        await writing
        assert await looking > 10
    assert answering == [2, 1, 3, 1]


async def test_a_set_of_older_rules_is_not_gone_on_with(database: Database, worker: Pool) -> None:
    """A rebuild was interrupted, then a newer program was installed: its rules begin a set of their own."""
    log = _log(5)
    begun = "insert into read_model_set (version, rules, state, stage) values (2, 999, 'building', 'reading')"
    await worker.execute(begun)
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        outcome = await _rebuild(database)
    assert outcome.version == 3
    assert await worker.fetchval("select state from read_model_set where version = 2") == "retired"


async def test_a_set_of_an_older_history_is_not_gone_on_with(database: Database, worker: Pool) -> None:
    """A rebuild was interrupted, then Postgres was restored and a new history begun: the set can only halt there."""
    log = _log(5)
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        async with worker.acquire() as connection, connection.transaction():
            begun = "insert into read_model_set (version, rules, state, stage) values (2, $1, 'building', 'reading')"
            await connection.execute(begun, RULES)
            await connection.execute(
                "insert into consumer_offset (consumer_group, topic, partition, history, epoch)"
                " values ('reporting-set-2', 'registry.office.v1', 0, 0, 1)"
            )
        outcome = await _rebuild(database)
    assert outcome.version == 3
    assert await worker.fetchval("select state from read_model_set where version = 2") == "retired"


async def _rebuild_and_keep(database: Database) -> Outcome:
    return await _rebuild(database, keep=_A_DAY)


async def test_a_switch_can_be_taken_back_and_what_was_written_since_is_there(database: Database, worker: Pool) -> None:
    log = _log()
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        outcome = await _rebuild_and_keep(database)
        assert outcome.kept_until is not None
        log.write([session(UUID(int=900), [UUID(int=1)])])
        back = await _roll_back(database)
        assert (back.version, back.before) == (1, 2)
        assert await found(worker, 1) == recompute(log.events, NOW)
        forth = await _roll_back(database)
        assert (forth.version, forth.before) == (2, 1)
    assert await found(worker, 2) == recompute(log.events, NOW)


async def test_a_kept_set_is_removed_when_its_time_is_over_and_the_switch_stays(
    database: Database, worker: Pool
) -> None:
    log = _log(5)
    sweeper = removal.Sweeper(worker)
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        await _rebuild_and_keep(database)
        await sweeper.do()
        assert await worker.fetchval("select state from read_model_set where version = 1") == "kept"
        await worker.execute("update read_model_set set kept_until = now() - interval '1 second' where version = 1")
        await sweeper.do()
        with pytest.raises(NothingToDoError, match="no set is kept"):
            await _roll_back(database)
    assert not any((await tables(worker, 1)).values())
    assert await worker.fetchval("select count(*) from consumer_offset where consumer_group = 'reporting-set-1'") == 0
    assert (await store.live_set(worker)).version == 2


async def test_an_unfinished_rebuild_can_be_given_up(database: Database, worker: Pool) -> None:
    class Killed(Exception):
        pass

    def die(progress: Progress) -> None:
        if progress.step == "comparing":
            raise Killed

    log, settings = _log(), database.settings("reporting", "worker")
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        before = await tables(worker, 1)
        with pytest.raises(Killed):
            await rebuild(settings, die)
        assert await abandon(settings, lambda _: None) == 2
        with pytest.raises(NothingToDoError, match="unfinished"):
            await abandon(settings, lambda _: None)
    assert not any((await tables(worker, 2)).values())
    assert await tables(worker, 1) == before
    assert (await store.live_set(worker)).version == 1


_BUILT = "select max(version) from read_model_set where state = 'building'"
_NEW_HISTORY = """
insert into watermark (service, history, epoch, fence, at, ends, held_back)
values ('registry', 2, 2, 9, clock_timestamp() + interval '1 day', '[]', 0)
"""


async def test_a_new_history_while_it_waits_has_it_begin_anew(database: Database, worker: Pool) -> None:
    """The set would halt at the new history and never have read all of it: nobody waits for that."""
    log = _log(5)
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
    # Nobody feeds the next set, so it waits.
    one = asyncio.create_task(_rebuild(database))
    await _until_building(worker, 2)
    await worker.execute(
        "insert into consumer_offset (consumer_group, topic, partition, history, epoch)"
        " values ('reporting-set-2', 'registry.office.v1', 0, 1, 1)"
    )
    await worker.execute(_NEW_HISTORY)
    await _until_building(worker, 3)
    one.cancel()
    await asyncio.wait({one})
    assert await worker.fetchval("select state from read_model_set where version = 2") == "retired"


async def _until_building(worker: Pool, version: int) -> None:
    async with asyncio.timeout(30):
        while await worker.fetchval(_BUILT) != version:  # noqa: ASYNC110  another connection sets no event
            await asyncio.sleep(0.01)


async def test_nobody_goes_back_to_before_a_new_history(database: Database, worker: Pool) -> None:
    log = _log(5)
    async with Consumer(worker, log) as consumer:
        await consumer.has_read()
        await _rebuild_and_keep(database)
    await worker.execute(_NEW_HISTORY)
    with pytest.raises(NothingToDoError, match="older history"):
        await _roll_back(database)
    assert (await store.live_set(worker)).version == 2
