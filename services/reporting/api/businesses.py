"""Businesses over HTTP: where they are, how many there were through time, and who is mentored intensively."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.reporting.answers import Snapshot
from services.reporting.api.answering import answered
from services.reporting.api.asking import (
    AskedForm,
    Cursor,
    Cursors,
    Limit,
    Office,
    Reader,
    codes_asked,
    filters_told,
    offices_asked,
    period_asked,
    region_asked,
)
from services.reporting.api.series import TIME_COLUMNS, From, Grain, To, ends_of, series_asked, time_cells
from services.reporting.api.tables import documented, text
from services.reporting.codes import KINDS, region_name
from services.reporting.domain import FIRST_DAY, PROVINCE, Period
from services.reporting.exports import Cell, Column, Report, Row, Type, listed
from services.reporting.periods import PeriodAsked
from services.reporting.population import population, rate
from services.reporting.projections import businesses_by_region, businesses_over_time, businesses_served, intensive
from services.reporting.projections.businesses_by_region import EACH_ONCE, LEVELS, Count
from services.reporting.projections.intensive import Intensive
from services.reporting.projections.reading import Span, sums
from services.reporting.wording import role
from shared.http.problem import at_field
from shared.reference.regions import regions

router = APIRouter(prefix="/v1", tags=["laporan"])

PROVINCE_CODE = "35"
_NEXT_LEVEL = {2: "regency", 5: "district", 8: "village"}
Kind = Annotated[str | None, Query(max_length=40, description="umkm, ikm, cooperative, prospective", examples=["ikm"])]
Status = Annotated[str | None, Query(max_length=40, description="active atau closed", examples=["active"])]
HomeOffice = Annotated[str | None, Query(max_length=20, description="Kantor asal", examples=["35.76"])]
_KINDS = "Satu usaha dapat berjenis beberapa: jumlah menurut jenis dapat melebihi banyaknya usaha."


# Where they are


@router.get(
    "/businesses/by-region",
    summary="Usaha menurut wilayah: semua bagian dari satu wilayah, yang tanpa usaha pun disebut",
    **documented(
        "Usaha menurut wilayah",
        {"region": "35.76", "name": "Kota Mojokerto", "businesses": 812, "active_businesses": 790, "active_ikm": 120},
    ),
)
async def read_businesses_by_region(
    request: Request,
    who: Reader,
    form: AskedForm,
    within: Annotated[
        str, Query(max_length=20, description="Wilayah yang dirinci", examples=["35.76"])
    ] = PROVINCE_CODE,
    kind: Kind = None,
    status: Status = None,
    home_office: HomeOffice = None,
) -> Response:
    level, codes = _level_within(within), offices_asked(who, home_office, "home_office")
    only = codes_asked(kind=kind, status=status)

    async def made(seen: Snapshot) -> Report:
        found = await businesses_by_region.within(seen.connection, seen.live.version, level, within, codes)
        kinds = () if kind else tuple(KINDS)
        return Report(
            "usaha-menurut-wilayah",
            f"Usaha menurut wilayah: {region_name(within)}",
            _region_columns(level, kinds),
            listed(_region_rows(found, level, within, only, kinds)),
            seen.instant,
            role(who),
            filters=filters_told({"within": within, "home_office": home_office, **only}),
            notes=[_KINDS],
        )

    return await answered(request, who, form, [businesses_by_region.TOTAL], made)


def _level_within(region: str) -> str:
    if region != PROVINCE_CODE:
        region_asked(region, "within")
    if len(region) not in _NEXT_LEVEL:
        raise at_field("within", "Kelurahan dan desa tidak dirinci lagi.", f"Isi kecamatannya, {region[:8]}.")
    return _NEXT_LEVEL[len(region)]


def _region_columns(level: str, kinds: Sequence[str]) -> list[Column]:
    active = [Column.of("active_businesses", key=f"active_{one}", label=f"Usaha aktif: {KINDS[one]}") for one in kinds]
    return [
        text("region", "Kode wilayah"),
        text("name", "Wilayah"),
        Column.of("businesses"),
        Column.of("active_businesses"),
        *active,
        *(
            [Column("population", "Penduduk", Type.NUMBER, "jiwa"), Column.of("businesses_per_100000")]
            if level == "regency"
            else []
        ),
    ]


def _region_rows(
    found: Sequence[Count], level: str, within: str, only: Mapping[str, str], kinds: Sequence[str]
) -> Iterator[Row]:
    """Yields a row for each part of the region, and for any other that a business claims to lie in."""
    counts: dict[str, dict[tuple[str, str], int]] = {}
    for one in found:
        if one.status == only.get("status", one.status):
            counts.setdefault(one.region, {})[one.kind, one.status] = one.businesses
    for code in sorted({*_parts(level, within), *counts}):
        numbers = _counted(counts.get(code, {}), only.get("kind", EACH_ONCE), kinds)
        people = [population().get(code), rate(numbers[1], code)] if level == "regency" else []
        yield [code, region_name(code), *numbers, *people]


def _counted(counts: Mapping[tuple[str, str], int], kind: str, kinds: Sequence[str]) -> list[int]:
    whole = sum(number for (of, _), number in counts.items() if of == kind)
    return [whole, *(counts.get((one, "active"), 0) for one in (kind, *kinds))]


def _parts(level: str, within: str) -> list[str]:
    return [code for code in regions() if len(code) == LEVELS[level] and code.startswith(f"{within}.")]


# How many there were


@router.get(
    "/businesses/over-time",
    summary="Usaha yang bertambah, tutup dan aktif dari waktu ke waktu",
    **documented(
        "Usaha dari waktu ke waktu",
        {"period": "2026-05", "label": "Mei 2026", "running": "tidak", "registered": 41, "closed": 3, "stock": 6120},
    ),
)
async def read_businesses_over_time(
    request: Request,
    who: Reader,
    form: AskedForm,
    grain: Grain = Period.MONTH,
    first: From = None,
    last: To = None,
    regency: Annotated[str | None, Query(max_length=20, description="Kabupaten/kota", examples=["35.76"])] = None,
    kind: Kind = None,
    home_office: HomeOffice = None,
) -> Response:
    if grain is Period.DAY:
        raise at_field("grain", "Usaha dijumlahkan per bulan.", "Pilih month, quarter atau year.")
    asked, codes = series_asked(grain, first, last), offices_asked(who, home_office, "home_office")
    _refuse_no_regency(regency)
    only = codes_asked(kind=kind)

    async def made(seen: Snapshot) -> Report:
        within = {"home_office": codes, "kind": [kind or EACH_ONCE], **({"regency": [regency]} if regency else {})}
        span = Span("ever", Period.MONTH, FIRST_DAY, asked[-1].last)
        total = businesses_over_time.TOTAL
        found = await sums(seen.connection, seen.live.version, total, [span], by=("month",), within=within)
        by_month = {date.fromisoformat(one.key[0]): one.amounts for one in found}
        return Report(
            "usaha-menurut-waktu",
            "Usaha dari waktu ke waktu",
            [*TIME_COLUMNS, *map(Column.of, ("registered", "closed", "stock"))],
            listed([*time_cells(one, seen), *_flow(by_month, one)] for one in asked),
            seen.instant,
            role(who),
            periods=ends_of(asked),
            filters=filters_told({"regency": regency, "home_office": home_office, **only}),
        )

    return await answered(request, who, form, [businesses_over_time.TOTAL], made)


def _refuse_no_regency(regency: str | None) -> None:
    if region_asked(regency, "regency") is not None and len(str(regency)) != LEVELS["regency"]:
        raise at_field("regency", "Deret ini dipilah sampai kabupaten/kota.", f"Isi {str(regency)[:5]}.")


def _flow(by_month: Mapping[date, Mapping[str, int]], period: PeriodAsked) -> list[Cell]:
    """Returns what came and went in a period, and what there was at its end."""
    within = [amounts for month, amounts in by_month.items() if period.first <= month <= period.last]
    until = [amounts for month, amounts in by_month.items() if month <= period.last]
    stock = sum(amounts["registered"] - amounts["closed"] for amounts in until)
    return [sum(one["registered"] for one in within), sum(one["closed"] for one in within), stock]


# Who is mentored intensively


@router.get(
    "/businesses/intensive",
    summary="Usaha dengan sedikitnya 5 jam tatap muka setahun, dijumlahkan dari semua kantor",
    **documented(
        "Usaha didampingi intensif",
        {
            "business": "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f",
            "contact_minutes": 430,
            "offices": "35.76: 310; 35.78: 120",
            "kinds": "ikm",
            "regency": "35.76",
            "trade_name": None,
        },
    ),
)
async def read_intensive_businesses(
    request: Request,
    who: Reader,
    form: AskedForm,
    cursors: Cursors,
    year: Annotated[str | None, Query(max_length=20, description="Bawaan: tahun ini", examples=["2026"])] = None,
    office: Office = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    period, codes = _year_asked(year), offices_asked(who, office)
    whole = who.sees_province
    if not (whole and office is None) and len(codes) != 1:
        raise at_field("office", "Daftar ini untuk satu kantor.", "Sebut satu kantor.")
    position = cursors.decode(cursor)
    after = UUID(str(position[0])) if position else None

    async def made(seen: Snapshot) -> Report:
        scope = codes[0] if not whole or office else PROVINCE
        page = await intensive.page(seen.connection, seen.live.version, scope, period.first.year, after, limit)
        return Report(
            "usaha-intensif",
            f"Usaha didampingi intensif {period.label}",
            _INTENSIVE_COLUMNS,
            listed(_intensive_cells(one, () if whole else codes) for one in page.items),
            seen.instant,
            role(who),
            periods=[period],
            filters=filters_told({"office": office}),
            notes=["Nama usaha hanya disebut kepada kantor asalnya."],
            next_cursor=cursors.encode([str(page.ends)]) if page.ends else None,
        )

    return await answered(request, who, form, [businesses_served.TOTAL], made)


_INTENSIVE_COLUMNS = (
    text("business", "Usaha"),
    Column("contact_minutes", "Menit tatap muka setahun", Type.NUMBER, "menit", "intensive"),
    text("offices", "Menit menurut kantor"),
    text("kinds", "Jenis"),
    text("regency", "Kabupaten/kota"),
    text("status", "Status"),
    text("home_office", "Kantor asal"),
    text("trade_name", "Nama usaha"),
)


def _year_asked(year: str | None) -> PeriodAsked:
    period = period_asked(year, Period.YEAR, "year")
    if period.grain is not Period.YEAR:
        raise at_field("year", "Pendampingan intensif dihitung per tahun.", "Isi tahun, misalnya 2026.")
    return period


def _intensive_cells(one: Intensive, homes: Sequence[str]) -> Row:
    """`homes`: the offices to which the names of their own businesses are told."""
    offices = "; ".join(f"{office}: {minutes}" for office, minutes in sorted(one.by_office.items()))
    begun: list[Cell] = [str(one.subject), one.contact_minutes, offices]
    if one.business is None:
        return [*begun, None, None, None, None, None]
    state = one.business
    name = state.trade_name if state.home_office in homes else None
    return [*begun, ", ".join(sorted(state.kinds)), state.kelurahan[:5], state.status, state.home_office, name]
