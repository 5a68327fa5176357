"""What routes of the registry are handed beside what every service has: vault, registrations, correlation.

Coroutines all: FastAPI runs a plain function in a thread, which cost more than the rest of the edge.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from services.registry.commands.registrations import Registrations
from services.registry.domain.identity import Vault
from shared.http import tracing


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


async def _registrations(request: Request) -> Registrations:
    registrations: Registrations = request.app.state.registrations
    return registrations


async def _correlation(request: Request) -> UUID:
    return tracing.of(request.scope).correlation_id


OpenRegistrations = Annotated[Registrations, Depends(_registrations)]
OpenVault = Annotated[Vault, Depends(_vault)]
CorrelationId = Annotated[UUID, Depends(_correlation)]
