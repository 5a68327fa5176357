"""HTTP in: bodies are checked for their form here, for their sense in the domain."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.mentoring import commands, domain, store
from services.mentoring.domain import Channel, NewConsultant, Occupation, Service, SessionDraft
from services.mentoring.domain import Field as Bidang
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import utc_now
from shared.commands import Request as Write
from shared.http.cursors import PageCursors
from shared.http.fields import ClockTime, Day
from shared.http.problem import Problem
from shared.http.requests import allow, etag, page_cursors, principal_for, reply, write_for
from shared.postgres import Pool, transaction

router = APIRouter(prefix="/v1")

OfficeCode = Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}$", examples=["35.76"])]
Minutes = Annotated[int, Field(strict=True, ge=0, le=1440)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]
Office = Annotated[OfficeCode | None, Query()]
Unresolved = Annotated[bool, Query(description="Hanya sesi yang masih menunggu data usahanya")]
Cursors = Annotated[PageCursors, Depends(page_cursors)]


def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


OpenPool = Annotated[Pool, Depends(_pool)]


class _Strict(BaseModel):
    """A misspelt field is refused, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsultantBody(_Strict):
    office: OfficeCode
    staff: Annotated[str, Field(pattern=r"^[!-~]{1,128}$", description="ID masuk: `sub` dari token konsultan itu")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    fields: Annotated[list[Bidang], Field(min_length=1, max_length=len(Bidang), description="Bidang pendampingan")]
    active_from: Day
    active_until: Day | None = None

    def as_new(self) -> NewConsultant:
        return NewConsultant(
            self.office, self.staff, self.name.strip(), self.fields, self.active_from, self.active_until
        )


class SessionBody(_Strict):
    office: OfficeCode
    day: Annotated[Day, Field(description="Hari sesi (WIB)")]
    start: Annotated[ClockTime | None, Field(description="Jam mulai tatap muka (WIB)")] = None
    contact_minutes: Annotated[Minutes, Field(ge=1)]
    preparation_minutes: Minutes = 0
    travel_minutes: Minutes = 0
    consultants: Annotated[list[UUID], Field(min_length=1, max_length=20)]
    businesses: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    field: Annotated[Bidang, Field(description="Bidang")]
    service: Annotated[Service, Field(description="Layanan")]
    channel: Annotated[Channel, Field(description="Kanal")]

    def as_draft(self) -> SessionDraft:
        occupation = Occupation(
            self.day, self.start, self.contact_minutes, self.preparation_minutes, self.travel_minutes
        )
        return SessionDraft(
            self.office, occupation, self.consultants, self.businesses, self.field, self.service, self.channel
        )


class Registered(BaseModel):
    id: UUID
    revision: int
    version: int


class Completed(Registered):
    provisional: bool


class ConsultantView(BaseModel):
    id: UUID
    office: str
    staff: str
    name: str
    fields: list[str]
    active_from: date
    active_until: date | None
    revision: int
    version: int


class ConsultantPage(BaseModel):
    items: list[ConsultantView]
    next_cursor: str | None


class SessionBusinessView(BaseModel):
    """`trade_name` is today's, the rest as it was known when the session met the business."""

    id: UUID
    known: bool
    trade_name: str | None
    kinds: list[str]
    kelurahan: str | None
    home_office: str | None
    attested: bool


class SessionView(BaseModel):
    """`overdue`: still provisional an hour after it was recorded; somebody must look."""

    id: UUID
    office: str
    day: date
    start: time | None
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int
    consultants: list[UUID]
    businesses: list[SessionBusinessView]
    field: str
    service: str
    channel: str
    state: str
    confirmable_version: int
    imported: bool
    provisional: bool
    overdue: bool
    recorded_at: datetime
    revision: int
    version: int


class SessionPage(BaseModel):
    items: list[SessionView]
    next_cursor: str | None


@router.post("/consultants", status_code=201, response_model=Registered, summary="Daftarkan konsultan")
async def register_consultant(
    body: Annotated[ConsultantBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.REGISTER_CONSULTANT))],
    pool: OpenPool,
) -> Response:
    return reply(await commands.register_consultant(pool, write, body.as_new()))


@router.get("/consultants", summary="Daftar konsultan")
async def list_consultants(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_CONSULTANTS))],
    pool: OpenPool,
    cursors: Cursors,
    office: Office = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ConsultantPage:
    offices = _offices_to_read(principal, Action.READ_CONSULTANTS, office)
    async with transaction(pool, principal.offices) as connection:
        rows = await store.list_consultants(connection, offices, after=_place(cursors, cursor), limit=limit + 1)
    views = [ConsultantView.model_validate(row) for row in rows[:limit]]
    return ConsultantPage(items=views, next_cursor=_next_cursor(cursors, [row["seq"] for row in rows], limit))


@router.post("/sessions", status_code=201, response_model=Completed, summary="Catat sesi pendampingan")
async def complete_session(
    body: Annotated[SessionBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.COMPLETE_SESSION))],
    pool: OpenPool,
) -> Response:
    answer = await commands.complete_session(pool, write, body.as_draft())
    return reply(answer, location=f"/v1/sessions/{answer.body['id']}")


@router.get("/sessions/{session_id}", summary="Baca satu sesi")
async def read_session(
    session_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSIONS))],
    pool: OpenPool,
    response: Response,
) -> SessionView:
    async with transaction(pool, principal.offices) as connection:
        found = await store.read_sessions(connection, [session_id])
    if not found:
        raise _session_not_found()
    response.headers["ETag"] = etag(found[0].revision)
    return _view(found[0], utc_now())


@router.get("/sessions", summary="Daftar sesi")
async def list_sessions(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSIONS))],
    pool: OpenPool,
    cursors: Cursors,
    office: Office = None,
    unresolved: Unresolved = False,  # noqa: FBT002  a query parameter has a name
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SessionPage:
    offices = _offices_to_read(principal, Action.READ_SESSIONS, office)
    async with transaction(pool, principal.offices) as connection:
        found = await store.list_sessions(
            connection, offices, unresolved_only=unresolved, before=_place(cursors, cursor), limit=limit + 1
        )
    now = utc_now()
    return SessionPage(
        items=[_view(session, now) for session in found[:limit]],
        next_cursor=_next_cursor(cursors, [session.seq for session in found], limit),
    )


def _offices_to_read(principal: Principal, action: Action, office: str | None) -> Sequence[str]:
    if office is None:
        return principal.offices
    allow(principal, action, office)
    return [office]


def _place(cursors: PageCursors, cursor: str | None) -> int | None:
    position = cursors.decode(cursor)
    return None if position is None else int(position[0])


def _next_cursor(cursors: PageCursors, places: Sequence[int], limit: int) -> str | None:
    """One row more than the page was asked for: if it came, there is a next page."""
    return cursors.encode([places[limit - 1]]) if len(places) > limit else None


def _view(session: store.Session, now: datetime) -> SessionView:
    state = session.state.model_dump()
    businesses: list[dict[str, Any]] = [
        {**business, "trade_name": session.trade_names.get(business["id"])} for business in state.pop("businesses")
    ]
    return SessionView(
        **state,
        businesses=[SessionBusinessView(**business) for business in businesses],
        provisional=session.provisional,
        overdue=session.provisional and domain.is_overdue(session.recorded_at, now),
        recorded_at=session.recorded_at,
        revision=session.revision,
        version=session.version,
    )


def _session_not_found() -> Problem:
    return Problem(
        404,
        "session-not-found",
        "Sesi tidak ditemukan",
        "Sesi dengan id ini tidak ada di kantor Anda.",
        cure="Periksa idnya di daftar sesi kantor Anda.",
    )
