"""HTTP in: who asks and for what. Rules stand in the domain, transactions in the commands, SQL in the store."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.registry import commands, store
from services.registry.domain import problems
from services.registry.domain.business import Business, Status
from services.registry.domain.forms import BusinessCorrection, BusinessForm, Closure, Kind, OfficeCorrection, OfficeForm
from services.registry.domain.identity import Vault
from services.registry.domain.owners import Owner
from shared.auth.policy import Action
from shared.auth.principal import Principal, Role
from shared.commands import Request as Write
from shared.http.cursors import PageCursors
from shared.http.requests import allow, etag, page_cursors, principal_for, reply, required_revision, write_for
from shared.postgres import Pool, transaction

router = APIRouter(prefix="/v1")

# Who meets the owner in person; everybody else sees initials.
_STAFF = (Role.FRONT_DESK, Role.CONSULTANT, Role.FIELD_OFFICER, Role.OFFICE_HEAD)


def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


OpenPool = Annotated[Pool, Depends(_pool)]
OpenVault = Annotated[Vault, Depends(_vault)]
Seen = Annotated[int, Depends(required_revision)]
Cursors = Annotated[PageCursors, Depends(page_cursors)]


class Warned(BaseModel):
    """Odd, but accepted."""

    field: Annotated[str, Field(examples=["owners.0.nik"])]
    message: str
    cure: str


class OfficeSaved(BaseModel):
    code: Annotated[str, Field(examples=["35.76"])]
    revision: int
    version: int


class BusinessSaved(BaseModel):
    """`revision` counts edits, `version` events. `owner_ids` in the order given, where owners were written."""

    id: UUID
    revision: int
    version: int
    office: Annotated[str, Field(examples=["35.76"])]
    owner_ids: list[UUID] = []
    warnings: list[Warned] = []


class OfficeView(BaseModel):
    code: Annotated[str, Field(examples=["35.76"])]
    name: Annotated[str, Field(examples=["PLUT Kota Mojokerto"])]
    opened_on: date
    revision: int
    version: int


class OfficeList(BaseModel):
    items: list[OfficeView]


class BusinessSummary(BaseModel):
    """Nothing of the owners: a list shows nobody's identity."""

    id: UUID
    office: Annotated[str, Field(examples=["35.76"])]
    trade_name: Annotated[str, Field(examples=["Batik Maja Sejahtera"])]
    kinds: list[Kind]
    kelurahan: Annotated[str, Field(examples=["35.76.02.1001"])]
    nib: str | None
    cooperative_number: str | None
    status: Status
    registered_on: date
    closed_on: date | None
    closing_reason: str | None
    revision: int
    version: int


class OwnerView(BaseModel):
    """NIK, NPWP and phone show their last four digits, the address nothing; an auditor sees the name's initials."""

    id: UUID
    name: Annotated[str, Field(examples=["Siti Aminah"])]
    nik: Annotated[str, Field(examples=["************0001"])]
    npwp: str | None
    phone: Annotated[str | None, Field(examples=["**********7890"])]
    address: Annotated[str | None, Field(examples=["***"])]


class BusinessView(BusinessSummary):
    owners: list[OwnerView]


class BusinessPage(BaseModel):
    items: list[BusinessSummary]
    next_cursor: str | None


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


@router.post("/businesses", status_code=201, response_model=BusinessSaved, summary="Daftarkan usaha")
async def register_business(
    form: Annotated[BusinessForm, Body()],
    write: Annotated[Write, Depends(write_for(Action.REGISTER_BUSINESS))],
    pool: OpenPool,
    vault: OpenVault,
) -> Response:
    allow(write.principal, Action.REGISTER_BUSINESS, form.office)
    answer = await commands.register_business(pool, vault, write, form)
    return reply(answer, location=f"/v1/businesses/{answer.body['id']}")


@router.patch("/businesses/{business_id}", response_model=BusinessSaved, summary="Perbaiki data usaha")
async def correct_business(
    business_id: UUID,
    form: Annotated[BusinessCorrection, Body()],
    write: Annotated[Write, Depends(write_for(Action.CORRECT_BUSINESS))],
    seen: Seen,
    pool: OpenPool,
    vault: OpenVault,
) -> Response:
    return reply(await commands.correct_business(pool, vault, write, business_id, seen, form))


@router.post("/businesses/{business_id}/closure", response_model=BusinessSaved, summary="Tutup usaha")
async def close_business(
    business_id: UUID,
    form: Annotated[Closure, Body()],
    write: Annotated[Write, Depends(write_for(Action.CLOSE_BUSINESS))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.close_business(pool, write, business_id, seen, form))


@router.get("/businesses/{business_id}", summary="Baca satu usaha")
async def read_business(
    business_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_BUSINESSES))],
    pool: OpenPool,
    vault: OpenVault,
    response: Response,
) -> BusinessView:
    async with transaction(pool, principal.offices) as connection:
        dossier = await store.find_business(connection, business_id)
    if dossier is None:
        raise problems.business_not_found()
    response.headers["ETag"] = etag(dossier.business.revision)
    owners = [(stored.person, vault.open(business_id, stored)) for stored in dossier.owners]
    named = principal.has(*_STAFF)
    return BusinessView(
        **_summary(dossier.business).model_dump(),
        owners=[_owner_view(person, owner, named=named) for person, owner in owners],
    )


@router.get("/businesses", summary="Daftar usaha")
async def list_businesses(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_BUSINESSES))],
    pool: OpenPool,
    cursors: Cursors,
    office: Annotated[str | None, Query(max_length=10, examples=["35.76"])] = None,
    status: Annotated[Status | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> BusinessPage:
    offices = _offices_to_read(principal, office)
    statuses = list(Status) if status is None else [status]
    place = cursors.decode(cursor)
    after = None if place is None else UUID(str(place[0]))
    async with transaction(pool, principal.offices) as connection:
        found = await store.list_businesses(connection, offices, statuses, after, limit + 1)
    more = cursors.encode([str(found[limit - 1].id)]) if len(found) > limit else None
    return BusinessPage(items=[_summary(business) for business in found[:limit]], next_cursor=more)


def _offices_to_read(principal: Principal, office: str | None) -> Sequence[str]:
    if office is None:
        return principal.offices
    allow(principal, Action.READ_BUSINESSES, office)
    return [office]


def _summary(business: Business) -> BusinessSummary:
    return BusinessSummary.model_validate(business, from_attributes=True)


def _owner_view(person: UUID, owner: Owner, *, named: bool) -> OwnerView:
    return OwnerView(
        id=person,
        name=owner.name.reveal() if named else str(owner.name),
        nik=str(owner.nik),
        npwp=None if owner.npwp is None else str(owner.npwp),
        phone=None if owner.phone is None else str(owner.phone),
        address=None if owner.address is None else str(owner.address),
    )
