"""What offices did, over HTTP."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.reporting import answers, store
from services.reporting.api.answering import Answer, is_known, not_modified, reply
from services.reporting.api.asking import Reader, offices_asked, period_asked
from services.reporting.domain import today
from services.reporting.projections import office_activity
from shared.clock import utc_now
from shared.http.problem import Problem
from shared.reference.regions import regencies

router = APIRouter(prefix="/v1", tags=["laporan"])


class ActivityOfDay(BaseModel):
    office: str
    day: date
    registrations: int
    sessions: int
    visits: int
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int


class Figures(BaseModel):
    registrations: int
    sessions: int
    visits: int
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
        if is_known(request, seen.instant):
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
    return reply(OfficeActivityAnswer, body, seen.instant)


def _unregistered(office: str) -> Problem:
    return Problem(
        404,
        "office-not-registered",
        "Kantor belum terdaftar",
        f"Belum ada kantor PLUT yang terdaftar di {regencies()[office].name}.",
        cure="Lihat kantor yang terdaftar di /v1/overview, atau minta administrator mendaftarkannya.",
    )
