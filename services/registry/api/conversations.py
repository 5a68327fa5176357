"""What the page and the API without a login share: from a token to its conversation, and what a client says there."""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from services.registry.commands import attestations as commands
from services.registry.domain.attestations import Attestation
from services.registry.domain.identity import Vault
from services.registry.store import attestations as store
from shared.auth.principal import Principal, Role
from shared.clock import utc_now
from shared.commands import Answer
from shared.commands import Request as Write
from shared.http import tracing
from shared.http.wiring import pool_of
from shared.ids import new_id
from shared.postgres import Pool, transaction

# Everybody without a login is the same to us; which client it was, the attestation tells.
CLIENT = "client"


@dataclass(frozen=True)
class Conversation:
    """An attestation, with the public name of the office that held the session."""

    attestation: Attestation
    office: str


async def admit(request: Request) -> None:
    """A dependency: raises a 429 Problem for an address that asks too often."""
    request.app.state.throttle.admit(request.client.host if request.client else "unknown")


async def find(pool: Pool, vault: Vault, token: str) -> Conversation:
    """Returns the conversation of a token. Raises a 404 Problem."""
    async with transaction(pool) as connection:
        found = await store.find_by_token(connection, vault.token_digest(token))
    if found is None:
        raise commands.not_found()
    attestation, office = found
    async with transaction(pool, [office]) as connection:
        one = await store.read_attestation(connection, attestation)
        name = await store.office_name(connection, office)
    if one is None:
        raise commands.not_found()
    return Conversation(one, name)


async def say(request: Request, conversation: Conversation, code: str | None, key: str | None) -> Answer:
    """Enters the code, or disputes where there is none. The same `key` again gets the same answer and costs nothing."""
    pool = await pool_of(request)
    one = conversation.attestation
    write = _write(request, one.id, one.office, code, key)
    if code is None:
        return await commands.dispute(pool, write, one.id)
    return await commands.enter_code(pool, request.app.state.vault, write, one.id, code)


def _write(request: Request, attestation: UUID, office: str, code: str | None, key: str | None) -> Write:
    trace = tracing.of(request.scope)
    said = f"{attestation}\n{'dispute' if code is None else code}"
    return Write(
        principal=Principal(CLIENT, frozenset({Role.PUBLIC}), (office,)),
        key=f"{attestation}/{key or new_id()}",
        body_digest=hmac.digest(request.app.state.secret_key, said.encode(), hashlib.sha256),
        correlation_id=trace.correlation_id,
        traceparent=trace.traceparent,
        now=utc_now(),
    )
