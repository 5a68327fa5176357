"""Showing in clear over HTTP. A read that is written down, so without an idempotency key: no answer of it is kept."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel, Field

from services.registry.api.wiring import CorrelationId, OpenVault
from services.registry.commands import disclosures as commands
from services.registry.domain.forms import DisclosureForm
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.http.requests import principal_for
from shared.http.wiring import OpenPool

router = APIRouter(prefix="/v1")


class OwnerDisclosed(BaseModel):
    """Only the fields asked for are there; null is unknown."""

    nik: Annotated[str | None, Field(examples=["3576015509800001"])] = None
    npwp: str | None = None
    phone: Annotated[str | None, Field(examples=["+6281234567890"])] = None
    address: str | None = None


@router.post(
    "/businesses/{business_id}/owners/{person_id}/disclosure",
    response_model=OwnerDisclosed,
    response_model_exclude_unset=True,
    summary="Tampilkan data pemilik apa adanya",
)
async def disclose_owner(
    business_id: UUID,
    person_id: UUID,
    form: Annotated[DisclosureForm, Body()],
    principal: Annotated[Principal, Depends(principal_for(Action.DISCLOSE_OWNER))],
    correlation_id: CorrelationId,
    pool: OpenPool,
    vault: OpenVault,
    response: Response,
) -> OwnerDisclosed:
    response.headers["Cache-Control"] = "no-store"
    shown = await commands.disclose_owner(pool, vault, principal, correlation_id, business_id, person_id, form)
    return OwnerDisclosed(**shown)
