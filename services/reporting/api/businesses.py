"""Where the businesses are, over HTTP."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.reporting import answers
from services.reporting.api.answering import Answer, is_known, not_modified, reply
from services.reporting.api.asking import Reader
from services.reporting.projections import businesses_by_region
from services.reporting.projections.businesses_by_region import EACH_ONCE, Count
from shared.reference.regions import regencies

router = APIRouter(prefix="/v1", tags=["laporan"])


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


@router.get("/businesses-by-region", response_model=RegionsAnswer)
async def read_businesses_by_region(request: Request, who: Reader) -> Response:
    """Usaha per kabupaten/kota, yang tanpa kantor PLUT pun disebut."""
    async with answers.snapshot(request.app.state.pool, who, [businesses_by_region.TOTAL]) as seen:
        if is_known(request, seen.instant):
            return not_modified(seen.instant)
        counts = await businesses_by_region.counts(seen.connection, seen.live.version, seen.offices)
    once = [one for one in counts if one.kind == EACH_ONCE]
    body = {"regions": regions_of(counts), "businesses": _sum(once), "active": _sum(once, "active")}
    return reply(RegionsAnswer, body, seen.instant)


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
