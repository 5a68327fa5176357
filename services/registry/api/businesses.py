"""Businesses over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import BaseModel, Field

from services.registry.api.wiring import CorrelationId, OpenRegistrations, OpenVault
from services.registry.commands import businesses as commands
from services.registry.domain import problems
from services.registry.domain.business import Business, Status
from services.registry.domain.finding import RegistrationForm
from services.registry.domain.forms import BusinessCorrection, Closure, KbliVersion, Kind, Reopening
from services.registry.domain.owners import Owner
from services.registry.store import audit
from services.registry.store import businesses as store
from shared.auth.policy import Action
from shared.auth.principal import Principal, Role
from shared.commands import Request as Write
from shared.http.requests import allow, etag, offices_to_read, principal_for, reply, write_for
from shared.http.wiring import Cursors, OpenPool, Seen, Warned
from shared.postgres import transaction

router = APIRouter(prefix="/v1")

# Who meets the owner in person; everybody else sees initials.
_STAFF = (Role.FRONT_DESK, Role.CONSULTANT, Role.FIELD_OFFICER, Role.OFFICE_HEAD)


class BusinessSaved(BaseModel):
    """`revision` counts edits, `version` events. `owner_ids` in the order given, where owners were written."""

    id: UUID
    revision: int
    version: int
    office: Annotated[str, Field(examples=["35.76"])]
    owner_ids: list[UUID] = []
    warnings: list[Warned] = []


class KbliView(BaseModel):
    code: Annotated[str, Field(examples=["13134"])]
    version: Annotated[KbliVersion, Field(examples=["2020"])]


class BusinessSummary(BaseModel):
    """Nothing of the owners: a list shows nobody's identity."""

    id: UUID
    office: Annotated[str, Field(examples=["35.76"])]
    trade_name: Annotated[str, Field(examples=["Batik Maja Sejahtera"])]
    kinds: list[Kind]
    kelurahan: Annotated[str, Field(examples=["35.76.02.1001"])]
    nib: str | None
    cooperative_number: str | None
    kbli: list[KbliView]
    status: Status
    registered_on: date
    closed_on: date | None
    closing_reason: str | None
    revision: int
    version: int


class BusinessMatched(BaseModel):
    """The registered business that was meant; without `revision` and `version` it is another office's."""

    id: UUID
    office: Annotated[str, Field(examples=["35.76"])]
    trade_name: Annotated[str, Field(examples=["Batik Maja Sejahtera"])]
    kinds: list[Kind]
    kelurahan: Annotated[str, Field(examples=["35.76.02.1001"])]
    revision: int | None = None
    version: int | None = None


class OwnerView(BaseModel):
    """NIK, NPWP and phone show their last four digits, the address nothing; an auditor sees the name's initials."""

    id: UUID
    name: Annotated[str, Field(examples=["Siti Aminah"])]
    nik: Annotated[str, Field(examples=["************0001"])]
    npwp: str | None
    phone: Annotated[str | None, Field(examples=["**********7890"])]
    address: Annotated[str | None, Field(examples=["***"])]


class BusinessView(BusinessSummary):
    """Amounts are whole rupiah, null where unknown; an auditor never sees them, for they are somebody's finances."""

    capital: Annotated[int | None, Field(examples=[50_000_000])]
    annual_sales: Annotated[int | None, Field(examples=[1_200_000_000])]
    owners: list[OwnerView]


class BusinessPage(BaseModel):
    items: list[BusinessSummary]
    next_cursor: str | None


@router.post(
    "/businesses",
    status_code=201,
    response_model=BusinessSaved,
    responses={200: {"model": BusinessMatched, "description": "Usaha ini sudah terdaftar (same_as)"}},
    summary="Daftarkan usaha",
)
async def register_business(
    form: Annotated[RegistrationForm, Body()],
    write: Annotated[Write, Depends(write_for(Action.REGISTER_BUSINESS))],
    registrations: OpenRegistrations,
) -> Response:
    allow(write.principal, Action.REGISTER_BUSINESS, form.office)
    answer = await registrations.register(write, form, form)
    return reply(answer, location=f"/v1/businesses/{answer.body['id']}" if answer.status == 201 else None)


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


@router.post("/businesses/{business_id}/reopening", response_model=BusinessSaved, summary="Buka kembali usaha")
async def reopen_business(
    business_id: UUID,
    form: Annotated[Reopening, Body()],
    write: Annotated[Write, Depends(write_for(Action.REOPEN_BUSINESS))],
    seen: Seen,
    pool: OpenPool,
) -> Response:
    return reply(await commands.reopen_business(pool, write, business_id, seen, form))


@router.get("/businesses/{business_id}", summary="Baca satu usaha")
async def read_business(
    business_id: UUID,
    principal: Annotated[Principal, Depends(principal_for(Action.READ_BUSINESSES))],
    pool: OpenPool,
    vault: OpenVault,
    correlation_id: CorrelationId,
    response: Response,
) -> BusinessView:
    named = principal.has(*_STAFF)
    async with transaction(pool, principal.offices) as connection:
        dossier = await store.find_business(connection, business_id)
        if dossier is None:
            raise problems.business_not_found()
        if named:
            office, fields = dossier.business.office, ["owners.name"]
            read = audit.Read(principal.subject, office, "read_business", business_id, fields, correlation_id)
            await audit.insert_read(connection, read)
    response.headers["ETag"] = etag(dossier.business.revision)
    owners = [(stored.person, vault.open(business_id, stored)) for stored in dossier.owners]
    return BusinessView(
        **_summary(dossier.business).model_dump(),
        capital=dossier.business.capital if named else None,
        annual_sales=dossier.business.annual_sales if named else None,
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
    offices = offices_to_read(principal, Action.READ_BUSINESSES, office)
    statuses = list(Status) if status is None else [status]
    place = cursors.decode(cursor)
    after = None if place is None else UUID(str(place[0]))
    async with transaction(pool, principal.offices) as connection:
        found = await store.list_businesses(connection, offices, statuses, after, limit + 1)
    more = cursors.encode([str(found[limit - 1].id)]) if len(found) > limit else None
    return BusinessPage(items=[_summary(business) for business in found[:limit]], next_cursor=more)


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
