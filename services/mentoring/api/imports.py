"""Imports of past sessions over HTTP: as every import, and accepted in the end by the head of the office."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from services.mentoring import commands
from services.mentoring.store.import_accesses import read_accesses
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.commands import Request as Write
from shared.http.requests import principal_for, reply, write_for
from shared.http.wiring import OpenPool
from shared.imports.problems import import_not_found
from shared.imports.routes import import_routes
from shared.imports.store import find_import
from shared.postgres import transaction

router = import_routes(Action.IMPORT_SESSIONS)


class Acceptance(BaseModel):
    """How many sessions were accepted now; repeat it with a new key until none remains."""

    import_id: UUID
    accepted: int
    remaining: int


class AccessView(BaseModel):
    action: Annotated[str, Field(description="`upload_import` atau `read_import`")]
    actor: str
    correlation_id: UUID
    happened_at: datetime


class Accesses(BaseModel):
    items: list[AccessView]


@router.post(
    "/imports/{import_id}/acceptance",
    response_model=Acceptance,
    summary="Terima sesi dari sebuah impor",
    description="Sesi impor baru dihitung sesudah diterima kepala kantor; sekali jalan paling banyak 500 sesi.",
)
async def accept_import(
    import_id: UUID, write: Annotated[Write, Depends(write_for(Action.ACCEPT_IMPORT))], pool: OpenPool
) -> Response:
    return reply(await commands.accept_import(pool, write, import_id))


@router.get("/imports/{import_id}/accesses", summary="Siapa mengunggah lembar ini dan siapa membaca hasilnya")
async def list_accesses(
    import_id: UUID, principal: Annotated[Principal, Depends(principal_for(Action.READ_AUDIT))], pool: OpenPool
) -> Accesses:
    async with transaction(pool, principal.offices) as connection:
        if await find_import(connection, import_id) is None:
            raise import_not_found()
        accesses = await read_accesses(connection, import_id)
    return Accesses(items=[AccessView.model_validate(access, from_attributes=True) for access in accesses])
