"""What the overview shows: the province, or an office head's own office."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from services.reporting import store
from services.reporting.answers import Snapshot
from services.reporting.answers.activity import Activities, Beside, activities, summed
from services.reporting.answers.attention import Thresholds, standings
from services.reporting.codes import KINDS
from services.reporting.domain import Period
from services.reporting.indicators import INDICATORS
from services.reporting.periods import PeriodAsked
from services.reporting.projections import businesses_by_region, businesses_over_time, happenings, office_activity
from services.reporting.projections.businesses_by_region import EACH_ONCE, Count
from services.reporting.projections.reading import Span, sums
from services.reporting.web.asking import FIGURES, GRAINS, Asked
from services.reporting.web.cards import Amounts, Cards, confirmed_share
from services.reporting.web.choropleth import Choropleth, choropleth, rows_of
from services.reporting.web.evidence import evidence_of
from services.reporting.web.happened import told
from services.reporting.web.trend import bars, months_to

LATEST = 10


async def overview(seen: Snapshot, asked: Asked, thresholds: Thresholds, *, whole: bool) -> Mapping[str, Any]:
    """Returns what the overview's template asks for. `whole`: the province is shown, not only its offices."""
    today = seen.instant.today
    period = asked.period(today)
    beside = Beside.of(period)
    offices = await store.offices(seen.connection, seen.live.version, seen.offices)
    done = await activities(seen, seen.offices, beside.periods)
    counts = await businesses_by_region.counts(seen.connection, seen.live.version, seen.offices)
    months = whole_months(period)
    registered = await registered_in(seen, months)
    latest = await happenings.latest(seen.connection, seen.live.version, seen.offices, None, LATEST)
    rows = rows_of(counts, registered, {one.code for one in offices})
    most = max((done.of(period, one.code)["sessions"] for one in offices), default=0)
    of = together(done, seen.offices, whole=whole)
    return {
        "heading": "PLUT se-Jawa Timur" if whole else ", ".join(one.name for one in offices) or "PLUT",
        "asked": asked,
        "period": period,
        "running": period.is_running(today),
        "periods": periods_to_choose(today),
        "active": _active(counts, EACH_ONCE),
        "kinds": [(label, _active(counts, kind)) for kind, label in KINDS.items()],
        "cards": Cards(beside, of).all(),
        "now": of(period),
        "share": confirmed_share,
        "offices": [
            (one, done.of(period, one.code), bar_length(done.of(period, one.code)["sessions"], most)) for one in offices
        ],
        "trend": bars(await by_month(seen, seen.offices, today), "sessions", "confirmed"),
        "standings": await standings(seen, thresholds),
        "thresholds": thresholds,
        "latest": [told(one) for one in latest],
        **map_values(choropleth(rows, asked), asked),
        "stock": [INDICATORS["active_businesses"]],
        "whole": whole,
        "months": months,
        "evidence": evidence_of(periode=str(period)),
        "stock_evidence": evidence_of(),
    }


def map_values(drawn: Choropleth, asked: Asked) -> dict[str, Any]:
    """Returns what the map's template asks for."""
    return {
        "map": drawn,
        "map_title": f"{FIGURES[asked.peta]} per kabupaten/kota",
        "figures": FIGURES,
        "kept": Asked(periode=asked.periode).query().removesuffix("?"),
    }


def together(done: Activities, offices: Sequence[str], *, whole: bool) -> Callable[[PeriodAsked], Amounts]:
    """Returns what gives the amounts of a period: of the province, or of the one office that a head has."""
    if whole or len(offices) != 1:
        return lambda period: done.of_all(period, offices)
    return of_office(done, offices[0])


def of_office(done: Activities, office: str) -> Callable[[PeriodAsked], Amounts]:
    """Returns what gives an office's amounts of a period."""
    return lambda period: done.of(period, office)


def whole_months(period: PeriodAsked) -> PeriodAsked:
    """Returns the period if it is made of months, and for a day its month: regions are not counted by day."""
    return PeriodAsked.containing(Period.MONTH, period.first) if period.grain is Period.DAY else period


async def registered_in(seen: Snapshot, months: PeriodAsked) -> dict[str, int]:
    """Returns the businesses registered in a period made of months, by kabupaten/kota."""
    span = Span("now", Period.MONTH, months.first, months.last)
    within = {"home_office": seen.offices, "kind": [EACH_ONCE]}
    rows = await sums(
        seen.connection, seen.live.version, businesses_over_time.TOTAL, [span], by=("regency",), within=within
    )
    return {row.key[0]: row.amounts["registered"] for row in rows}


async def by_month(seen: Snapshot, offices: Sequence[str], today: date) -> list[tuple[PeriodAsked, Amounts]]:
    """Returns what the offices did in each of the last months, up to that of today."""
    months = months_to(today)
    total, within = office_activity.TOTAL, {"office": offices}
    rows = await sums(seen.connection, seen.live.version, total, summed(months), within=within)
    found = {row.span: row.amounts for row in rows}
    none = dict.fromkeys(total.amounts, 0)
    return [(month, found.get(str(month), none)) for month in months]


def periods_to_choose(today: date) -> dict[str, tuple[str, str]]:
    """Returns each word for a period of today: what people call it, and which one it is."""
    names = ("Hari ini", "Bulan ini", "Triwulan ini", "Tahun ini", "Semua")
    labels = [
        "sejak awal" if grain is Period.ALL else PeriodAsked.containing(grain, today).label for grain in GRAINS.values()
    ]
    return dict(zip(GRAINS, zip(names, labels, strict=True), strict=True))


def bar_length(part: int, whole: int) -> int:
    """Returns the part in percent of the whole, for a bar; something is never drawn as nothing."""
    return max(2, round(100 * part / whole)) if part else 0


def _active(counts: Sequence[Count], kind: str) -> int:
    return sum(one.businesses for one in counts if one.kind == kind and one.status == "active")
