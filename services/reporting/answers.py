"""What people ask, answered from one snapshot: figures, position and as-of always agree."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from services.reporting import store
from services.reporting.domain import PROVINCE, Period, Position, today
from services.reporting.freshness import as_of, behind_ms
from services.reporting.projections import businesses_by_region, office_activity
from services.reporting.projections.businesses_by_region import Count
from services.reporting.projections.office_activity import Activity, DayOfOffice
from services.reporting.projections.total import Total
from services.reporting.store import Office, ReadModelSet
from shared import postgres
from shared.auth.principal import PROVINCE_ROLES, Principal
from shared.http.problem import Problem
from shared.postgres import Pool

TREND_DAYS = 30


@dataclass(frozen=True)
class Instant:
    """What every answer says of itself. `as_of` is None until all that feeds the figures has been heard of."""

    position: Position
    as_of: datetime | None
    now: datetime

    @property
    def behind_ms(self) -> int | None:
        return behind_ms(self.as_of, self.now)

    @property
    def today(self) -> date:
        return today(self.now)


@dataclass(frozen=True)
class Snapshot:
    """An open transaction that sees the live set of one instant, within the offices of the one who asks."""

    connection: Any
    live: ReadModelSet
    instant: Instant
    offices: tuple[str, ...]


@asynccontextmanager
async def snapshot(pool: Pool, who: Principal, totals: Sequence[Total]) -> AsyncIterator[Snapshot]:
    """Yields the instant that an answer out of these read models is given at.

    Raises a 503 Problem while the live set does not have one of them, and what postgres.UNAVAILABLE names.
    """
    async with postgres.transaction(pool, _scope(who), snapshot=True) as connection:
        live = await store.live_set(connection)
        _require(live, totals)
        position = await store.position(connection)
        now = await store.database_clock(connection)
        fresh = await as_of(connection, live, totals)
        yield Snapshot(connection, live, Instant(position, fresh, now), who.offices)


def _scope(who: Principal) -> tuple[str, ...]:
    """What is not the sum of offices stands under the province's own name, for its roles alone."""
    return (*who.offices, PROVINCE) if who.has(*PROVINCE_ROLES) else who.offices


def _require(live: ReadModelSet, totals: Iterable[Total]) -> None:
    missing = [total.name for total in totals if not total.known_to(live.rules)]
    if missing:
        raise Problem(
            503,
            "read-model-not-built",
            "Laporan ini belum disusun",
            "Laporan ini baru, dan datanya belum disusun.",
            cure="Coba lagi nanti. Pengelola menyusunnya dengan `plut rebuild reporting`.",
            headers={"Retry-After": "60"},
        )


def total(activities: Iterable[Activity]) -> Activity:
    """Returns the sum of activities, none of them making none."""
    return sum(activities, start=Activity())


@dataclass(frozen=True)
class OfficeFigures:
    """An office with what it did in each period, nothing included."""

    office: Office
    activity: Mapping[Period, Activity]


@dataclass(frozen=True)
class Overview:
    """`trend` is each of the last days with what all offices did. `counts` are of businesses, active and closed."""

    offices: Sequence[OfficeFigures]
    counts: Sequence[Count]
    trend: Sequence[tuple[date, Activity]]
    instant: Instant

    def province(self, period: Period) -> Activity:
        return total(office.activity[period] for office in self.offices)

    def businesses(self, *, kind: str = businesses_by_region.EACH_ONCE, status: str = "active") -> int:
        return sum(one.businesses for one in self.counts if one.kind == kind and one.status == status)


OVERVIEW_TOTALS = (office_activity.TOTAL, businesses_by_region.TOTAL)


async def of_overview(seen: Snapshot) -> Overview:
    """Returns the figures of all of the caller's offices, of those that did nothing too."""
    version, day = seen.live.version, seen.instant.today
    offices = await store.offices(seen.connection, version, seen.offices)
    done = await office_activity.by_office(seen.connection, version, seen.offices, day)
    counts = await businesses_by_region.counts(seen.connection, version, seen.offices)
    first = day - timedelta(days=TREND_DAYS - 1)
    recent = await office_activity.per_day(seen.connection, version, seen.offices, first, day)
    figures = [
        OfficeFigures(office, {period: done.get((office.code, period), Activity()) for period in Period})
        for office in offices
    ]
    return Overview(figures, counts, _trend(first, day, recent), seen.instant)


def _trend(first: date, last: date, recent: Sequence[DayOfOffice]) -> list[tuple[date, Activity]]:
    by_day = {first + timedelta(days=number): Activity() for number in range((last - first).days + 1)}
    for one in recent:
        by_day[one.day] = by_day[one.day] + one.activity
    return list(by_day.items())
