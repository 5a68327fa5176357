"""What everybody may know: fixed tables of months that are over, in which small numbers are not told.

The months of each office are told or not; quarters, years and the province are reckoned from what is told of them. That
the tables give nothing away rests on nothing else being used: see small_cells.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from services.reporting import store
from services.reporting.answers.snapshots import Snapshot
from services.reporting.codes import KINDS
from services.reporting.domain import FIRST_DAY, PROVINCE, Period
from services.reporting.periods import PeriodAsked
from services.reporting.projections import businesses_over_time, businesses_served, office_activity
from services.reporting.projections.businesses_by_region import EACH_ONCE
from services.reporting.projections.reading import Span, sums
from services.reporting.small_cells import Bounds, beside, distinct, told, total
from services.reporting.store import Office
from shared.reference.regions import regencies

BUSINESSES = (businesses_over_time.TOTAL,)
ACTIVITY = (office_activity.TOTAL, businesses_served.TOTAL)
Stock = Mapping[tuple[str, str], int]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Businesses:
    """Active businesses of a kabupaten/kota or the province by kind, and each once whatever its kinds."""

    region: str
    by_kind: Sequence[Bounds]
    each_once: Bounds


class Done(NamedTuple):
    """What an office did in a month: sessions held, businesses served and contact minutes."""

    sessions: int = 0
    served: int = 0
    contact_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """What is told of an office or the province (`*`); None is withheld."""

    office: str
    sessions: Bounds
    served: Bounds | None
    contact_minutes: int | None


def kinds_in(stock: Stock) -> list[str]:
    """Returns the kinds that a table has columns for, in their order; one that was learnt later comes last."""
    return [*KINDS, *sorted({kind for _, kind in stock} - KINDS.keys() - {EACH_ONCE})]


def publish_businesses(stock: Stock) -> list[Businesses]:
    """Returns the table by region, the province (`*`) last. `stock`: (kabupaten/kota, kind or `*`) → businesses.

    A business may be of several kinds. So where all kinds of a region are told, the number of its businesses is too.
    """
    regions = sorted(regencies().keys() | {region for region, _ in stock})
    rows = [_businesses(region, kinds_in(stock), stock) for region in regions]
    columns = zip(*(row.by_kind for row in rows), strict=True)
    return [*rows, Businesses(PROVINCE, [total(column) for column in columns], total(row.each_once for row in rows))]


def _businesses(region: str, kinds: Sequence[str], stock: Stock) -> Businesses:
    by_kind = [told(stock.get((region, kind), 0)) for kind in kinds]
    return Businesses(region, by_kind, distinct(stock.get((region, EACH_ONCE), 0), by_kind))


def publish_activity(months: Mapping[str, Sequence[Done]], served: Mapping[str, int]) -> list[Activity]:
    """Returns the table by office, the province (`*`) last.

    `months`: office → what it did in each month of the period; `served`: office or `*` → businesses served in it all.
    """
    rows = [_together(office, [_month(done) for done in parts], served) for office, parts in sorted(months.items())]
    return [*rows, _together(PROVINCE, rows, served)]


def _month(done: Done) -> Activity:
    """Businesses and minutes could tell how many sessions there were, and the minutes of few are somebody's own: they
    are told with what they follow, or not at all.
    """
    sessions, served = told(done.sessions), told(done.served)
    number = None if sessions.exact is None else served
    return Activity("", sessions, number, beside(done.contact_minutes, sessions, served))


def _together(office: str, parts: Sequence[Activity], served: Mapping[str, int]) -> Activity:
    businesses, minutes = _if_all(part.served for part in parts), _if_all(part.contact_minutes for part in parts)
    return Activity(
        office,
        total(part.sessions for part in parts),
        None if businesses is None else distinct(served.get(office, 0), businesses),
        None if minutes is None else sum(minutes),
    )


def _if_all(parts: Iterable[_T | None]) -> list[_T] | None:
    found = list(parts)
    known = [part for part in found if part is not None]
    return known if len(known) == len(found) else None


async def businesses_at_end_of(seen: Snapshot, month: PeriodAsked) -> tuple[list[str], list[Businesses]]:
    """Returns the kinds and the table of the businesses that were active when the month was over."""
    until = [Span(str(month), Period.MONTH, FIRST_DAY, month.first)]
    within = {"home_office": sorted(regencies())}
    total_ = businesses_over_time.TOTAL
    rows = await sums(seen.connection, seen.live.version, total_, until, by=("regency", "kind"), within=within)
    stock = {(one.key[0], one.key[1]): one.amounts["registered"] - one.amounts["closed"] for one in rows}
    return kinds_in(stock), publish_businesses(stock)


async def activity_in(seen: Snapshot, period: PeriodAsked) -> tuple[list[Office], list[Activity]]:
    """Returns the offices and the table of what they did in a month, quarter or year."""
    offices = await store.offices(seen.connection, seen.live.version, sorted(regencies()))
    codes, months = [office.code for office in offices], list(period.months())
    version, connection = seen.live.version, seen.connection
    within = {"office": codes}
    held = await sums(connection, version, office_activity.TOTAL, _spans(months), by=("office",), within=within)
    whom, each = {"office": [*codes, PROVINCE]}, _spans(dict.fromkeys((*months, period)))  # it may be its only month
    met = await sums(connection, version, businesses_served.TOTAL, each, by=("office",), within=whom)
    done = {(one.span, one.key[0]): one.amounts for one in held}
    served = {(one.span, one.key[0]): one.amounts["served"] for one in met}
    by_month = {code: [_done(done, served, str(month), code) for month in months] for code in codes}
    return offices, publish_activity(
        by_month, {code: served.get((str(period), code), 0) for code in (*codes, PROVINCE)}
    )


def _spans(periods: Iterable[PeriodAsked]) -> list[Span]:
    return [Span(str(one), *one.distinct) for one in periods]


def _done(
    done: Mapping[tuple[str, str], Mapping[str, int]], served: Mapping[tuple[str, str], int], month: str, office: str
) -> Done:
    amounts = done.get((month, office), {})
    return Done(amounts.get("sessions", 0), served.get((month, office), 0), amounts.get("contact_minutes", 0))
