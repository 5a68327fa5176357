"""The overview over HTTP: all offices at once, those without activity too."""

from dataclasses import asdict
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.reporting import answers
from services.reporting.answers import OfficeFigures, Overview
from services.reporting.api.answering import Answer, is_known, not_modified, reply
from services.reporting.api.asking import Reader
from services.reporting.domain import Period
from services.reporting.projections.office_activity import Activity

router = APIRouter(prefix="/v1", tags=["laporan"])


class Figures(BaseModel):
    """What was done in a period. `visits`: a business that came twice counts twice."""

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


@router.get("/overview", response_model=OverviewAnswer)
async def read_overview(request: Request, who: Reader) -> Response:
    """Ringkasan semua kantor, termasuk yang tanpa kegiatan."""
    async with answers.snapshot(request.app.state.pool, who, answers.OVERVIEW_TOTALS) as seen:
        if is_known(request, seen.instant):
            return not_modified(request, seen.instant)
        found = await answers.of_overview(seen)
    return reply(request, OverviewAnswer, overview_body(found), found.instant)


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
