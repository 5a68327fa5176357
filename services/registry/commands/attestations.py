"""Clients and the front desk say whether a session was held as it was recorded."""

import hmac
from typing import Any
from uuid import UUID

from services.registry.domain import attestations as rules
from services.registry.domain.attestations import Attestation, PaperForm, State
from services.registry.domain.identity import Vault
from services.registry.store import attestations as store
from services.registry.store.attestations import Locked
from services.registry.store.businesses import Note
from shared.auth.principal import Role
from shared.commands import Answer, Request, Work, execute
from shared.contracts.registry import SessionAttested, SessionDisputed
from shared.http.problem import Problem
from shared.postgres import Pool


async def enter_code(pool: Pool, vault: Vault, request: Request, attestation: UUID, code: str) -> Answer:
    """Settles an attestation by its code: 201. A wrong one is 200 and costs a try, committed here.

    Raises a Problem: 409 where there is nothing to enter a code for.
    """
    digest = vault.code_digest(attestation, code)

    async def decide(work: Work) -> Answer:
        found = await _lock(work, attestation)
        right = hmac.compare_digest(found.code_digest or b"", digest)
        return await _save(work, rules.enter_code(found.attestation, request.now, right=right))

    return await execute(pool, request, decide)


async def dispute(pool: Pool, request: Request, attestation: UUID) -> Answer:
    """Disputes a session: 201. Raises a 409 Problem where there is nothing to dispute any more."""

    async def decide(work: Work) -> Answer:
        return await _save(work, rules.dispute((await _lock(work, attestation)).attestation, request.now))

    return await execute(pool, request, decide)


async def say_on_paper(pool: Pool, request: Request, attestation: UUID, form: PaperForm) -> Answer:
    """Settles an attestation from a signed paper: 201, with an audit row.

    Raises a Problem: 403 for a consultant and for who recorded the session, 404 (also another office's), 409, 422.
    It needs no revision: what was said to the client never changes, a corrected session is another attestation.
    """
    note = rules.paper_note(form)
    who = request.principal
    if who.has(Role.CONSULTANT):
        raise rules.own_session()

    async def decide(work: Work) -> Answer:
        found = await _lock(work, attestation)
        settled = rules.say_on_paper(found.attestation, form.outcome, who.subject, request.now)
        await store.note_paper(
            work.connection, settled, Note(who.subject, "say_on_paper", ["outcome"], request.correlation_id)
        )
        return await _save(work, settled, note)

    return await execute(pool, request, decide)


async def _lock(work: Work, attestation: UUID) -> Locked:
    found = await store.lock_attestation(work.connection, attestation)
    if found is None:
        raise not_found()
    return found


async def _save(work: Work, one: Attestation, paper_note: str | None = None) -> Answer:
    await store.save_attestation(work.connection, one, paper_note)
    said = {State.ATTESTED: SessionAttested, State.DISPUTED: SessionDisputed}.get(one.state)
    if said is not None:
        work.tell(said, aggregate_id=str(one.id), version=one.version, office=one.office, state=one.told())
    return Answer(200 if said is None else 201, _answer(one))


def _answer(one: Attestation) -> dict[str, Any]:
    return {"id": str(one.id), "version": one.version, "state": one.state.value, "tries_left": one.tries_left}


def not_found() -> Problem:
    """The same whether it does not exist or belongs to another office."""
    return Problem(
        404,
        "attestation-not-found",
        "Konfirmasi tidak ditemukan",
        "Tidak ada konfirmasi dengan rujukan ini.",
        cure="Periksa alamat atau nomor rujukan pada pesan terbaru dari kantor PLUT.",
    )
