"""Moves between offices over HTTP."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import BaseModel, Field

from services.registry.commands import moves as commands
from services.registry.domain.business import Status
from services.registry.domain.forms import Kind, MoveForm
from services.registry.domain.moves import MoveState
from services.registry.store import moves as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.commands import Request as Write
from shared.http.requests import offices_to_read, principal_for, reply, write_for
from shared.http.wiring import Cursors, OpenPool, Seen
from shared.postgres import transaction

router = APIRouter(prefix="/v1")


class MoveSaved(BaseModel):
    """`revision` and `version` are the business's, once it has moved."""

    id: UUID
    business: UUID
    from_office: Annotated[str, Field(examples=["35.76"])]
    to_office: Annotated[str, Field(examples=["35.79"])]
    proposed_by: Annotated[str, Field(examples=["35.76"])]
    state: MoveState
    revision: int | None = None
    version: int | None = None


class MovingBusinessView(BaseModel):
    """What anybody in the province may know; `revision` is what an acceptance must name in If-Match."""

    id: UUID
    trade_name: Annotated[str, Field(examples=["Batik Maja Sejahtera"])]
    kinds: list[Kind]
    kelurahan: Annotated[str, Field(examples=["35.76.02.1001"])]
    home_office: Annotated[str, Field(examples=["35.76"])]
    status: Status
    registered_on: date
    closed_on: date | None
    revision: int


class MoveView(BaseModel):
    id: UUID
    business: MovingBusinessView
    from_office: Annotated[str, Field(examples=["35.76"])]
    to_office: Annotated[str, Field(examples=["35.79"])]
    proposed_by: Annotated[str, Field(examples=["35.76"])]
    reason: str
    state: MoveState
    proposed_at: datetime
    decided_at: datetime | None


class MovePage(BaseModel):
    items: list[MoveView]
    next_cursor: str | None


@router.post(
    "/businesses/{business_id}/moves", status_code=201, response_model=MoveSaved, summary="Usulkan usaha pindah kantor"
)
async def propose_move(
    business_id: UUID,
    form: Annotated[MoveForm, Body()],
    write: Annotated[Write, Depends(write_for(Action.PROPOSE_MOVE))],
    pool: OpenPool,
) -> Response:
    return reply(await commands.propose_move(pool, write, business_id, form))


@router.post("/moves/{move_id}/acceptance", response_model=MoveSaved, summary="Terima usulan pindah")
async def accept_move(
    move_id: UUID, write: Annotated[Write, Depends(write_for(Action.DECIDE_MOVE))], seen: Seen, pool: OpenPool
) -> Response:
    return reply(await commands.accept_move(pool, write, move_id, seen))


@router.post("/moves/{move_id}/refusal", response_model=MoveSaved, summary="Tolak atau tarik usulan pindah")
async def decline_move(
    move_id: UUID, write: Annotated[Write, Depends(write_for(Action.DECIDE_MOVE))], pool: OpenPool
) -> Response:
    return reply(await commands.decline_move(pool, write, move_id))


@router.get("/moves", summary="Daftar usulan pindah")
async def list_moves(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_MOVES))],
    pool: OpenPool,
    cursors: Cursors,
    office: Annotated[str | None, Query(max_length=10, examples=["35.76"])] = None,
    state: Annotated[MoveState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> MovePage:
    offices = offices_to_read(principal, Action.READ_MOVES, office)
    states = list(MoveState) if state is None else [state]
    place = cursors.decode(cursor)
    after = None if place is None else UUID(str(place[0]))
    async with transaction(pool, principal.offices) as connection:
        found = await store.list_moves(connection, offices, states, after, limit + 1)
    more = cursors.encode([str(found[limit - 1].move.id)]) if len(found) > limit else None
    return MovePage(items=[_view(moving) for moving in found[:limit]], next_cursor=more)


def _view(moving: store.MovingBusiness) -> MoveView:
    move, business = moving.move, moving.business
    return MoveView(
        id=move.id,
        business=MovingBusinessView(**business.state.model_dump(), revision=business.revision),
        from_office=move.from_office,
        to_office=move.to_office,
        proposed_by=move.proposed_by,
        reason=move.reason,
        state=move.state,
        proposed_at=move.proposed_at,
        decided_at=move.decided_at,
    )
