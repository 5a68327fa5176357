"""From any figure the way down to the events behind it: what they add, page by page, is the figure."""

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.reporting import answers
from services.reporting.answers.evidence import Figure, page_of
from services.reporting.answers.figures import Asked, figure, figure_of
from services.reporting.answers.snapshots import Snapshot
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.indicators.card import Measure
from services.reporting.periods import PeriodAsked
from services.reporting.projections import TOTALS
from shared.auth.principal import Principal, Role
from shared.contracts.catalogue import AnyEvent
from shared.http.problem import Problem
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support.reporting_events import business, deliver, received, session

OFFICES = ("35.76", "35.78", "35.79")
ANALYST = Principal("stf-prov", frozenset({Role.PROVINCE_ANALYST}), OFFICES)
HEAD = Principal("stf-head", frozenset({Role.OFFICE_HEAD}), ("35.76",))
PERIODS = ("2025-12-31", "2025-12", "2026-Q1", "2026", "all")
PLACES = ("35.76.02.1001", "35.76.01.1007", "35.79.01.1001", "35.15.01.2001")
STATES = ("scheduled", "completed", "completed", "confirmed", "contested", "cancelled", "no_show")
FACTS = [one for one in INDICATORS.values() if one.measure is not Measure.RATIO]
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"field": "marketing"},
    {"service": "training", "channel": "phone"},
    {"consultant": str(UUID(int=901))},
    {"kind": "ikm"},
    {"status": "closed"},
    {"home_office": "35.79"},
    {"region": "35.76"},
    {"region": "35.76.02"},
    {"region": "35.76.02.1001"},
    {"kind": "umkm", "region": "35.76"},
)


def _events(chance: random.Random) -> Iterator[AnyEvent]:
    """Two turns of a year, offices that share businesses, sessions of every fate, businesses closed and moved."""
    first = date(2025, 12, 28)
    for number in range(1, 25):
        closed: dict[str, Any] = {"status": "closed", "closed_on": date(2026, 2, 3)} if number % 5 == 0 else {}
        yield business(
            UUID(int=number),
            registered_on=first + timedelta(days=chance.randrange(40)),
            home_office=chance.choice(OFFICES),
            registered_by=chance.choice(OFFICES),
            kelurahan=chance.choice(PLACES),
            kinds=chance.choice((["umkm"], ["umkm", "ikm"], ["cooperative"])),
            **closed,
        )
    for number in range(1001, 1121):
        imported = chance.random() < 0.2
        made = session(
            UUID(int=number),
            [UUID(int=one) for one in chance.sample(range(1, 25), chance.randrange(1, 4))],
            known=chance.random() < 0.9,
            office=chance.choice(OFFICES),
            day=first + timedelta(days=chance.choice((0, 3, 4, 30, 31, 95, 370)) + chance.randrange(3)),
            contact_minutes=chance.choice((30, 60, 180, 299)),
            state=chance.choice(
                ("scheduled", "completed", "completed", "confirmed", "contested", "cancelled", "no_show")
            ),
            field=chance.choice(("marketing", "production")),
            service=chance.choice(("training", "business_mentoring")),
            channel=chance.choice(("phone", "office_visit")),
            consultants=[str(UUID(int=900 + one)) for one in chance.sample((1, 2, 3), 2)],
            imported=imported,
            accepted=not imported or chance.random() < 0.5,
        )
        for met in made.state.businesses:
            object.__setattr__(met, "attested", met.known and chance.random() < 0.5)
        yield made


@pytest.fixture
def questions() -> list[tuple[Indicator, Asked]]:
    asked = []
    for card in FACTS:
        for period in (None, *map(PeriodAsked.parse, PERIODS)):
            for office in (None, "35.76"):
                for filters in FILTERS:
                    only = {name: one for name, one in filters.items() if name != "region"}
                    asked.append((card, Asked(period, office, filters.get("region"), only)))
    return asked


async def _all_pages(seen: Snapshot, made: Figure, limit: int) -> int:
    amount, ends, pages = 0, None, 0
    while pages == 0 or ends is not None:
        page = await page_of(seen, made, ends, limit)
        assert len(page.items) <= limit
        amount, ends, pages = amount + sum(one.amount for one in page.items), page.ends, pages + 1
    return amount


@pytest.mark.parametrize("who", [ANALYST, HEAD], ids=["province", "office"])
async def test_what_the_events_add_is_the_figure(
    database: Database, worker: Pool, questions: list[tuple[Indicator, Asked]], who: Principal
) -> None:
    chance = random.Random(7)  # noqa: S311  a test's dice
    await deliver(worker, received(_events(chance)))
    pool, answered, moved = await database.pool("reporting"), set(), set()
    async with answers.snapshot(pool, who, TOTALS) as seen:
        for card, asked in questions:
            with suppress(Problem):  # not every figure is told apart by everything
                made = figure_of(card, asked, seen, whole=who is ANALYST)
                expected = await figure(seen, made)
                assert await _all_pages(seen, made, 7) == expected, (card.code, asked)
                answered.add(card.code)
                moved |= {card.code} if expected else set()
    assert answered == moved == {card.code for card in FACTS}
