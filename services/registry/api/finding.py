"""Finding businesses over HTTP: in the body, for an address is written down in many places."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, Field

from services.registry.api.businesses import BusinessSummary
from services.registry.api.wiring import OpenVault
from services.registry.domain.business import Business
from services.registry.domain.finding import Search, SearchForm, read_search
from services.registry.domain.forms import Kind
from services.registry.domain.identity import Vault
from services.registry.domain.likeness import Candidate
from services.registry.store import businesses as store
from services.registry.store import finding
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.http.requests import principal_for
from shared.http.wiring import OpenPool
from shared.postgres import transaction

router = APIRouter(prefix="/v1")


class FoundBusiness(BaseModel):
    """What any office may know of a business; the `summary` is shown to its own."""

    id: UUID
    office: Annotated[str, Field(examples=["35.76"])]
    trade_name: Annotated[str, Field(examples=["Batik Maja Sejahtera"])]
    kinds: list[Kind]
    kelurahan: Annotated[str, Field(examples=["35.76.02.1001"])]
    score: Annotated[float, Field(description="0 sampai 1; 1 untuk nomor yang sama", examples=[0.92])]
    summary: BusinessSummary | None = None


class FoundBusinesses(BaseModel):
    items: list[FoundBusiness]


@router.post("/businesses/search", summary="Cari usaha")
async def search_businesses(
    form: Annotated[SearchForm, Body()],
    principal: Annotated[Principal, Depends(principal_for(Action.FIND_BUSINESSES))],
    pool: OpenPool,
    vault: OpenVault,
) -> FoundBusinesses:
    """Usaha kantor sendiri dengan semua isian; usaha kantor lain dengan nama usaha atau nomor yang tepat saja."""
    search = read_search(form, principal.offices)
    async with transaction(pool, principal.offices) as connection:
        if search.owner_name is not None:
            return await _by_owner_name(connection, vault.name_tokens(search.owner_name), form.limit)
        found = await finding.find_businesses(connection, _keys(vault, search), form.limit)
        own = await store.list_these(connection, [each.id for each in found])
    return FoundBusinesses(items=[_shown(each, own.get(each.id)) for each in found])


async def _by_owner_name(connection: Any, tokens: list[bytes], limit: int) -> FoundBusinesses:  # noqa: ANN401
    scores = await finding.find_by_owner_name(connection, tokens, limit)
    own = await store.list_these(connection, list(scores))
    return FoundBusinesses(items=[_of_own(own[found], score) for found, score in scores.items() if found in own])


def _keys(vault: Vault, search: Search) -> finding.Keys:
    return finding.Keys(
        trade_name=search.trade_name,
        region=search.region,
        nik_indexes=[] if search.nik is None else [vault.nik_index(search.nik)],
        phone_indexes=[] if search.phone is None else [vault.phone_index(search.phone)],
        nibs=[] if search.nib is None else [search.nib],
    )


def _shown(found: Candidate, own: Business | None) -> FoundBusiness:
    return FoundBusiness(
        id=found.id,
        office=found.office,
        trade_name=found.trade_name,
        kinds=list(found.kinds),
        kelurahan=found.kelurahan,
        score=round(found.score, 2),
        summary=None if own is None else BusinessSummary.model_validate(own, from_attributes=True),
    )


def _of_own(business: Business, score: float) -> FoundBusiness:
    summary = BusinessSummary.model_validate(business, from_attributes=True)
    public = summary.model_dump(include={"id", "office", "trade_name", "kinds", "kelurahan"})
    return FoundBusiness(**public, score=round(score, 2), summary=summary)
