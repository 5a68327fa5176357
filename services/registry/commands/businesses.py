"""Businesses are corrected, closed and opened again; and what every command about them leaves behind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.registry.domain import business as rules
from services.registry.domain import problems
from services.registry.domain.business import Business
from services.registry.domain.forms import BusinessCorrection, Closure, Reopening
from services.registry.domain.identity import Candidate, SealedOwner, Vault, lock_number
from services.registry.domain.owners import Owner
from services.registry.store import businesses as store
from services.registry.store import persons as persons_store
from shared.clock import business_day
from shared.commands import Answer, Request, Work, execute
from shared.contracts.registry import BusinessClosed, BusinessCorrected, BusinessRegistered, BusinessReopened
from shared.http.problem import FieldProblem, stale
from shared.postgres import Pool


async def correct_business(
    pool: Pool, vault: Vault, request: Request, business_id: UUID, seen: int, form: BusinessCorrection
) -> Answer:
    """Corrects a business over revision `seen`: 200. Only a change that others may know of leaves an event.

    Raises a Problem: 404 (also another office's), 412 if it was changed since, 409 if closed or a number is taken, 422.
    """

    async def decide(work: Work) -> Answer:
        dossier = await _find(work.connection, business_id, seen)
        before = dossier.business
        known = {owner.person: vault.open(business_id, owner) for owner in dossier.owners}
        correction = rules.correct(before, known, form)
        if not correction.fields:
            return Answer(200, business_answer(before, (), correction.warnings))
        owners = await _claim_for(work.connection, vault, before, known, correction)
        await _save(work, correction.business, seen, note_of(request, "correct_business", correction.fields))
        if owners:
            removed = await store.replace_owners(work.connection, before, owners)
            await persons_store.forget_unowned_persons(work.connection, removed)
        if correction.public:
            tell_business(work, BusinessCorrected, correction.business, correction.public)
        return Answer(200, business_answer(correction.business, owners, correction.warnings))

    return await execute(pool, request, decide)


async def close_business(pool: Pool, request: Request, business_id: UUID, seen: int, form: Closure) -> Answer:
    """Closes a business over revision `seen`: 200.

    Raises a Problem: 404 (also another office's), 412 if it was changed since, 409 if it is closed, 422 for the day.
    """

    async def decide(work: Work) -> Answer:
        before = (await _find(work.connection, business_id, seen)).business
        closed = rules.close(before, form, business_day(request.now))
        await _save(work, closed, seen, note_of(request, "close_business", ["status", "closed_on"]))
        tell_business(work, BusinessClosed, closed, ["status", "closed_on"])
        return Answer(200, business_answer(closed, (), ()))

    return await execute(pool, request, decide)


async def reopen_business(pool: Pool, request: Request, business_id: UUID, seen: int, form: Reopening) -> Answer:
    """Opens a closed business again over revision `seen`: 200.

    Raises a Problem: 404 (also another office's), 412 if it was changed since, 409 if it is open.
    """

    async def decide(work: Work) -> Answer:
        before = (await _find(work.connection, business_id, seen)).business
        opened = rules.reopen(before)
        note = replace(note_of(request, "reopen_business", ["status", "closed_on"]), reason=form.reason.value)
        await _save(work, opened, seen, note)
        tell_business(work, BusinessReopened, opened, ["status", "closed_on"])
        return Answer(200, business_answer(opened, (), ()))

    return await execute(pool, request, decide)


async def _find(connection: Any, business_id: UUID, seen: int) -> store.Dossier:  # noqa: ANN401  pooled or plain
    dossier = await store.find_business(connection, business_id)
    if dossier is None:
        raise problems.business_not_found()
    if dossier.business.revision != seen:
        raise stale(seen, dossier.business.revision)
    return dossier


async def _save(work: Work, business: Business, seen: int, note: store.Note) -> None:
    """Saves over `seen`; what was read is current then, for every edit raises the revision."""
    try:
        saved = await store.update_business(work.connection, business, seen=seen, note=note)
    except store.Taken as taken:
        raise problems.business_exists(taken.field) from None
    if not saved:
        raise stale(seen, await store.find_revision(work.connection, business.id))


async def _claim(
    connection: Any,  # noqa: ANN401
    vault: Vault,
    business: Business,
    owners: Sequence[Owner],
    locks: set[int],
) -> list[SealedOwner]:
    """Locks the shared keys, finds or makes the persons, and seals what was told of them."""
    candidates = [vault.candidate(owner) for owner in owners]
    persons = await persons_store.claim_persons(connection, sorted(locks | nik_locks(candidates)), candidates)
    return sealed(vault, business, candidates, persons)


def sealed(
    vault: Vault, business: Business, candidates: Sequence[Candidate], persons: Mapping[bytes, persons_store.Person]
) -> list[SealedOwner]:
    found = [(persons[candidate.nik_index], candidate) for candidate in candidates]
    return [vault.seal(business.id, person.id, person.wrapped, candidate) for person, candidate in found]


async def _claim_for(
    connection: Any,  # noqa: ANN401
    vault: Vault,
    before: Business,
    known: dict[UUID, Owner],
    correction: rules.Correction,
) -> list[SealedOwner]:
    """Locks what the correction takes and what it sets free: whoever waits for either waits here, not at a row."""
    after = correction.business
    locks: set[int] = set()
    if before.numbers() != after.numbers():
        locks |= number_locks(before) | number_locks(after)
    if correction.owners is not None:
        locks |= {lock_number("nik", vault.nik_index(owner.nik)) for owner in known.values()}
    if not locks:
        return []
    return await _claim(connection, vault, after, correction.owners or (), locks)


def number_locks(business: Business) -> set[int]:
    return {lock_number(field, number.encode()) for field, number in business.numbers().items()}


def nik_locks(candidates: Sequence[Candidate]) -> set[int]:
    return {lock_number("nik", candidate.nik_index) for candidate in candidates}


def tell_business(
    work: Work,
    event: type[BusinessRegistered | BusinessCorrected | BusinessClosed | BusinessReopened],
    business: Business,
    changed: Sequence[str] = (),
) -> None:
    work.tell(event, changed=changed, **told(business))


def told(business: Business) -> dict[str, Any]:
    """What every event says of a business."""
    return {
        "aggregate_id": str(business.id),
        "version": business.version,
        "office": business.office,
        "state": business.state(),
    }


def note_of(request: Request, action: str, fields: Sequence[str]) -> store.Note:
    return store.Note(request.principal.subject, action, fields, request.correlation_id)


def business_answer(
    business: Business, owners: Sequence[SealedOwner], warnings: Sequence[FieldProblem]
) -> dict[str, Any]:
    """What is kept under the key: `owner_ids` where owners were written; no warning repeats what was typed."""
    answer: dict[str, Any] = {
        "id": str(business.id),
        "revision": business.revision,
        "version": business.version,
        "office": business.office,
    }
    if owners:
        answer["owner_ids"] = [str(owner.person) for owner in owners]
    if warnings:
        answer["warnings"] = [warning.as_json() for warning in warnings]
    return answer
