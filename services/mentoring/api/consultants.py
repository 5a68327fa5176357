"""Consultants over HTTP: who they are, whom they mentor, and what is in their calendars."""

from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import BaseModel, Field

from services.mentoring import commands
from services.mentoring.api.wiring import (
    Cursor,
    Limit,
    Office,
    OfficeCode,
    Strict,
    next_cursor,
    place_of,
)
from services.mentoring.domain import Field as Bidang
from services.mentoring.domain import NewConsultant, problems
from services.mentoring.store import consultants as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import business_day, utc_now
from shared.commands import Request as Write
from shared.http.fields import Day
from shared.http.problem import FieldProblem, faults_of_correction
from shared.http.requests import etag, offices_to_read, principal_for, reply, write_for
from shared.http.wiring import Cursors, OpenPool, Seen
from shared.postgres import Connection, transaction

router = APIRouter(prefix="/v1")

_LONGEST_CALENDAR = timedelta(days=62)
Name = Annotated[str, Field(min_length=1, max_length=200)]
Fields = Annotated[list[Bidang], Field(min_length=1, max_length=len(Bidang), description="Bidang pendampingan")]


class ConsultantBody(Strict):
    office: OfficeCode
    staff: Annotated[str, Field(pattern=r"^[!-~]{1,128}$", description="ID masuk: `sub` dari token konsultan itu")]
    name: Name
    fields: Fields
    active_from: Day
    active_until: Day | None = None

    def as_new(self) -> NewConsultant:
        return NewConsultant(
            self.office, self.staff, self.name.strip(), self.fields, self.active_from, self.active_until
        )


class ConsultantChangeBody(Strict):
    """What is left out stays; null clears `active_until` and nothing else."""

    name: Name | None = None
    fields: Fields | None = None
    active_from: Day | None = None
    active_until: Day | None = None

    def changes(self) -> dict[str, Any]:
        """Returns what is to be changed; raises a 422 Problem if that is nothing, or empties what must not be empty."""
        told: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        empty = [name for name in ("name", "fields", "active_from") if name in told and told[name] is None]
        refuse_empty(empty, nothing=not told)
        if "name" in told:
            told["name"] = told["name"].strip()
        return told


class Registered(BaseModel):
    id: UUID
    revision: int
    version: int


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


class CaseView(BaseModel):
    """A business that a consultant mentors. Name, status and home office are today's, null while it is unknown here."""

    id: UUID
    trade_name: str | None
    status: str | None
    home_office: str | None
    sessions: Annotated[int, Field(description="Sesi yang sudah berlangsung")]
    last_day: Annotated[date | None, Field(description="Sesi terakhir yang berlangsung")]
    next_day: Annotated[date | None, Field(description="Rencana berikutnya, hari ini atau sesudahnya")]


class Caseload(BaseModel):
    items: list[CaseView]
    next_cursor: str | None


class EntryView(BaseModel):
    """A plan or a session. Preparation and travel lie before `start`."""

    id: UUID
    day: date
    start: time | None
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int
    state: str
    channel: str
    place: str | None
    businesses: list[UUID]


class Calendar(BaseModel):
    items: list[EntryView]


@router.post("/consultants", status_code=201, response_model=Registered, summary="Daftarkan konsultan")
async def register_consultant(
    body: Annotated[ConsultantBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.REGISTER_CONSULTANT))],
    pool: OpenPool,
) -> Response:
    return reply(await commands.register_consultant(pool, write, body.as_new()))


@router.patch("/consultants/{consultant_id}", response_model=Registered, summary="Ubah data konsultan")
async def change_consultant(
    consultant_id: UUID,
    body: Annotated[ConsultantChangeBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.CHANGE_CONSULTANT))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.change_consultant(pool, write, consultant_id, seen, body.changes()))


@router.get("/consultants", summary="Daftar konsultan")
async def list_consultants(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_CONSULTANTS))],
    pool: OpenPool,
    cursors: Cursors,
    office: Office = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ConsultantPage:
    offices = offices_to_read(principal, Action.READ_CONSULTANTS, office)
    async with transaction(pool, principal.offices) as connection:
        rows = await store.list_consultants(connection, offices, after=place_of(cursors, cursor), limit=limit + 1)
    views = [ConsultantView.model_validate(row) for row in rows[:limit]]
    return ConsultantPage(items=views, next_cursor=next_cursor(cursors, [row["seq"] for row in rows], limit))


@router.get("/consultants/{consultant_id}", summary="Baca satu konsultan")
async def read_consultant(
    consultant_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_CONSULTANTS))],
    pool: OpenPool,
    response: Response,
) -> ConsultantView:
    async with transaction(pool, principal.offices) as connection:
        view = ConsultantView.model_validate(await _found(connection, consultant_id))
    response.headers["ETag"] = etag(view.revision)
    return view


@router.get("/consultants/{consultant_id}/caseload", summary="Usaha dampingan seorang konsultan")
async def read_caseload(
    consultant_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSIONS))],
    pool: OpenPool,
    cursors: Cursors,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Caseload:
    position = cursors.decode(cursor)
    after = None if position is None else UUID(str(position[0]))
    async with transaction(pool, principal.offices) as connection:
        await _found(connection, consultant_id)
        rows = await store.caseload(connection, consultant_id, business_day(utc_now()), after=after, limit=limit + 1)
    views = [CaseView.model_validate(row) for row in rows[:limit]]
    return Caseload(items=views, next_cursor=next_cursor(cursors, [str(row["id"]) for row in rows], limit))


@router.get("/consultants/{consultant_id}/calendar", summary="Kalender seorang konsultan")
async def read_calendar(
    consultant_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSIONS))],
    pool: OpenPool,
    first: Annotated[Day, Query(alias="from", description="Hari pertama (WIB)")],
    last: Annotated[Day, Query(alias="to", description="Hari terakhir; paling banyak 62 hari sesudah yang pertama")],
) -> Calendar:
    refuse_span(first, last, _LONGEST_CALENDAR)
    async with transaction(pool, principal.offices) as connection:
        await _found(connection, consultant_id)
        rows = await store.agenda(connection, consultant_id, first, last)
    return Calendar(items=[EntryView.model_validate(row) for row in rows])


def refuse_span(first: date | None, last: date | None, longest: timedelta | None = None) -> None:
    """Raises a 422 Problem for days in the wrong order, or more of them than one answer holds."""
    if first is None or last is None:
        return
    if last < first:
        fault = FieldProblem("to", f"Tanggal {last} sebelum {first}.", "Isi tanggal yang sama atau sesudahnya.")
    elif longest is not None and last - first > longest:
        fault = FieldProblem("to", f"Lebih dari {longest.days} hari.", "Minta rentang yang lebih pendek.")
    else:
        return
    problems.refuse_faults([fault], "invalid-input", "Isian tidak sah")


def refuse_empty(fields: Sequence[str], *, nothing: bool) -> None:
    """Raises a 422 Problem for a change of nothing, and for what must not be empty."""
    problems.refuse_faults(faults_of_correction(fields, nothing=nothing), "invalid-input", "Isian tidak sah")


async def _found(connection: Connection, consultant_id: UUID) -> dict[str, Any]:
    consultant = await store.find_consultant(connection, consultant_id)
    if consultant is None:
        raise problems.consultant_not_found()
    return consultant
