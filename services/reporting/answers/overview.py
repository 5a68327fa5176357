"""The overview: what all offices did today, this month, quarter, year and ever, and where the businesses are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.reporting import store
from services.reporting.answers.snapshots import Instant, Snapshot
from services.reporting.domain import Period
from services.reporting.projections import businesses_by_region, office_activity
from services.reporting.projections.businesses_by_region import Count
from services.reporting.projections.office_activity import Activity, DayOfOffice
from services.reporting.store import Office

TREND_DAYS = 30


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
