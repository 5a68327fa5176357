"""What is done to a session over HTTP, and what was done to it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response

from services.mentoring import commands
from services.mentoring.api.forms import CancellationBody, CompletionBody, CorrectionBody, NoShowBody
from services.mentoring.api.views import Accepted, Edited, History, change_view, may_read_notes
from services.mentoring.domain import problems
from services.mentoring.domain.texts import tidy
from services.mentoring.store import history
from services.mentoring.store import sessions as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.commands import Request as Write
from shared.http.requests import principal_for, reply, write_for
from shared.http.wiring import OpenPool, Seen
from shared.postgres import transaction

router = APIRouter(prefix="/v1")


@router.post("/sessions/{session_id}/completion", response_model=Edited, summary="Catat rencana sebagai terlaksana")
async def complete_plan(
    session_id: UUID,
    body: Annotated[CompletionBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.COMPLETE_SESSION))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.complete_plan(pool, write, session_id, seen, body.changes()))


@router.patch("/sessions/{session_id}", response_model=Edited, summary="Perbaiki rencana atau sesi")
async def correct_session(
    session_id: UUID,
    body: Annotated[CorrectionBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.CORRECT_SESSION))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.correct_session(pool, write, session_id, seen, body.changes(), tidy(body.reason)))


@router.post("/sessions/{session_id}/cancellation", response_model=Edited, summary="Batalkan rencana atau sesi")
async def cancel_session(
    session_id: UUID,
    body: Annotated[CancellationBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.CANCEL_SESSION))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.cancel_session(pool, write, session_id, seen, tidy(body.reason)))


@router.post("/sessions/{session_id}/no-show", response_model=Edited, summary="Catat bahwa klien tidak datang")
async def mark_no_show(
    session_id: UUID,
    body: Annotated[NoShowBody, Body()],
    write: Annotated[Write, Depends(write_for(Action.MARK_NO_SHOW))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.mark_no_show(pool, write, session_id, seen, tidy(body.reason)))


@router.post("/sessions/{session_id}/acceptance", response_model=Accepted, summary="Terima sesi impor")
async def accept_session(
    session_id: UUID,
    write: Annotated[Write, Depends(write_for(Action.ACCEPT_IMPORT))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.accept_session(pool, write, session_id, seen))


@router.get("/sessions/{session_id}/history", summary="Riwayat perubahan sebuah sesi")
async def read_history(
    session_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_SESSION_HISTORY))],
    pool: OpenPool,
) -> History:
    async with transaction(pool, principal.offices) as connection:
        found = await store.read_sessions(connection, [session_id])
        changes = await history.read_changes(connection, session_id)
    if not found:
        raise problems.session_not_found()
    notes = may_read_notes(found[0], principal)
    return History(
        recorded_by=found[0].recorded_by,
        recorded_at=found[0].recorded_at,
        items=[change_view(change, notes=notes) for change in changes],
    )
