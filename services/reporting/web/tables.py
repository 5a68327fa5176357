"""The tables of the pages, as they are taken along."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.reporting.answers.figures import value
from services.reporting.exports import Cell, Column, Row
from services.reporting.periods import PeriodAsked
from services.reporting.web.cards import Amounts
from services.reporting.web.choropleth import Row as RegionRow
from services.reporting.web.downloads import Table, text
from services.reporting.web.office import Line
from services.reporting.web.region import Place
from services.reporting.web.trend import Bar

_OFFICE = ("registrations", "sessions", "served", "newly_served", "contact_minutes", "confirmed_share", "contested")
_MONTH = ("sessions", "confirmed", "contested", "registrations")
_WORK = ("sessions", "confirmed", "contact_minutes", "preparation_minutes", "travel_minutes")
_LOAD = ("sessions", "confirmed", "contested", "contact_minutes", "preparation_minutes", "travel_minutes")
_KINDS = ("umkm", "ikm", "cooperative")


def of_overview(told: Mapping[str, Any]) -> dict[str, Table]:
    """Returns the tables of the overview."""
    period: PeriodAsked = told["period"]
    offices: list[Row] = []
    for one, done, _ in told["offices"]:
        offices.append([one.code, one.name, *_cells(_OFFICE, done)])
    if told["whole"]:
        offices.append(["35", "Provinsi", *_cells(_OFFICE, told["now"])])
    columns = [text("office", "Kode kantor"), text("name", "Kantor"), *map(Column.of, _OFFICE)]
    return {
        "kantor": Table("kegiatan-kantor", "Kegiatan per kantor", columns, offices, period),
        "wilayah": _regions(told["map"].rows, told["kinds"], told["months"]),
        "tren": _months("Sesi per bulan", told["trend"], _MONTH),
    }


def of_region(told: Mapping[str, Any]) -> dict[str, Table]:
    """Returns the tables of a region's page."""
    kinds: Mapping[str, str] = told["kinds"]
    places: Sequence[Place] = told["below"]
    columns = [
        text("region", "Kode wilayah"),
        text("name", told["below_title"]),
        Column.of("active_businesses"),
        *(Column.of("active_businesses", key=kind, label=label) for kind, label in kinds.items()),
        Column.of("businesses", key="closed", label="Sudah tutup"),
    ]
    rows: list[Row] = [
        [one.region.code, one.region.name, one.active(), *map(one.active, kinds), one.closed] for one in places
    ]
    tables = {"bawahan": Table("usaha-wilayah", f"Usaha di {told['heading']}", columns, rows)}
    if told["trend"]:
        tables["tren"] = _months("Usaha pada akhir bulan", told["trend"], ("stock", "registered", "closed"))
    return tables


def of_office(told: Mapping[str, Any]) -> dict[str, Table]:
    """Returns the tables of an office's page."""
    period, name = told["period"], told["heading"]
    tables = {
        label.lower(): _lines(f"Sesi {name} menurut {label.lower()}", label, lines, period, _WORK)
        for label, lines in told["about"]
    }
    tables["tren"] = _months(f"Sesi {name} per bulan", told["trend"], _MONTH)
    if told["consultants"] is not None:
        lines, title = told["consultants"], f"Beban konsultan {name}"
        tables["konsultan"] = _lines(title, "Konsultan", lines, period, _LOAD, prefix="consultant_")
    return tables


def _regions(rows: Sequence[RegionRow], kinds: Sequence[tuple[str, int]], period: PeriodAsked) -> Table:
    labels = dict(zip(_KINDS, (label for label, _ in kinds), strict=False))
    columns = [
        text("region", "Kode wilayah"),
        text("name", "Kabupaten/kota"),
        Column.of("active_businesses"),
        *(Column.of("active_businesses", key=kind, label=labels[kind]) for kind in _KINDS),
        Column.of("businesses_per_100000"),
        Column.of("registered"),
    ]
    cells: list[Row] = [
        [row.code, row.name, row.active, *(row.kinds.get(kind, 0) for kind in _KINDS), row.rate, row.registered]
        for row in rows
    ]
    return Table("usaha-kabupaten-kota", "Usaha per kabupaten/kota", columns, cells, period)


def _months(title: str, bars: Sequence[Bar], codes: Sequence[str]) -> Table:
    columns = [text("month", "Bulan"), *map(Column.of, codes)]
    return Table("per-bulan", title, columns, [[str(bar.month), *_cells(codes, bar.amounts)] for bar in bars])


def _lines(
    title: str, label: str, lines: Sequence[Line], period: PeriodAsked, codes: Sequence[str], prefix: str = ""
) -> Table:
    columns = [text("name", label), *(Column.of(f"{prefix}{code}", key=code) for code in codes)]
    return Table(title, title, columns, [[line.name, *_cells(codes, line.done)] for line in lines], period)


def _cells(codes: Sequence[str], done: Amounts) -> list[Cell]:
    return [_cell(code, done) for code in codes]


def _cell(code: str, done: Amounts) -> Cell:
    return done[code] if code in done else value(code, done)
