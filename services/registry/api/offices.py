"""Offices over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel, Field

from services.registry.commands import offices as commands
from services.registry.domain.forms import OfficeCorrection, OfficeForm
from services.registry.store import offices as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.commands import Request as Write
from shared.http.requests import principal_for, reply, write_for
from shared.http.wiring import OpenPool, Seen
from shared.postgres import transaction

router = APIRouter(prefix="/v1")


class OfficeSaved(BaseModel):
    code: Annotated[str, Field(examples=["35.76"])]
    revision: int
    version: int


class OfficeView(BaseModel):
    code: Annotated[str, Field(examples=["35.76"])]
    name: Annotated[str, Field(examples=["PLUT Kota Mojokerto"])]
    opened_on: date
    revision: int
    version: int


class OfficeList(BaseModel):
    items: list[OfficeView]


@router.post("/offices", status_code=201, response_model=OfficeSaved, summary="Daftarkan kantor")
async def open_office(
    form: Annotated[OfficeForm, Body()],
    write: Annotated[Write, Depends(write_for(Action.OPEN_OFFICE))],
    pool: OpenPool,
) -> Response:
    return reply(await commands.open_office(pool, write, form))


@router.patch("/offices/{code}", response_model=OfficeSaved, summary="Ubah kantor")
async def change_office(
    code: str,
    form: Annotated[OfficeCorrection, Body()],
    write: Annotated[Write, Depends(write_for(Action.CHANGE_OFFICE))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.change_office(pool, write, code, seen, form))


@router.get("/offices", summary="Daftar kantor")
async def list_offices(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_OFFICES))], pool: OpenPool
) -> OfficeList:
    async with transaction(pool, principal.offices) as connection:
        offices = await store.list_offices(connection)
    return OfficeList(items=[OfficeView.model_validate(office, from_attributes=True) for office in offices])
