"""Reporting over HTTP, for programs. Every answer says how far it has read and how fresh it is."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from services.reporting import answers, store
from services.reporting.answers import Instant, OfficeFigures, Overview
from services.reporting.domain import FIRST_DAY, LONGEST_RANGE, Period, today
from services.reporting.projections import businesses_by_region, office_activity
from services.reporting.projections.businesses_by_region import EACH_ONCE, Count
from services.reporting.projections.office_activity import Activity
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import utc_now
from shared.http.problem import Problem, at_field
from shared.http.requests import allow, principal_for
from shared.reference.regions import regencies

router = APIRouter(prefix="/v1", tags=["laporan"])
Reader = Annotated[Principal, Depends(principal_for(Action.READ_REPORTS))]
_OFFICE = re.compile(r"^\d{2}\.\d{2}$")


# What the answers look like


class Answer(BaseModel):
    """`as_of`: everything committed up to then is in the figures; null until all services have been heard of."""

    as_of: datetime | None
    behind_ms: int | None
    position: str


class ActivityOfDay(BaseModel):
    office: str
    day: date
    registrations: int
    sessions: int
    businesses_served: int
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int


class Figures(BaseModel):
    registrations: int
    sessions: int
    businesses_served: int
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int


class OfficeName(BaseModel):
    code: str
    name: str
    opened_on: date


class OfficeActivityAnswer(Answer):
    """`days` holds the days with activity only; `total` is their sum."""

    first: date
    last: date
    offices: list[OfficeName]
    days: list[ActivityOfDay]
    total: Figures


class RegionCount(BaseModel):
    home_office: str
    kind: str
    status: str
    businesses: int


class Region(BaseModel):
    """`businesses` and `active` count each business once; `counts` has it under each of its kinds."""

    code: str
    name: str
    businesses: int
    active: int
    counts: list[RegionCount]


class RegionsAnswer(Answer):
    regions: list[Region]
    businesses: int
    active: int


class OfficePeriods(OfficeName):
    today: Figures
    this_month: Figures
    this_year: Figures
    all: Figures


class ProvincePeriods(BaseModel):
    businesses: int
    active_businesses: int
    today: Figures
    this_month: Figures
    this_year: Figures
    all: Figures


class OverviewAnswer(Answer):
    day: date
    province: ProvincePeriods
    offices: list[OfficePeriods]


# Routes


@router.get("/office-activity", response_model=OfficeActivityAnswer)
async def read_office_activity(
    request: Request,
    who: Reader,
    first: Annotated[date | None, Query(alias="from", description="Hari pertama, WIB; bawaan: awal bulan ini")] = None,
    last: Annotated[date | None, Query(alias="to", description="Hari terakhir, WIB; bawaan: hari ini")] = None,
    office: Annotated[str | None, Query(description="Kode kantor, misalnya 35.76; bawaan: semua kantor Anda")] = None,
) -> Response:
    """Kegiatan setiap kantor per hari."""
    first, last = period_asked(first, last, today(utc_now()))
    codes = offices_asked(who, office)
    async with answers.snapshot(request.app.state.pool, who, [office_activity.TOTAL]) as seen:
        if _is_known(request, seen.instant):
            return not_modified(seen.instant)
        offices = await store.offices(seen.connection, seen.live.version, codes)
        days = await office_activity.per_day(seen.connection, seen.live.version, codes, first, last)
    if office is not None and not offices:
        raise _unregistered(office)
    body = {
        "first": first,
        "last": last,
        "offices": [asdict(one) for one in offices],
        "days": [{"office": one.office, "day": one.day, **asdict(one.activity)} for one in days],
        "total": asdict(answers.total(one.activity for one in days)),
    }
    return _reply(OfficeActivityAnswer, body, seen.instant)


@router.get("/businesses-by-region", response_model=RegionsAnswer)
async def read_businesses_by_region(request: Request, who: Reader) -> Response:
    """Usaha per kabupaten/kota, yang tanpa kantor PLUT pun disebut."""
    async with answers.snapshot(request.app.state.pool, who, [businesses_by_region.TOTAL]) as seen:
        if _is_known(request, seen.instant):
            return not_modified(seen.instant)
        counts = await businesses_by_region.counts(seen.connection, seen.live.version, seen.offices)
    once = [one for one in counts if one.kind == EACH_ONCE]
    body = {"regions": regions_of(counts), "businesses": _sum(once), "active": _sum(once, "active")}
    return _reply(RegionsAnswer, body, seen.instant)


@router.get("/overview", response_model=OverviewAnswer)
async def read_overview(request: Request, who: Reader) -> Response:
    """Ringkasan semua kantor, termasuk yang tanpa kegiatan."""
    async with answers.snapshot(request.app.state.pool, who, answers.OVERVIEW_TOTALS) as seen:
        if _is_known(request, seen.instant):
            return not_modified(seen.instant)
        found = await answers.of_overview(seen)
    return _reply(OverviewAnswer, overview_body(found), found.instant)


# What was asked


def period_asked(first: date | None, last: date | None, now: date) -> tuple[date, date]:
    """Returns the days asked for, filled in; raises a 422 Problem for days that no report can have."""
    last = last or max(first or now, now)
    first = first or last.replace(day=1)
    if last < first:
        raise at_field("to", "Hari terakhir lebih awal daripada hari pertama.", "Tukar isi `from` dan `to`.")
    if first < FIRST_DAY:
        raise at_field("from", "Hari pertama terlalu lampau.", f"Isi {FIRST_DAY} atau sesudahnya.")
    if last.year > now.year + 1:
        raise at_field("to", "Hari terakhir terlalu jauh di depan.", f"Isi paling lambat akhir {now.year + 1}.")
    if last - first >= LONGEST_RANGE:
        raise at_field("to", "Rentang lebih dari 366 hari.", "Minta paling banyak 366 hari sekali, lalu gabungkan.")
    return first, last


def offices_asked(who: Principal, office: str | None) -> tuple[str, ...]:
    """Returns the offices to report on; raises a 422 Problem for what is no office, 403 for another's."""
    if office is None:
        return who.offices
    if not _OFFICE.match(office) or office not in regencies():
        raise at_field("office", "Kode kantor tidak dikenal.", "Isi kode kabupaten/kota Jawa Timur, misalnya 35.76.")
    allow(who, Action.READ_REPORTS, office)
    return (office,)


def _unregistered(office: str) -> Problem:
    return Problem(
        404,
        "office-not-registered",
        "Kantor belum terdaftar",
        f"Belum ada kantor PLUT yang terdaftar di {regencies()[office].name}.",
        cure="Lihat kantor yang terdaftar di /v1/overview, atau minta administrator mendaftarkannya.",
    )


# What is answered


def etag(instant: Instant) -> str:
    """Returns the weak tag of everything read at this position on this day; as-of may move on under it."""
    return f'W/"{instant.position}-{instant.today:%Y%m%d}"'


def _is_known(request: Request, instant: Instant) -> bool:
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag(instant) in [tag.strip() for tag in known.split(",")]


def not_modified(instant: Instant) -> Response:
    """Returns the 304 that says: the same figures, which are as of now known to be right up to here."""
    return Response(status_code=304, headers=headers(instant))


def headers(instant: Instant) -> dict[str, str]:
    """Returns what lets a client ask again cheaply, and not show one person's answer to another."""
    told = {"ETag": etag(instant), "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if instant.as_of is not None:
        told["Data-As-Of"] = instant.as_of.isoformat()
    return told


def _reply(kind: type[Answer], body: dict[str, Any], instant: Instant) -> Response:
    told = {"as_of": instant.as_of, "behind_ms": instant.behind_ms, "position": str(instant.position), **body}
    return JSONResponse(kind.model_validate(told).model_dump(mode="json"), headers=headers(instant))


def overview_body(found: Overview) -> dict[str, Any]:
    """Returns the overview as the answer names things."""
    active = found.businesses()
    return {
        "day": found.instant.today,
        "province": {
            "businesses": active + found.businesses(status="closed"),
            "active_businesses": active,
            **_periods({period: found.province(period) for period in Period}),
        },
        "offices": [_office(one) for one in found.offices],
    }


def _office(one: OfficeFigures) -> dict[str, Any]:
    return {**asdict(one.office), **_periods(dict(one.activity))}


def _periods(activity: dict[Period, Activity]) -> dict[str, Any]:
    names = {
        Period.DAY: "today",
        Period.MONTH: "this_month",
        Period.YEAR: "this_year",
        Period.ALL: "all",
    }
    return {name: asdict(activity[period]) for period, name in names.items()}


def regions_of(counts: Sequence[Count]) -> list[dict[str, Any]]:
    """Returns all 38 kabupaten/kota with their numbers, and any other region that a business claims to lie in."""
    codes = sorted(regencies().keys() | {one.regency for one in counts})
    return [_region(code, [one for one in counts if one.regency == code]) for code in codes]


def _region(code: str, counts: Sequence[Count]) -> dict[str, Any]:
    once = [one for one in counts if one.kind == EACH_ONCE]
    known = regencies().get(code)
    return {
        "code": code,
        "name": known.name if known else code,
        "businesses": _sum(once),
        "active": _sum(once, "active"),
        "counts": [
            {"home_office": one.home_office, "kind": one.kind, "status": one.status, "businesses": one.businesses}
            for one in counts
            if one.kind != EACH_ONCE
        ],
    }


def _sum(counts: Sequence[Count], status: str | None = None) -> int:
    return sum(one.businesses for one in counts if status in (None, one.status))
