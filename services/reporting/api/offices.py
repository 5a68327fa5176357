"""What offices did, over HTTP: in one period, and through time."""

from collections.abc import Iterator, Mapping, Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.reporting import store
from services.reporting.answers import Snapshot
from services.reporting.answers.activity import TOTALS, Amounts, Beside, activities, through_time
from services.reporting.api.answering import answered
from services.reporting.api.asking import (
    AskedForm,
    Office,
    PeriodText,
    Reader,
    filters_told,
    offices_asked,
    period_asked,
)
from services.reporting.api.series import TIME_COLUMNS, From, Grain, To, ends_of, series_asked, time_cells
from services.reporting.api.tables import BEFORE, beside_cells, beside_columns, documented, figures_of, text
from services.reporting.codes import region_name
from services.reporting.domain import Period
from services.reporting.exports import Column, Report, Row, listed
from services.reporting.periods import PeriodAsked
from services.reporting.wording import role
from shared.http.problem import Problem, at_field

router = APIRouter(prefix="/v1", tags=["laporan"])

PROVINCE_CODE = "35"
CODES = (
    "registrations",
    "served",
    "newly_served",
    "returning",
    "attested",
    "intensive",
    "sessions",
    "confirmed",
    "contested",
    "unconfirmed",
    "confirmed_share",
    "imported",
    "scheduled",
    "cancelled",
    "no_show",
    "visits",
    "contact_minutes",
    "preparation_minutes",
    "travel_minutes",
    "confirmed_contact_minutes",
    "confirmed_preparation_minutes",
    "confirmed_travel_minutes",
    "unconfirmed_contact_minutes",
)
_DISTINCT = "Usaha dilayani dihitung sekali per kantor, dan sekali untuk provinsi: angka provinsi bukan jumlah kantor."


@router.get(
    "/offices/activity",
    summary="Kegiatan kantor dalam satu periode, dengan pembandingnya",
    **documented(
        "Kegiatan kantor PLUT",
        {
            "office": "35.76",
            "name": "PLUT Kota Mojokerto",
            "sessions": 41,
            "sessions_before": 38,
            "sessions_year_before": 29,
        },
        {
            "office": "35",
            "name": "Provinsi Jawa Timur",
            "sessions": 310,
            "sessions_before": 287,
            "sessions_year_before": 240,
        },
    ),
)
async def read_activity(
    request: Request, who: Reader, form: AskedForm, period: PeriodText = None, office: Office = None
) -> Response:
    asked, codes = Beside.of(period_asked(period)), offices_asked(who, office)

    async def made(seen: Snapshot) -> Report:
        rows = await _activity_rows(seen, codes, asked, whole=who.sees_province and office is None)
        return Report(
            "kegiatan-kantor",
            "Kegiatan kantor PLUT",
            [text("office", "Kode kantor"), text("name", "Kantor"), *beside_columns(CODES, asked)],
            listed(rows),
            seen.instant,
            role(who),
            periods=asked.periods,
            filters=filters_told({"office": office}),
            notes=[_DISTINCT, BEFORE],
        )

    return await answered(request, who, form, TOTALS, made)


async def _activity_rows(seen: Snapshot, codes: Sequence[str], asked: Beside, *, whole: bool) -> list[Row]:
    names = await names_of(seen, codes)
    done = await activities(seen, codes, asked.periods)
    rows: list[Row] = [
        [code, name, *beside_cells(CODES, asked, [done.of(one, code) for one in asked.told])]
        for code, name in names.items()
    ]
    if whole:
        together = [done.of_all(one, codes) for one in asked.told]
        rows.append([PROVINCE_CODE, "Provinsi Jawa Timur", *beside_cells(CODES, asked, together)])
    return rows


async def names_of(seen: Snapshot, codes: Sequence[str]) -> dict[str, str]:
    """Returns the registered ones of the offices by code; raises a 404 Problem if the one asked for is not."""
    names = {one.code: one.name for one in await store.offices(seen.connection, seen.live.version, codes)}
    if len(codes) == 1 and not names:
        raise unregistered(codes[0])
    return names


def unregistered(office: str) -> Problem:
    """The 404 answer for a kabupaten or kota that has no office."""
    return Problem(
        404,
        "office-not-registered",
        "Kantor belum terdaftar",
        f"Belum ada kantor PLUT yang terdaftar di {region_name(office)}.",
        cure="Lihat kantor yang terdaftar di /v1/overview, atau minta administrator mendaftarkannya.",
    )


@router.get(
    "/offices/activity/series",
    summary="Kegiatan dari waktu ke waktu, satu kantor atau provinsi",
    **documented(
        "Kegiatan dari waktu ke waktu",
        {"period": "2026-05", "label": "Mei 2026", "running": "tidak", "sessions": 112, "served": 87},
        filters={"Kantor": "Kota Mojokerto (35.76)"},
    ),
)
async def read_activity_series(
    request: Request,
    who: Reader,
    form: AskedForm,
    grain: Grain = Period.MONTH,
    first: From = None,
    last: To = None,
    office: Office = None,
) -> Response:
    asked, codes = series_asked(grain, first, last), offices_asked(who, office)
    whole = who.sees_province and office is None
    if not whole and len(codes) != 1:
        raise at_field("office", "Angka beberapa kantor tidak dijumlahkan di sini.", "Sebut satu kantor.")

    async def made(seen: Snapshot) -> Report:
        done = await through_time(seen, codes, asked, whole=whole)
        return Report(
            "kegiatan-menurut-waktu",
            "Kegiatan dari waktu ke waktu",
            [*TIME_COLUMNS, *map(Column.of, CODES)],
            listed(_series_rows(seen, done)),
            seen.instant,
            role(who),
            periods=ends_of(asked),
            filters=filters_told({"office": office}),
            notes=[_DISTINCT] if whole else [],
        )

    return await answered(request, who, form, TOTALS, made)


def _series_rows(seen: Snapshot, done: Mapping[PeriodAsked, Amounts]) -> Iterator[Row]:
    for one, amounts in done.items():
        yield [*time_cells(one, seen), *figures_of(CODES, one.grain)(amounts)]
