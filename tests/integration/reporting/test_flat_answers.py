"""A question costs the same however much has happened: it reads totals, or one page of facts, by their keys."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.reporting import answers, store
from services.reporting.answers import evidence, published
from services.reporting.answers.activity import ABOUT, Services, activities, by_service, first_by_service
from services.reporting.answers.attention import Thresholds, standings
from services.reporting.answers.figures import Asked, figure, figure_of
from services.reporting.answers.snapshots import Snapshot
from services.reporting.domain import FIRST_DAY, PROVINCE, Kind, Period
from services.reporting.indicators import INDICATORS
from services.reporting.indicators.card import Measure
from services.reporting.periods import PeriodAsked
from services.reporting.projections import (
    TOTALS,
    businesses_by_region,
    businesses_over_time,
    consultant_load,
    happenings,
    intensive,
    office_activity,
    subjects,
)
from services.reporting.projections.reading import Span, sums
from shared.auth.principal import Principal, Role
from shared.postgres import Connection, Pool
from tests.infrastructure.databases import Database
from tests.support.reporting_events import NOW, business, deliver, office, received, session

OFFICES = ("35.76",)
WHO = Principal("stf-prov", frozenset({Role.PROVINCE_ANALYST}), OFFICES)
TODAY = NOW.date()
FEW, MANY = 240, 3_000
LOOKED_AT = 60
ON_A_PAGE = 20
PERIODS = [PeriodAsked.containing(grain, TODAY) for grain in Period]
READ = """
select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
from pg_stat_xact_user_tables where schemaname = 'reporting'
"""
Ask = Callable[[Snapshot], Awaitable[object]]


async def _grow(worker: Pool, first: int, last: int) -> None:
    """Every slice, a few days and regions: the same keys again and again, and a new business in each session."""
    for start in range(first, last, 1000):
        numbers = range(start, min(start + 1000, last))
        events = [business(UUID(int=1_000_000 + number), registered_on=TODAY) for number in numbers]
        events += [
            session(
                UUID(int=number + 1),
                [UUID(int=1_000_000 + number)],
                day=TODAY - timedelta(days=number % 3),
                contact_minutes=300,
                state=("completed", "confirmed", "contested", "scheduled", "cancelled", "no_show")[number % 6],
                imported=number % 12 == 0,
            )
            for number in numbers
        ]
        await deliver(worker, received(events))


def _questions() -> Mapping[str, Ask]:
    """Every query that an answer is made of."""
    month = date(TODAY.year, TODAY.month, 1)
    coarse = [one for one in PERIODS if one.grain is not Period.DAY]
    thresholds = Thresholds(14, 50, 10)
    placed = {"home_office": OFFICES, "kind": ["*"]}
    ever = [Span("ever", Period.MONTH, FIRST_DAY, TODAY)]
    return {
        "offices": lambda s: store.offices(s.connection, 1, OFFICES),
        "overview": answers.of_overview,
        "activities": lambda s: activities(s, OFFICES, PERIODS),
        "per day": lambda s: office_activity.per_day(s.connection, 1, OFFICES, TODAY - timedelta(days=29), TODAY),
        "by service": lambda s: by_service(s, Services(OFFICES, PERIODS), ABOUT, {"field": ["marketing"]}),
        "by service in the province": lambda s: by_service(s, Services(OFFICES, coarse, whole=True), ABOUT, {}),
        "first by service": lambda s: first_by_service(
            s, Services(OFFICES, PERIODS), ABOUT, {}, after=(), limit=ON_A_PAGE
        ),
        "consultants": lambda s: consultant_load.page(s.connection, 1, OFFICES, (month, TODAY), None, ON_A_PAGE),
        "regions": lambda s: businesses_by_region.within(s.connection, 1, "village", "35.76.02", OFFICES),
        "counts": lambda s: businesses_by_region.counts(s.connection, 1, OFFICES),
        "over time": lambda s: sums(s.connection, 1, businesses_over_time.TOTAL, ever, by=("month",), within=placed),
        "intensive": lambda s: intensive.page(s.connection, 1, PROVINCE, TODAY.year, None, ON_A_PAGE),
        "latest": lambda s: happenings.latest(s.connection, 1, OFFICES, None, ON_A_PAGE),
        "attention": lambda s: standings(s, thresholds),
        "public businesses": lambda s: published.businesses_at_end_of(s, PeriodAsked(Period.MONTH, month)),
        "public activity": lambda s: published.activity_in(s, PeriodAsked.containing(Period.YEAR, TODAY)),
        **{f"behind {code}": _behind(code) for code, one in INDICATORS.items() if one.measure is not Measure.RATIO},
    }


def _behind(code: str) -> Ask:
    async def ask(seen: Snapshot) -> None:
        made = figure_of(INDICATORS[code], Asked(), seen, whole=True)
        await figure(seen, made)
        page = await evidence.page_of(seen, made, None, ON_A_PAGE)
        await evidence.page_of(seen, made, page.ends, ON_A_PAGE)

    return ask


async def _by_indexes(connection: Connection) -> None:
    """A young table has no statistics yet: what is asked here is what the indexes can do."""
    for switched in ("enable_seqscan", "enable_bitmapscan", "enable_indexonlyscan"):
        await connection.execute(f"set local {switched} = off")


async def _read(pool: Pool) -> dict[str, int]:
    """Returns how many rows each question reads, in functions of the database too. It is still the day of the events:
    what is asked of no period is asked of this month.
    """
    read = {}
    async with answers.snapshot(pool, WHO, TOTALS) as opened:
        seen = replace(opened, instant=replace(opened.instant, now=NOW))
        await _by_indexes(seen.connection)
        for name, ask in _questions().items():
            before = await seen.connection.fetchval(READ)
            await ask(seen)
            read[name] = await seen.connection.fetchval(READ) - before
    return read


@pytest.mark.timeout(240)
async def test_many_times_the_events_are_read_as_the_same_rows(
    database: Database, worker: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "LOOKED_AT", LOOKED_AT)
    pool = await database.pool("reporting")
    await deliver(worker, received([office("35.76")]))
    await _grow(worker, 0, FEW)
    few = await _read(pool)
    await _grow(worker, FEW, MANY)
    many = await _read(pool)
    assert {name for name, rows in few.items() if not rows} == set()
    pages = {name for name in many if name.startswith("behind")}
    assert {
        name: (few[name], rows) for name, rows in many.items() if name not in pages and rows > 1.2 * few[name]
    } == {}
    # Two pages look at no more facts than they are allowed to, and for each business at its visits.
    assert {name: (few[name], many[name]) for name in pages if many[name] > few[name] + 4 * LOOKED_AT} == {}


async def test_a_page_that_is_summed_is_read_by_its_key(worker: Pool) -> None:
    await deliver(worker, received([office("35.76")]))
    await _grow(worker, 0, FEW)
    async with worker.acquire() as connection, connection.transaction():
        await _by_indexes(connection)
        before = await connection.fetchval(READ)
        facts = await store.facts_after(connection, 1, Kind.SESSION, str(UUID(int=9)), ON_A_PAGE)
        served = await subjects.after(connection, 1, UUID(int=1_000_009), ON_A_PAGE)
        assert (len(facts), len(served)) == (ON_A_PAGE, ON_A_PAGE)
        assert await connection.fetchval(READ) - before <= len(facts) + len(served) + 2
