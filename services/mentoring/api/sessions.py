"""Sessions over HTTP: planned, recorded, found."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response

from services.mentoring.api.consultants import refuse_span
from services.mentoring.api.forms import PlanBody, SessionBody
from services.mentoring.api.views import AgeView, Backlog, Begun, SessionPage, SessionView, session_view
from services.mentoring.api.wiring import (
    Cursor,
    Limit,
    Office,
    OpenSessions,
    next_cursor,
    place_of,
)
from services.mentoring.domain import problems
from services.mentoring.domain.lifecycle import State
from services.mentoring.store import sessions as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import utc_now
from shared.commands import Request as Write
from shared.http.fields import Day
from shared.http.requests import etag, offices_to_read, principal_for, reply, write_for
from shared.http.wiring import Cursors, OpenPool
from shared.postgres import transaction

router = APIRouter(prefix="/v1")

# A code is good for 72 hours (design.md §7); a week and a month later a head asks why.
_AGES = (timedelta(hours=72), timedelta(days=7), timedelta(days=30))

Unresolved = Annotated[bool, Query(description="Hanya sesi yang masih menunggu data usahanya")]


@router.post("/sessions", status_code=201, response_model=Begun, summary="Catat sesi pendampingan")
async def complete_session(
    body: Annotated[SessionBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.COMPLETE_SESSION))],
    sessions: OpenSessions,
) -> Response:
    answer = await sessions.complete(write, body.as_draft())
    return reply(answer, location=f"/v1/sessions/{answer.body['id']}")


@router.post("/session-plans", status_code=201, response_model=Begun, summary="Rencanakan sesi pendampingan")
async def schedule_session(
    body: Annotated[PlanBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.SCHEDULE_SESSION))],
    sessions: OpenSessions,
) -> Response:
    answer = await sessions.schedule(write, body.as_draft())
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
        raise problems.session_not_found()
    response.headers["ETag"] = etag(found[0].standing.revision)
    return session_view(found[0], principal, utc_now())


@router.get("/sessions", summary="Daftar sesi")
async def list_sessions(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSIONS))],
    pool: OpenPool,
    cursors: Cursors,
    office: Office = None,
    unresolved: Unresolved = False,  # noqa: FBT002  a query parameter has a name
    state: Annotated[State | None, Query(description="`completed`: belum dikonfirmasi; `contested`: disanggah")] = None,
    consultant: Annotated[UUID | None, Query()] = None,
    business: Annotated[UUID | None, Query(description="Misalnya rencana dari usaha yang ditutup atau pindah")] = None,
    first: Annotated[Day | None, Query(alias="from", description="Hari pertama (WIB)")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Hari terakhir (WIB)")] = None,
    accepted: Annotated[bool | None, Query(description="`false`: sesi impor yang belum diterima kepala kantor")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SessionPage:
    refuse_span(first, last)
    offices = offices_to_read(principal, Action.READ_SESSIONS, office)
    wanted = store.Wanted(unresolved, state, consultant, business, first, last, accepted)
    async with transaction(pool, principal.offices) as connection:
        found = await store.list_sessions(
            connection, offices, wanted, before=place_of(cursors, cursor), limit=limit + 1
        )
    now = utc_now()
    return SessionPage(
        items=[session_view(session, principal, now) for session in found[:limit]],
        next_cursor=next_cursor(cursors, [session.seq for session in found], limit),
    )


@router.get("/unconfirmed-sessions", summary="Hitung sesi yang belum dikonfirmasi, menurut umurnya")
async def count_unconfirmed(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSIONS))],
    pool: OpenPool,
    office: Office = None,
) -> Backlog:
    offices = offices_to_read(principal, Action.READ_SESSIONS, office)
    async with transaction(pool, principal.offices) as connection:
        counts = await store.count_by_age(connection, offices, utc_now(), _AGES)
    bounds = [0, *(int(age.total_seconds()) // 3600 for age in _AGES), None]
    return Backlog(
        ages=[
            AgeView(
                from_hours=bounds[age] or 0,
                to_hours=bounds[age + 1],
                unconfirmed=counts.get((State.COMPLETED, age), 0),
                contested=counts.get((State.CONTESTED, age), 0),
            )
            for age in range(len(_AGES) + 1)
        ]
    )
