"""What everybody may read, over HTTP: fixed tables of months that are over, without small numbers, the same for all.

They are made with the province's eyes, whoever asks, for what they hold gives nothing away: see small_cells.py.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.reporting import periods
from services.reporting.answers import Snapshot, published
from services.reporting.api.answering import answered
from services.reporting.api.asking import AskedForm
from services.reporting.api.tables import documented, text
from services.reporting.codes import name_of, region_name
from services.reporting.domain import PROVINCE, Period, today
from services.reporting.exports import Classification, Column, Report, listed
from services.reporting.periods import PeriodAsked
from services.reporting.wording import role
from shared.auth.policy import Action
from shared.auth.principal import Principal, Role
from shared.clock import utc_now
from shared.http.problem import at_field
from shared.http.requests import principal_for
from shared.reference.regions import regencies

router = APIRouter(prefix="/v1/public", tags=["umum"])

Anyone = Annotated[Principal, Depends(principal_for(Action.READ_PUBLIC_REPORTS))]
PROVINCE_CODE = "35"
_EYES = Principal("public-tables", frozenset({Role.PROVINCE_ANALYST}), tuple(sorted(regencies())))
_PROTECTED = (
    "Angka 1 sampai 4 ditulis <5. Jumlah yang memuat angka demikian ditulis sebagai batas terkecil dan terbesarnya,"
    " dihitung hanya dari yang dimuat di tabel ini atau di tabel bulan-bulannya. Karena itu tidak seorang pun dapat"
    " mengetahui angka mana dari 1 sampai 4 yang sebenarnya, juga dengan menggabungkan semua tabel umum."
)
_CHANGES = "Angka bulan yang lewat masih dapat berubah bila catatannya diperbaiki; lihat Data s.d."
_KINDS = "Satu usaha dapat berjenis beberapa: jumlah menurut jenis dapat melebihi banyaknya usaha."
_WITHHELD = (
    "Sel kosong tidak dimuat: usaha dilayani dimuat hanya bila banyaknya sesi setiap bulannya dimuat tanpa <5, menit"
    " tatap muka hanya bila usaha dilayani setiap bulannya pun demikian."
)
_DISTINCT = "Usaha dilayani dihitung sekali per kantor, dan sekali untuk provinsi: angka provinsi bukan jumlah kantor."


def _documented(title: str, *rows: dict[str, Any]) -> dict[str, Any]:
    told = documented(title, *rows)
    told["responses"][200]["content"]["application/json"]["example"] |= {
        "classification": Classification.PUBLIC,
        "asked_by": "Tamu",
    }
    return told


@router.get(
    "/businesses",
    summary="Usaha aktif per kabupaten/kota dan jenis pada akhir bulan yang sudah lewat",
    **_documented(
        "Usaha aktif pada akhir bulan",
        {"region": "35.76", "name": "Kota Mojokerto", "umkm": 412, "cooperative": {"at_least": 1, "at_most": 4}},
        {"region": "35", "name": "Provinsi Jawa Timur", "umkm": 9120, "cooperative": {"at_least": 61, "at_most": 73}},
    ),
)
async def read_public_businesses(
    request: Request,
    who: Anyone,
    form: AskedForm,
    month: Annotated[
        str | None,
        Query(
            description="Bulan yang sudah lewat, misalnya 2026-10; bawaan: bulan lalu",
            max_length=20,
            examples=["2026-10"],
        ),
    ] = None,
) -> Response:
    asked = _over("month", month, (Period.MONTH,))

    async def made(seen: Snapshot) -> Report:
        kinds, table = await published.businesses_at_end_of(seen, asked)
        by_kind = [Column.of("stock", key=kind, label=name_of("kind", kind)) for kind in kinds]
        once = Column.of("stock", key="businesses", label="Usaha (tiap usaha sekali)")
        return Report(
            "umum-usaha",
            "Usaha aktif pada akhir bulan menurut kabupaten/kota dan jenis",
            [text("region", "Kode wilayah"), text("name", "Kabupaten/kota"), *by_kind, once],
            listed([*_named(row.region, region_name(row.region)), *row.by_kind, row.each_once] for row in table),
            seen.instant,
            role(who),
            periods=[asked],
            notes=[_PROTECTED, _KINDS, _CHANGES],
            classification=Classification.PUBLIC,
        )

    return await answered(request, _EYES, form, published.BUSINESSES, made)


@router.get(
    "/activity",
    summary="Kegiatan kantor dalam bulan, triwulan atau tahun yang sudah lewat",
    **_documented(
        "Kegiatan kantor PLUT",
        {"office": "35.76", "name": "PLUT Kota Mojokerto", "sessions": 41, "served": 30, "contact_minutes": 2460},
        {"office": "35", "name": "Provinsi Jawa Timur", "sessions": {"at_least": 307, "at_most": 310}, "served": None},
    ),
)
async def read_public_activity(
    request: Request,
    who: Anyone,
    form: AskedForm,
    period: Annotated[
        str | None,
        Query(
            description="Bulan, triwulan atau tahun yang sudah lewat; bawaan: bulan lalu",
            max_length=20,
            examples=["2026-Q2"],
        ),
    ] = None,
) -> Response:
    asked = _over("period", period, (Period.MONTH, Period.QUARTER, Period.YEAR))

    async def made(seen: Snapshot) -> Report:
        offices, table = await published.activity_in(seen, asked)
        names = {office.code: office.name for office in offices}
        measures = [Column.of(code) for code in ("sessions", "served", "contact_minutes")]
        return Report(
            "umum-kegiatan",
            "Kegiatan kantor PLUT",
            [text("office", "Kode kantor"), text("name", "Kantor"), *measures],
            listed(
                [*_named(row.office, names.get(row.office, "")), row.sessions, row.served, row.contact_minutes]
                for row in table
            ),
            seen.instant,
            role(who),
            periods=[asked],
            notes=[_PROTECTED, _WITHHELD, _DISTINCT, _CHANGES],
            classification=Classification.PUBLIC,
        )

    return await answered(request, _EYES, form, published.ACTIVITY, made)


def _named(code: str, name: str) -> tuple[str, str]:
    return (PROVINCE_CODE, "Provinsi Jawa Timur") if code == PROVINCE else (code, name)


def _over(field: str, asked: str | None, grains: tuple[Period, ...]) -> PeriodAsked:
    """Returns the period that was asked for, else the last month that is over. Raises a 422 Problem for any other."""
    day = today(utc_now())
    last = {grain: PeriodAsked.containing(grain, day).before for grain in grains}
    period = last[Period.MONTH] if asked is None else periods.asked(asked, day, field)
    if period is None or period.grain not in grains or not period.is_over(day):
        told = ", ".join(str(one) for one in last.values())
        raise at_field(field, "Tabel umum tidak memuat periode itu.", f"Isi yang sudah lewat, paling lambat: {told}.")
    return period
