"""A row that a hand changes is named, whatever table of reporting it stands in, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.check.findings import Report
from deploy.check.totals.sums import OF_ACTIVITY, OF_BUSINESSES, OF_PROVINCE, Total
from shared.clock import utc_now
from tests.infrastructure.databases import Database
from tests.integration.check.world import BUSINESSES, World, populate
from tests.support.reporting_events import LIVE, business, event, session

SHARED, LONG_AGO, TODAY = BUSINESSES[7], UUID(int=7001), UUID(int=7002)
SESSION, CANCELLED, CONSULTANT = UUID(int=6000), UUID(int=6004), UUID(int=9)


@dataclass(frozen=True)
class Planted:
    """A change of one row by hand, the table that it is in, what the finding says, and where else it shows."""

    table: str
    sql: str
    says: tuple[str, ...]
    kind: str = "differing_rows"
    shows_in: tuple[str, ...] = ()


async def _populate(world: World) -> None:
    """Beside the usual: two offices with one business over two years, sessions in every state, a closed business."""
    await populate(world)
    await world.accept(business(LONG_AGO, registered_on="2024-01-01", kelurahan="35.79.01.1002", home_office="35.79"))
    await world.accept(business(LONG_AGO, 2, registered_on="2024-01-01", status="closed", closed_on="2025-03-31"))
    covers: dict[str, Any] = {"office": "35.76", "staff": "stf-9", "fields": [], "active_from": "2026-01-01"}
    await world.accept(event("ConsultantRegistered", str(CONSULTANT), 1, {"id": str(CONSULTANT), **covers}))
    await world.accept(business(TODAY).model_copy(update={"occurred_at": utc_now()}))
    told: list[dict[str, Any]] = [
        {"office": "35.79", "contact_minutes": 200, "state": "confirmed", "day": "2026-01-05"},
        {"contact_minutes": 100, "state": "contested", "day": "2026-12-30"},
        {"office": "35.79", "day": "2025-12-31", "imported": True},
        {"state": "scheduled"},
        {"state": "cancelled"},
        {"state": "no_show"},
        {"accepted": False, "imported": True},
    ]
    await world.accept(
        *(
            session(UUID(int=SESSION.int + number), [SHARED, BUSINESSES[1]], **changes)
            for number, changes in enumerate(told)
        )
    )


def _raised(total: Total) -> Planted:
    """Each amount of one row stands one too high."""
    sums = ", ".join(f"{amount} = {amount} + 1" for amount in total.amounts)
    row = f"select tableoid, ctid from reporting.{total.table} order by {', '.join(total.key)}, slice offset 1 limit 1"
    says = ("above the sum", *(f"{amount} is " for amount in total.amounts))
    return Planted(
        total.table, f"update reporting.{total.table} set {sums} where (tableoid, ctid) = ({row})", says, "twice"
    )


def _of_nobody(table: str, row: str, *says: str) -> Planted:
    return Planted(table, f"insert into reporting.{table} values ({row})", ("above the sum", *says), "twice")


def _visits(change: str, *says: str, kind: str = "differing_rows") -> Planted:
    sql = f"update reporting.served_business set {change} where subject = '{SHARED}'"
    return Planted("served_business", sql, (str(SHARED), *says), kind, ("businesses_served", "intensive_business"))


def _lost(kind: str, id_: UUID) -> Planted:
    """What the totals were fed with it, they may go on saying."""
    sql = f"delete from reporting.fact_{kind} where id = '{id_}'"
    return Planted(f"fact_{kind}", sql, (str(id_), "has no row of it"), "lost")


_INTENSIVE = f"subject = '{SHARED}' and office"
_LOWERED = "served = served - 1, attested = attested - 1, newly_served = newly_served - 1, intensive = intensive - 1"


# What is planted together, and told apart.
ROUNDS = (
    (
        *(_raised(total) for total in (*OF_ACTIVITY, *OF_BUSINESSES, OF_PROVINCE)),
        _of_nobody("office_activity", "1, '35.99', 'day', '1999-01-01', 3, 1" + ", 0" * 14, "35.99 day 1999-01-01"),
        _of_nobody("sessions_by_service", "1, '35.99', 'day', '2031-01-01', 'f', 's', 'c', 3, 1" + ", 0" * 5, "2031"),
        _of_nobody("sessions_in_province", "1, '*', 'year', '2031-01-01', 'f', 's', 'c', 3, 1" + ", 0" * 5, "2031"),
        _of_nobody("consultant_load", f"1, '00.00', '{SHARED}', '2026-01-01', 3, 1" + ", 0" * 5, f"00.00 {SHARED}"),
        _of_nobody("businesses_by_region", "1, 'village', '99.99.99.9999', '35.76', '*', 'active', 3, 1", "99.99.99"),
        _of_nobody("businesses_over_time", "1, '00.01', '35.76', '*', '2026-01-01', 3, 0, 1", "closed is 1"),
        _of_nobody("businesses_served", "1, '35.99', 'quarter', '1999-01-01', 3, 1, 0, 0, 0", "35.99 quarter"),
        Planted(
            "businesses_served",
            f"update reporting.businesses_served set {_LOWERED} where ctid ="
            " (select ctid from reporting.businesses_served where (office, grain) = ('*', 'year')"
            " order by slice limit 1)",
            ("* year", *(f"{amount} is " for amount in ("served", "attested", "newly_served", "intensive"))),
        ),
        Planted(
            "intensive_business",
            f"update reporting.intensive_business set contact_minutes = 301 where {_INTENSIVE} = '35.79'",
            (str(SHARED), "35.79 2026", "301 contact minutes; by the visits of that year"),
        ),
        Planted(
            "intensive_business",
            f"delete from reporting.intensive_business where {_INTENSIVE} = '*'",
            (str(SHARED), "* 2026", "no row; by the visits of that year"),
        ),
        Planted(
            "intensive_business",
            f"insert into reporting.intensive_business values (1, '35.76', 2024, '{SHARED}', 400)",
            (str(SHARED), "35.76 2024", "400 contact minutes; by the visits of that year no row"),
        ),
    ),
    (_visits("visits = (visits::jsonb - 0)::json", "is not among the visits"),),
    (
        _visits(
            "visits = (visits::jsonb || jsonb_build_array(visits::jsonb -> 0))::json", "stands 2 times", kind="twice"
        ),
    ),
    (
        _visits(
            "visits = ((visits::jsonb || jsonb_build_array(visits::jsonb -> 0)) - 0)::json", "by day and session it is"
        ),
    ),
    (
        _visits("visits = jsonb_set(visits::jsonb, '{1,3}', '7')::json", " 7 minutes; the session says"),
        _visits("visits = jsonb_set(visits::jsonb, '{2,4}', '1')::json", " minutes attested; the session says"),
        _visits(f"visits = jsonb_set(visits::jsonb, '{{0,0}}', '\"{CANCELLED}\"')::json", "there was none"),
        Planted("fact_office", "update reporting.fact_office set slice = 11 where id = '35.76'", ("slice 11",)),
    ),
    (
        Planted(
            "served_business",
            f"update reporting.served_business set visits = '7' where subject = '{SHARED}'",
            ("cannot be compared", "a row cannot be read"),
        ),
    ),
    (_visits("offices = '{35.76}'", "offices ['35.76'], its visits were at ['35.76', '35.79']"),),
    (
        Planted(
            "served_business",
            f"delete from reporting.served_business where subject = '{SHARED}'",
            (str(SHARED), "is not among the visits"),
            shows_in=("businesses_served", "intensive_business"),
        ),
    ),
    (
        Planted(
            "fact_session",
            "update reporting.fact_session set day = '2026-02-01', office = '35.79'"
            f" where id = '{UUID(int=SESSION.int + 1)}'",
            ("listed under day 2026-02-01, its state says 2026-12-30", "listed under office 35.79"),
        ),
        Planted(
            "fact_business",
            "update reporting.fact_business set office = '35.79', home_office = '35.79', kelurahan = '35.79.01.1001',"
            f" day = '2020-01-01' where id = '{SHARED}'",
            ("listed under kelurahan 35.79.01.1001", "listed under day 2020-01-01", "listed under home_office 35.79"),
        ),
        Planted(
            "fact_consultant",
            "update reporting.fact_consultant set office = '35.79'",
            ("listed under office 35.79",),
        ),
    ),
    (
        Planted(
            "happening",
            f"update reporting.happening set office = '35.79' where (aggregate_id, version) = ('{BUSINESSES[3]}', 2)",
            (f"BusinessCorrected of business {BUSINESSES[3]} version 2 by 35.79", "the outbox says BusinessCorrected"),
        ),
        Planted(
            "happening",
            f"delete from reporting.happening where aggregate_id = '{TODAY}'",
            (f"fact_business {TODAY} lately, and is not listed",),
        ),
        Planted(
            "happening",
            "insert into reporting.happening values"
            f" (1, '{CONSULTANT}', 'SessionCompleted', 'session', '{SESSION}', 9, '35.76', now())",
            (str(CONSULTANT), "version 9", "the outbox says nothing of it"),
        ),
        *(_lost("session", UUID(int=SESSION.int + number)) for number in range(7)),
        *(_lost("business", id_) for id_ in (SHARED, LONG_AGO)),
    ),
)


async def test_a_row_changed_by_hand_is_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many facts each office, year and region is a range of its own, and nothing falls between them."""
    superuser = await asyncpg.connect(database.superuser_dsn)
    world = World(database, superuser)
    await _populate(world)
    assert (await world.check()).as_json()["details"] == []
    monkeypatch.setattr("deploy.check.totals.ranges._AT_ONCE", 0)
    monkeypatch.setattr("deploy.check.totals.served._PAGE", 5)
    assert (await world.check()).as_json()["details"] == []
    for together in ROUNDS:
        async with AsyncExitStack() as stack:
            for table in {planted.table for planted in together}:
                await stack.enter_async_context(_mended(superuser, table))
            for planted in together:
                changed = await superuser.execute(planted.sql)
                assert changed.endswith(" 1"), (planted, changed)
            _judge(together, await world.check())
    assert (await world.check()).ok
    await superuser.close()


@asynccontextmanager
async def _mended(superuser: "asyncpg.Connection[asyncpg.Record]", table: str) -> AsyncIterator[None]:
    await superuser.execute(f"create temp table right_{table} as table reporting.{table}")
    yield
    await superuser.execute(f"delete from reporting.{table}")
    await superuser.execute(f"insert into reporting.{table} table right_{table}")
    await superuser.execute(f"drop table right_{table}")


def _judge(together: Sequence[Planted], report: Report) -> None:
    told = [f"{one.kind} {one.where} {one.what}" for one in report.details]
    for planted in together:
        words = (planted.kind, f"reporting.{planted.table} ", *planted.says)
        assert any(all(word in line for word in words) for line in told), (planted, told)
    tables = {f"reporting.{table} " for planted in together for table in (planted.table, *planted.shows_in)}
    assert [line for line in told if not any(table in line for table in tables)] == [], together


async def test_nothing_is_found_while_offices_write(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each range is of an instant of its own, and the business that everybody serves moves all of them."""
    monkeypatch.setattr("deploy.check.totals.ranges._AT_ONCE", 0)
    monkeypatch.setattr("deploy.check.totals.served._PAGE", 5)
    superuser = await asyncpg.connect(database.superuser_dsn)
    world, done = World(database, superuser), asyncio.Event()
    await _populate(world)

    async def write() -> int:
        number = 0
        while not done.is_set():
            number += 1
            told: dict[str, Any] = {
                "office": ("35.76", "35.79")[number % 2],
                "day": f"202{4 + number % 3}-0{1 + number % 9}-01",
            }
            await world.accept(session(UUID(int=8000 + number), [SHARED, BUSINESSES[number % 30]], **told))
        return number

    writing = asyncio.create_task(write())
    reports = [await world.check(wait=10.0) for _ in range(3)]
    done.set()
    assert await writing > 10
    assert [report.as_json()["details"] for report in reports] == [[], [], []]
    await superuser.close()


async def test_nothing_is_proven_of_a_set_of_older_rules(database: Database) -> None:
    superuser = await asyncpg.connect(database.superuser_dsn)
    world = World(database, superuser)
    await populate(world)
    await superuser.execute("update reporting.read_model_set set rules = 1")
    report = await world.check()
    assert [(one.kind, "rules 1" in one.what, "plut rebuild reporting" in one.cure) for one in report.details] == [
        ("waiting", True, True)
    ]
    assert not report.ok
    await superuser.close()


async def test_a_set_without_the_sums_of_the_province_is_proven_by_what_it_has(database: Database) -> None:
    superuser = await asyncpg.connect(database.superuser_dsn)
    await superuser.execute("update reporting.read_model_set set rules = 2")
    world = World(database, superuser, fed=replace(LIVE, rules=2))
    await populate(world)
    assert await superuser.fetchval("select count(*) from reporting.sessions_in_province") == 0
    assert (await world.check()).ok
    await superuser.execute("update reporting.sessions_by_service set sessions = sessions + 1")
    report = await world.check()
    assert {one.where.split()[0] for one in report.details} == {"reporting.sessions_by_service"}
    await superuser.close()
