"""What a region's page shows: a kabupaten or kota with its kecamatan, or a kecamatan with its kelurahan and desa."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.reporting.answers import Snapshot
from services.reporting.codes import KINDS
from services.reporting.domain import FIRST_DAY, Period
from services.reporting.indicators import INDICATORS
from services.reporting.periods import PeriodAsked
from services.reporting.population import population, rate
from services.reporting.projections import businesses_by_region, businesses_over_time
from services.reporting.projections.businesses_by_region import EACH_ONCE, LEVELS
from services.reporting.projections.reading import Span, sums
from services.reporting.web.asking import Asked
from services.reporting.web.cards import Amounts, Card
from services.reporting.web.evidence import evidence_of
from services.reporting.web.trend import bars, months_to
from services.reporting.wording import decimal, number
from shared.http.problem import Problem
from shared.reference.regions import Region, regions

_LEVEL_OF = {length: level for level, length in LEVELS.items()}
_NOW = Span("now", Period.ALL, FIRST_DAY, FIRST_DAY)
_BELOW = {5: "Kecamatan", 8: "Kelurahan/desa"}


@dataclass(frozen=True, slots=True)
class Place:
    """A region with its businesses by (kind, status)."""

    region: Region
    counts: Mapping[tuple[str, str], int]

    def active(self, kind: str = EACH_ONCE) -> int:
        """Returns its active businesses of a kind."""
        return self.counts.get((kind, "active"), 0)

    @property
    def closed(self) -> int:
        """Returns its closed businesses, whatever their kinds."""
        return self.counts.get((EACH_ONCE, "closed"), 0)

    @property
    def rate(self) -> Decimal | None:
        """Returns its active businesses per 100,000 inhabitants, if these are known."""
        return rate(self.active(), self.region.code)


def region_asked(code: str) -> Region:
    """Returns the kabupaten, kota or kecamatan; raises a 404 Problem for anything else."""
    region = regions().get(code)
    if region is None or len(code) not in _BELOW:
        raise Problem(
            404,
            "not-found",
            "Wilayah tidak dikenal",
            "Kode ini bukan kabupaten, kota atau kecamatan di Jawa Timur.",
            cure="Pilih wilayah dari peta atau tabel di ringkasan.",
        )
    return region


async def region(seen: Snapshot, place: Region, asked: Asked, *, whole: bool) -> Mapping[str, Any]:
    """Returns what the region's template asks for."""
    below = children(place.code)
    here = (await _places(seen, [place]))[0]
    found = await _places(seen, below)
    return {
        "heading": place.name,
        "asked": asked,
        "whole": whole,
        "place": here,
        "above": regions()[place.code[:5]] if len(place.code) > 5 else None,
        "below": found,
        "below_title": _BELOW[len(place.code)],
        "leads_on": len(place.code) == 5,
        "kinds": KINDS,
        "cards": _cards(here),
        "evidence": evidence_of(wilayah=place.code),
        "trend": await _trend(seen, place.code) if len(place.code) == 5 else None,
        "kept": Asked(periode=asked.periode).query().removesuffix("?"),
        "has_office": place.code in seen.offices,
    }


def children(code: str) -> list[Region]:
    """Returns the regions right below one, by name."""
    deeper = {5: 8, 8: 13}[len(code)]
    found = (one for one in regions().values() if len(one.code) == deeper and one.code.startswith(f"{code}."))
    return sorted(found, key=lambda one: one.name)


async def _places(seen: Snapshot, asked: Iterable[Region]) -> list[Place]:
    named = {one.code: one for one in asked}
    level = _LEVEL_OF[max(map(len, named), default=5)]
    within: dict[str, Sequence[str]] = {"level": [level], "region": list(named), "home_office": seen.offices}
    by, total = ("region", "kind", "status"), businesses_by_region.TOTAL
    rows = await sums(seen.connection, seen.live.version, total, [_NOW], by=by, within=within)
    counts: dict[str, dict[tuple[str, str], int]] = {code: {} for code in named}
    for row in rows:
        code, kind, status = row.key
        counts[code][kind, status] = row.amounts["businesses"]
    return [Place(one, counts[one.code]) for one in named.values()]


def _cards(here: Place) -> list[Card]:
    kinds = tuple(("active_businesses", label, number(here.active(kind))) for kind, label in KINDS.items())
    cards = [
        Card(INDICATORS["active_businesses"], "Usaha aktif", number(here.active()), kinds),
        Card(INDICATORS["businesses"], "Usaha yang sudah tutup", number(here.closed), only={"status": "closed"}),
    ]
    if here.rate is not None:
        people = (("businesses_per_100000", "penduduk", number(population()[here.region.code])),)
        card = Card(INDICATORS["businesses_per_100000"], "Usaha aktif per 100.000 penduduk", decimal(here.rate), people)
        cards.append(card)
    return cards


async def _trend(seen: Snapshot, regency: str) -> Any:  # noqa: ANN401
    """The stock at a month's end is what was registered less what was closed up to it, from the first month on."""
    months = months_to(seen.instant.today)
    spans = [Span(str(month), Period.MONTH, month.first, month.first) for month in months]
    if months[0].before is not None:
        spans.append(Span("earlier", Period.MONTH, FIRST_DAY, months[0].before.first))
    within: dict[str, Sequence[str]] = {"regency": [regency], "home_office": seen.offices, "kind": [EACH_ONCE]}
    rows = await sums(seen.connection, seen.live.version, businesses_over_time.TOTAL, spans, within=within)
    return bars(stocks(months, {row.span: row.amounts for row in rows}), "stock")


def stocks(months: Sequence[PeriodAsked], found: Mapping[str, Amounts]) -> list[tuple[PeriodAsked, Amounts]]:
    """Returns each month's registrations, closures and stock at its end. `earlier` holds all that was before."""
    none = {"registered": 0, "closed": 0}
    told: list[tuple[PeriodAsked, Amounts]] = []
    earlier = found.get("earlier", none)
    stock = earlier["registered"] - earlier["closed"]
    for month in months:
        moved = found.get(str(month), none)
        stock += moved["registered"] - moved["closed"]
        told.append((month, {**moved, "stock": stock}))
    return told
