"""The way down from a figure on a page: the events that it is made of, page by page, without anybody's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from services.reporting.answers import Snapshot
from services.reporting.answers import figures as all_figures
from services.reporting.answers.evidence import Evidence, Place, page_of
from services.reporting.codes import NAMES, name_of, region_name
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.indicators.card import Measure
from services.reporting.periods import PeriodAsked
from services.reporting.projections.businesses_by_region import LEVELS
from services.reporting.projections.listing import Days
from shared import days
from shared.http.cursors import PageCursors
from shared.http.problem import Problem, at_field
from shared.reference.regions import regencies, regions

ROWS = 50
_COLUMNS = {
    "bidang": "field",
    "layanan": "service",
    "kanal": "channel",
    "konsultan": "consultant",
    "jenis": "kind",
    "status": "status",
}
_KINDS = {"session": "Sesi", "business": "Usaha", "consultant": "Konsultan", "office": "Kantor"}


@dataclass(frozen=True, slots=True)
class Question:
    """Which figure, and within what. Empty is not told apart."""

    indicator: Indicator
    periode: str = ""
    kantor: str = ""
    wilayah: str = ""
    bidang: str = ""
    layanan: str = ""
    kanal: str = ""
    konsultan: str = ""
    jenis: str = ""
    status: str = ""
    halaman: str = ""

    @classmethod
    def of(cls, code: str, told: Mapping[str, str]) -> "Question":
        """Raises a 404 Problem for an unknown figure, 422 for what no such page knows."""
        card = INDICATORS.get(code)
        if card is None:
            raise Problem(
                404, "not-found", "Angka tidak dikenal", f"Tidak ada angka `{code}`.", cure="Mulai dari ringkasan."
            )
        names = [one.name for one in fields(cls)][1:]
        for name in told:
            if name not in names:
                raise at_field(name, f"Parameter `{name}` tidak dikenal.", f"Pakai: {', '.join(names)}.")
        if told.get("kantor", "35.01") not in regencies():
            raise at_field("kantor", "Kode kantor tidak dikenal.", "Isi kode kabupaten/kota, misalnya 35.76.")
        _check_region(told.get("wilayah", "35.01"))
        for name, column in _COLUMNS.items():
            _check_code(name, column, told.get(name, ""))
        return cls(card, **told)

    @property
    def filters(self) -> dict[str, str]:
        """Returns what is asked for, whichever page of it."""
        told = {one.name: getattr(self, one.name) for one in fields(self)[1:-1]}
        return {name: value for name, value in told.items() if value}

    @property
    def only(self) -> dict[str, str]:
        """Returns the values of the columns by which sessions and businesses are told apart."""
        return {column: self.filters[name] for name, column in _COLUMNS.items() if name in self.filters}


def _check_region(code: str) -> None:
    if code not in regions() or len(code) not in LEVELS.values():
        raise at_field("wilayah", "Kode wilayah tidak dikenal.", "Isi kode kabupaten/kota (35.76) atau bagiannya.")


def _check_code(name: str, column: str, code: str) -> None:
    known = _is_uuid(code) if column == "consultant" else code in NAMES.get(column, {})
    if code and not known:
        raise at_field(name, "Kode tidak dikenal.", "Mulai dari halaman kantornya, lalu pilih dari tabel.")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Row:
    """`place` is a business day, or a kelurahan."""

    office: str
    place: str
    what: str
    id: str
    version: int
    event: str
    amount: int


def evidence_of(**filters: str) -> Callable[..., str]:
    """Returns what gives the address of the events behind a figure; empty for one that is reckoned from others.

    The figure may be told apart further: `(card, status="closed")`.
    """

    def address(card: Indicator, **further: str) -> str:
        if card.measure is Measure.RATIO or (card.code == "intensive" and len(filters.get("periode", "")) != 4):
            return ""
        query = urlencode(filters | further)
        return f"/bukti/{card.code}" + (f"?{query}" if query else "")

    return address


def evidence_about(card: Indicator, office: str, period: PeriodAsked, column: str, code: str) -> str:
    """Returns the address of the events behind a line of an office's table, such as the sessions on marketing."""
    name = next(name for name, one in _COLUMNS.items() if one == column)
    return evidence_of(periode=str(period), kantor=office)(card, **{name: code})


async def evidence(
    seen: Snapshot, asked: Question, period: PeriodAsked | None, key: bytes, *, whole: bool
) -> Mapping[str, Any]:
    """Returns what the template asks for. `key` seals the way to the next page."""
    wanted = all_figures.Asked(period, asked.kantor or None, asked.wilayah or None, asked.only)
    figure = all_figures.figure_of(asked.indicator, wanted, seen, whole=whole)
    cursors = PageCursors(key, f"bukti/{asked.indicator.code}?{urlencode(asked.filters)}")
    after = cursors.decode(asked.halaman or None)
    page = await page_of(seen, figure, Place(*map(str, after)) if after else None, ROWS)
    following = {**asked.filters, "halaman": cursors.encode(page.ends)} if page.ends else None
    return {
        "card": asked.indicator,
        "instant": seen.instant,
        "figure": await all_figures.figure(seen, figure),
        "period": figure.period,
        "office": regencies()[asked.kantor].name if asked.kantor else None,
        "region": region_name(asked.wilayah) if asked.wilayah else None,
        "about": [code if column == "consultant" else name_of(column, code) for column, code in asked.only.items()],
        "by_day": isinstance(figure.listed, Days),
        "rows": [_row(one, by_day=isinstance(figure.listed, Days)) for one in page.items],
        "is_first": after is None,
        "first_page": f"?{urlencode(asked.filters)}",
        "next_page": f"?{urlencode(following)}" if following else None,
    }


def _row(one: Evidence, *, by_day: bool) -> Row:
    fact, place = one.fact, one.listed.place
    shown = days.day(date.fromisoformat(place)) if by_day else region_name(place)
    return Row(one.office, shown, _KINDS[fact.kind], fact.id, fact.version, str(fact.event_id), one.amount)
