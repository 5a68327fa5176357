"""What figures mean, over HTTP, and the way down from each of them to the events behind it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.reporting.answers import Snapshot
from services.reporting.answers.evidence import Evidence, Place, page_of
from services.reporting.answers.figures import Asked, figure, figure_of, terms_of
from services.reporting.api.answering import answered
from services.reporting.api.asking import (
    READER,
    AskedForm,
    Cursor,
    Cursors,
    Limit,
    Office,
    PeriodText,
    Reader,
    Region,
    codes_asked,
    filters_told,
    offices_asked,
    period_asked,
    region_asked,
)
from services.reporting.api.businesses import HomeOffice, Kind, Status
from services.reporting.api.tables import documented, text
from services.reporting.codes import name_of
from services.reporting.domain import Fact, listing
from services.reporting.exports import Column, IndicatorCard, Report, Row, Type, card, listed
from services.reporting.indicators import INDICATORS, Indicator
from services.reporting.projections import TOTALS
from services.reporting.wording import number, role
from shared.contracts.mentoring import SessionState
from shared.contracts.registry import BusinessState
from shared.http.problem import Problem

router = APIRouter(prefix="/v1", tags=["laporan"])

Code = Annotated[str, Path(max_length=40, examples=["sessions"], description="Kode indikator")]
Consultant = Annotated[UUID | None, Query(description="ID konsultan")]


class Indicators(BaseModel):
    """All cards."""

    items: list[IndicatorCard]


@router.get("/indicators", summary="Arti setiap angka", dependencies=[READER])
async def read_indicators() -> Indicators:
    return Indicators(items=[card(one) for one in INDICATORS.values()])


@router.get("/indicators/{code}", summary="Arti satu angka", dependencies=[READER])
async def read_indicator(code: Code) -> IndicatorCard:
    return card(_indicator(code))


def _indicator(code: str) -> Indicator:
    found = INDICATORS.get(code)
    if found is None:
        raise Problem(
            404,
            "indicator-unknown",
            "Indikator tidak dikenal",
            "Tidak ada indikator dengan kode itu.",
            cure="Lihat kode-kodenya di /v1/indicators.",
        )
    return found


@router.get(
    "/indicators/{code}/events",
    summary="Peristiwa di balik satu angka; jumlah `amount` semua halamannya adalah angka itu",
    **documented(
        "Peristiwa di balik angka: Sesi tercatat",
        {
            "event_id": "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f",
            "version": 2,
            "aggregate": "session",
            "aggregate_id": "01926f3e-7c1a-7000-8000-4a3b2c1d0e90",
            "office": "35.76",
            "day": "2026-05-17",
            "amount": 1,
            "says": "Dikonfirmasi; 60 menit tatap muka, 15 persiapan, 10 perjalanan; Pemasaran; Telepon; 1 usaha",
        },
    ),
)
async def read_indicator_events(
    request: Request,
    who: Reader,
    form: AskedForm,
    cursors: Cursors,
    code: Code,
    period: PeriodText = None,
    office: Office = None,
    region: Region = None,
    home_office: HomeOffice = None,
    kind: Kind = None,
    status: Status = None,
    field: Annotated[str | None, Query(max_length=40, examples=["marketing"])] = None,
    service: Annotated[str | None, Query(max_length=40, examples=["training"])] = None,
    channel: Annotated[str | None, Query(max_length=40, examples=["phone"])] = None,
    consultant: Consultant = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    indicator = _indicator(code)
    terms_of(indicator)
    only = codes_asked(kind=kind, status=status, field=field, service=service, channel=channel)
    for name, one in (("office", office), ("home_office", home_office)):
        offices_asked(who, one, name)
    given = {
        **only,
        **{name: str(one) for name, one in (("consultant", consultant), ("home_office", home_office)) if one},
    }
    asked = Asked(period_asked(period) if period else None, office, region_asked(region), given)
    position = cursors.decode(cursor)
    after = Place(*map(str, position)) if position else None

    async def made(seen: Snapshot) -> Report:
        made_of = figure_of(indicator, asked, seen, whole=who.sees_province)
        page = await page_of(seen, made_of, after, limit)
        whole = await figure(seen, made_of)
        return Report(
            f"peristiwa-{code.replace('_', '-')}",
            f"Peristiwa di balik angka: {indicator.name}",
            [*_COLUMNS[:6], Column.of(code, key="amount"), *_COLUMNS[6:]],
            listed(_told(page.items)),
            seen.instant,
            role(who),
            periods=[made_of.period] if made_of.period else [],
            filters=filters_told({"office": office, "region": region, **given}),
            notes=[f"Angkanya {number(whole)} {indicator.unit}.", *_NOTES],
            next_cursor=cursors.encode(page.ends) if page.ends else None,
        )

    return await answered(request, who, form, TOTALS, made)


_NOTES = (
    "Tiap baris adalah peristiwa terakhir dari satu sesi atau usaha; `amount` semua halaman berjumlah angka itu.",
    "Halaman dapat lebih pendek daripada yang diminta; teruskan sampai tidak ada `next_cursor`.",
)
_COLUMNS = (
    text("event_id", "Peristiwa"),
    Column("version", "Versi", Type.NUMBER),
    text("aggregate", "Tentang"),
    text("aggregate_id", "ID"),
    text("office", "Kode kantor"),
    Column("day", "Hari", Type.DAY),
    text("says", "Isinya"),
    text("businesses", "Usaha yang dihitung"),
)
_STATES: Mapping[str, str] = {
    "scheduled": "Direncanakan",
    "completed": "Tercatat",
    "confirmed": "Dikonfirmasi",
    "contested": "Disanggah",
    "cancelled": "Dibatalkan",
    "no_show": "Klien tidak datang",
}


def _told(items: Sequence[Evidence]) -> Iterator[Row]:
    for one in items:
        fact = one.fact
        about = (fact.kind.value, fact.id, one.office, listing(fact.state)[1])
        businesses = ", ".join(map(str, one.businesses)) or None
        yield [str(fact.event_id), fact.version, *about, one.amount, _says(fact), businesses]


def _says(fact: Fact) -> str:
    """Returns what a fact says, in words and without an identity."""
    state = fact.state
    if isinstance(state, SessionState):
        minutes = (
            f"{state.contact_minutes} menit tatap muka, {state.preparation_minutes} persiapan,"
            f" {state.travel_minutes} perjalanan"
        )
        names = [name_of(column, getattr(state, column)) for column in ("field", "service", "channel")]
        what = _STATES.get(state.state, state.state) + (" (impor)" if state.imported else "")
        return "; ".join([what, minutes, *names, f"{len(state.businesses)} usaha"])
    if isinstance(state, BusinessState):
        kinds = ", ".join(name_of("kind", kind) for kind in sorted(state.kinds))
        closed = f" {state.closed_on:%Y-%m-%d}" if state.closed_on else ""
        return "; ".join(
            [kinds, name_of("status", state.status) + closed, state.kelurahan, f"asal {state.home_office}"]
        )
    return ""
