"""What every route of the registry is handed: its pool, the vault of identities, revisions and cursors.

Coroutines all: FastAPI runs a plain function in a thread, which cost more than the rest of the edge.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from services.registry.domain.identity import Vault
from shared.http import tracing
from shared.http.cursors import PageCursors
from shared.http.requests import page_cursors, required_revision
from shared.postgres import Pool


async def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


async def _correlation(request: Request) -> UUID:
    return tracing.of(request.scope).correlation_id


OpenPool = Annotated[Pool, Depends(_pool)]
OpenVault = Annotated[Vault, Depends(_vault)]
Seen = Annotated[int, Depends(required_revision)]
Cursors = Annotated[PageCursors, Depends(page_cursors)]
CorrelationId = Annotated[UUID, Depends(_correlation)]
