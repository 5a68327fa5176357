"""Which rows of which total an indicator means, for a period, offices and other filters: what a figure is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from operator import itemgetter

from services.reporting.answers.evidence import Figure
from services.reporting.answers.snapshots import Snapshot
from services.reporting.domain import FIRST_DAY, PROVINCE, Kind, Period
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.indicators.card import Measure
from services.reporting.periods import PeriodAsked
from services.reporting.projections import TOTALS, businesses_by_region, businesses_over_time, businesses_served
from services.reporting.projections.businesses_by_region import EACH_ONCE, LEVELS
from services.reporting.projections.listing import Days, Places
from services.reporting.projections.reading import Span, sums
from services.reporting.projections.total import Total
from services.reporting.rounding import percentage
from shared.http.problem import Problem, at_field

# What is reckoned from other indicators by adding and taking away; ratios are not made of events, but their parts are.
_RECKONED: Mapping[str, Mapping[str, int]] = {
    "unconfirmed": {"sessions": 1, "confirmed": -1, "contested": -1, "imported": -1},
    "unconfirmed_contact_minutes": {"contact_minutes": 1, "confirmed_contact_minutes": -1},
    "returning": {"served": 1, "newly_served": -1},
    "stock": {"registered": 1, "closed": -1},
    "active_businesses": {"businesses": 1},
}
_ONLY: Mapping[str, Mapping[str, str]] = {"active_businesses": {"status": "active"}}
_TOTALS = {total.name: total for total in TOTALS}
_LEVEL_OF = {length: level for level, length in LEVELS.items()}


@dataclass(frozen=True)
class Asked:
    """Of which period (None: the running month), office and values of other columns. `region` is a Kemendagri code."""

    period: PeriodAsked | None = None
    office: str | None = None
    region: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)


Amounts = Mapping[str, int]
Reading = Callable[[Amounts], int | Decimal | None]


@cache
def reading(code: str) -> Reading:
    """Returns what makes an indicator's figure out of amounts; a report has many cells, and it is asked for each.

    A figure is None where it is a share of nothing.
    """
    if code == "confirmed_share":
        return _confirmed_share
    terms = tuple(terms_of(INDICATORS[code]).items())
    if len(terms) == 1:
        return itemgetter(terms[0][0])
    return lambda amounts: sum([sign * amounts[name] for name, sign in terms])


def value(code: str, amounts: Amounts) -> int | Decimal | None:
    """Returns an indicator's figure out of amounts."""
    return reading(code)(amounts)


def counted(code: str, amounts: Amounts) -> int:
    """Returns the figure of an indicator that adds up amounts or takes one from another."""
    return sum([sign * amounts[name] for name, sign in terms_of(INDICATORS[code]).items()])


def asked_about(amounts: Amounts) -> int:
    """Returns about how many sessions clients were asked: about imported ones they never are."""
    return amounts["sessions"] - amounts["imported"]


def _confirmed_share(amounts: Amounts) -> Decimal | None:
    could = asked_about(amounts)
    return percentage(amounts["confirmed"], could) if could > 0 else None


def terms_of(card: Indicator) -> Mapping[str, int]:
    """Returns the amounts that a figure adds up, each with its sign; raises a 422 Problem for a ratio."""
    if card.reads:
        return {card.reads[0].amount: 1}
    if card.measure is Measure.RATIO:
        raise Problem(
            422,
            "figure-is-a-ratio",
            "Angka ini hasil hitungan",
            f"{card.name} dihitung dari angka lain, bukan dari peristiwa satu per satu.",
            cure=f"Lihat peristiwa di balik bagian-bagiannya: {', '.join(card.parts)}.",
        )
    return _RECKONED[card.code]


def figure_of(card: Indicator, asked: Asked, seen: Snapshot, *, whole: bool) -> Figure:
    """Returns what the figure is made of. `whole`: the caller sees the province as a whole.

    Raises a 422 Problem for a filter, a period or offices by which this indicator is not told apart.
    """
    terms = terms_of(card)
    total = _total_for(card, {**asked.only, **({"region": asked.region} if asked.region else {})})
    columns = {column.name for column in total.key}
    if "home_office" in columns:
        return _of_places(card, terms, total, asked, seen)
    _refuse_region(asked)
    period = _period(card, asked, seen)
    offices = [asked.office] if asked.office else list(seen.offices)
    kind = Kind.BUSINESS if "registrations" in terms else Kind.SESSION
    within = {"office": _offices_of(total, asked, offices, whole=whole), **_listed(asked.only)}
    days = Days(kind, period.first, period.last)
    return Figure(total, terms, offices, within, [_span(total, card, period)], days, period)


def _period(card: Indicator, asked: Asked, seen: Snapshot) -> PeriodAsked:
    usual = Period.YEAR if card.code == "intensive" else Period.MONTH
    return asked.period or PeriodAsked.containing(usual, seen.instant.today)


def _of_places(card: Indicator, terms: Mapping[str, int], total: Total, asked: Asked, seen: Snapshot) -> Figure:
    if asked.office:
        raise at_field("office", "Angka ini dipilah menurut kantor asal.", "Pakai `home_office` sebagai gantinya.")
    _refuse_others(card, asked)
    only = {"kind": EACH_ONCE, **asked.only, **_ONLY.get(card.code, {}), **_place(total, asked.region)}
    home = only.pop("home_office", None)
    offices = [home] if home else list(seen.offices)
    within = {"home_office": offices, **_listed(only)}
    period = _period(card, asked, seen) if total is businesses_over_time.TOTAL else None
    if period is None and asked.period is not None:
        raise at_field("period", "Angka ini keadaan sekarang, tanpa periode.", "Hapus `period`, atau pilih `stock`.")
    return Figure(total, terms, offices, within, [_time(total, card, period)], Places(asked.region or ""), period)


def _refuse_others(card: Indicator, asked: Asked) -> None:
    for name, counted_only in _ONLY.get(card.code, {}).items():
        if asked.only.get(name, counted_only) != counted_only:
            raise at_field(name, f"{card.name} selalu `{counted_only}`.", f"Hapus `{name}`, atau pilih `businesses`.")


def _time(total: Total, card: Indicator, period: PeriodAsked | None) -> Span:
    if period is None:
        return Span("now", Period.ALL, FIRST_DAY, FIRST_DAY)
    span = _span(total, card, period)
    return Span(span.name, span.grain, FIRST_DAY, span.last) if card.code == "stock" else span


def _span(total: Total, card: Indicator, period: PeriodAsked) -> Span:
    if total is businesses_served.TOTAL:
        if card.code == "intensive" and period.grain is not Period.YEAR:
            raise at_field("period", "Pendampingan intensif dihitung per tahun.", "Isi tahun, misalnya 2026.")
        return Span(str(period), *period.distinct)
    if any(column.name == "month" for column in total.key):
        if period.grain is Period.DAY:
            raise at_field("period", "Angka ini dijumlahkan per bulan.", "Isi bulan, triwulan atau tahun.")
        return Span(str(period), Period.MONTH, period.first, period.last)
    return Span(str(period), *period.summed)


def _place(total: Total, region: str | None) -> dict[str, str]:
    if total is businesses_by_region.TOTAL:
        return {"level": _LEVEL_OF[len(region)], "region": region} if region else {"level": "regency"}
    if region and len(region) != LEVELS["regency"]:
        raise at_field("region", "Angka ini dipilah sampai kabupaten/kota.", f"Isi {region[:5]}.")
    return {"regency": region} if region else {}


def _refuse_region(asked: Asked) -> None:
    if asked.region:
        raise at_field("region", "Angka ini tidak dipilah menurut wilayah.", "Pakai `office` sebagai gantinya.")


def _offices_of(total: Total, asked: Asked, offices: Sequence[str], *, whole: bool) -> Sequence[str]:
    """Distinct businesses of several offices are not the sum of theirs: only the province as a whole has a number."""
    if not total.derived or asked.office or len(offices) == 1:
        return offices
    if not whole:
        raise at_field("office", "Angka ini tidak dijumlahkan antarkantor.", "Sebut satu kantor.")
    return [PROVINCE]


def _listed(only: Mapping[str, str]) -> dict[str, Sequence[str]]:
    return {name: [one] for name, one in only.items()}


def _total_for(card: Indicator, filters: Mapping[str, str]) -> Total:
    """Returns the first of the totals that tell the indicator and all of the filters apart."""
    base = card if card.reads else INDICATORS[card.parts[0]]
    found: set[str] = set()
    for name in dict.fromkeys(amount.total for amount in base.reads):
        total = _TOTALS[name]
        told = {column.name for column in total.key} | (
            {"region"} if "regency" in {c.name for c in total.key} else set()
        )
        if filters.keys() <= told and terms_of(card).keys() <= set(total.amounts):
            return total
        found |= told
    wrong = next(iter(filters.keys() - found), next(iter(filters)))
    known = sorted(
        found & {"office", "region", "field", "service", "channel", "consultant", "kind", "status", "home_office"}
    )
    raise at_field(wrong, "Angka ini tidak dipilah begitu.", f"Saringan yang dikenal: {', '.join(['period', *known])}.")


async def figure(seen: Snapshot, made: Figure) -> int:
    """Returns the figure itself, read from its total."""
    rows = await sums(seen.connection, seen.live.version, made.total, made.spans, within=made.within)
    return sum(made.terms[name] * row.amounts[name] for row in rows for name in made.terms)
