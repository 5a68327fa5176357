"""Businesses are registered, corrected, closed and opened again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.registry.commands import finding
from services.registry.domain import business as rules
from services.registry.domain import problems
from services.registry.domain.business import Business, Registration
from services.registry.domain.finding import Identification
from services.registry.domain.forms import BusinessCorrection, BusinessForm, Closure, Kind, Reopening
from services.registry.domain.identity import Candidate, SealedOwner, Vault, lock_number
from services.registry.domain.likeness import Match
from services.registry.domain.owners import Owner
from services.registry.store import businesses as store
from services.registry.store import persons as persons_store
from services.registry.store.registrations import Newcomer, place_newcomers
from shared.clock import business_day
from shared.commands import Answer, Decide, Decided, Proposal, Request, Work, accept_at_once, event_of, execute
from shared.contracts.registry import BusinessClosed, BusinessCorrected, BusinessRegistered, BusinessReopened
from shared.http.problem import FieldProblem, stale
from shared.ids import new_id
from shared.postgres import Pool

_NOTHING_SAID = Identification()
_REGISTER = "register_business"
# What is decided about a registration when registered businesses are or may be the same one.
Choose = Callable[[Work, Sequence[Match]], Awaitable[Answer | None]]


async def register_business(
    pool: Pool, vault: Vault, request: Request, form: BusinessForm, said: Identification = _NOTHING_SAID
) -> Answer:
    """Registers a business with its owners: 201. Owners whose NIK any office knows are reused, unseen and unchanged.

    It is 200 where the office has `said` which registered business it is. Raises a Problem: 422 for the form or an
    office that is not registered, 409 if NIB or cooperative number is taken, or if it may be registered already.
    """
    new = rules.register(form, new_id(), business_day(request.now))

    async def choose(work: Work, matches: Sequence[Match]) -> Answer | None:
        return await finding.identify(work, matches, said)

    if said.same_as is None and is_plain(new):
        (answer,) = await register_plainly(pool, [newcomer(vault, request, new)])
        if answer is not None:
            return answer
    return await execute(pool, request, registering(vault, new, choose))


def is_plain(new: Registration) -> bool:
    """Tells whether a business may be registered at once: a would-be entrepreneur's label is counted first."""
    return Kind.PROSPECTIVE not in new.business.kinds


def newcomer(vault: Vault, request: Request, new: Registration) -> Newcomer:
    """Returns a plain business as it is stored if nothing has to be decided about it."""
    candidates = [vault.candidate(owner) for owner in new.owners]
    owners = [vault.seal_new(new.business.id, candidate) for candidate in candidates]
    event = event_of(request, BusinessRegistered, **_told(new.business))
    answer = Answer(201, _business_answer(new.business, owners, new.warnings))
    return Newcomer(
        Proposal(request, event, answer), new.business, candidates, owners, sorted(_locks(new.business, candidates))
    )


async def register_plainly(
    pool: Pool, newcomers: Sequence[Newcomer], *, rehearsed: bool = False
) -> list[Answer | None]:
    """Registers those of the businesses by one statement of which nothing has to be decided: 201.

    None for the others: they are for `registering`. No two may share a NIK or a number. `rehearsed` leaves nothing
    behind. Raises what `accept_at_once` raises.
    """

    async def place(connection: Any, traceparent: str | None) -> Sequence[Decided]:  # noqa: ANN401  pooled or plain
        return await place_newcomers(connection, newcomers, _REGISTER, traceparent)

    return await accept_at_once(pool, [each.proposal for each in newcomers], place, rehearsed=rehearsed)


def registering(vault: Vault, new: Registration, choose: Choose) -> Decide:
    """Returns what registers a sound business: 201, or what `choose` answers to the matches instead of None.

    It raises a Problem: 422 for an office that is not registered, 409 if NIB or cooperative number is taken; and what
    `choose` raises.
    """

    async def decide(work: Work) -> Answer:
        candidates = [vault.candidate(owner) for owner in new.owners]
        locks = sorted(_locks(new.business, candidates))
        persons, matches = await finding.claim_and_find(work.connection, new.business, candidates, locks)
        known = await choose(work, matches)
        if known is not None:
            await persons_store.forget_unowned_persons(work.connection, [person.id for person in persons.values()])
            return known
        business = await _labelled(work.connection, new.business)
        owners = _sealed(vault, business, candidates, persons)
        answer = Answer(201, _business_answer(business, owners, new.warnings))
        await _place(work, answer, business, owners, ["confirmed_new"] if matches else [])
        return answer

    return decide


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
            return Answer(200, _business_answer(before, (), correction.warnings))
        owners = await _claim_for(work.connection, vault, before, known, correction)
        await _save(work, correction.business, seen, _note(request, "correct_business", correction.fields))
        if owners:
            removed = await store.replace_owners(work.connection, before, owners)
            await persons_store.forget_unowned_persons(work.connection, removed)
        if correction.public:
            _tell_business(work, BusinessCorrected, correction.business, correction.public)
        return Answer(200, _business_answer(correction.business, owners, correction.warnings))

    return await execute(pool, request, decide)


async def close_business(pool: Pool, request: Request, business_id: UUID, seen: int, form: Closure) -> Answer:
    """Closes a business over revision `seen`: 200.

    Raises a Problem: 404 (also another office's), 412 if it was changed since, 409 if it is closed, 422 for the day.
    """

    async def decide(work: Work) -> Answer:
        before = (await _find(work.connection, business_id, seen)).business
        closed = rules.close(before, form, business_day(request.now))
        await _save(work, closed, seen, _note(request, "close_business", ["status", "closed_on"]))
        _tell_business(work, BusinessClosed, closed, ["status", "closed_on"])
        return Answer(200, _business_answer(closed, (), ()))

    return await execute(pool, request, decide)


async def reopen_business(pool: Pool, request: Request, business_id: UUID, seen: int, form: Reopening) -> Answer:
    """Opens a closed business again over revision `seen`: 200.

    Raises a Problem: 404 (also another office's), 412 if it was changed since, 409 if it is open.
    """

    async def decide(work: Work) -> Answer:
        before = (await _find(work.connection, business_id, seen)).business
        opened = rules.reopen(before)
        note = replace(_note(request, "reopen_business", ["status", "closed_on"]), reason=form.reason.value)
        await _save(work, opened, seen, note)
        _tell_business(work, BusinessReopened, opened, ["status", "closed_on"])
        return Answer(200, _business_answer(opened, (), ()))

    return await execute(pool, request, decide)


async def _place(
    work: Work, answer: Answer, business: Business, owners: Sequence[SealedOwner], fields: Sequence[str]
) -> None:
    """Stores a new business together with its event and the command's answer."""
    _tell_business(work, BusinessRegistered, business)
    try:
        placed = await store.insert_business(work, answer, business, owners, _note(work.request, _REGISTER, fields))
    except store.Taken as taken:
        raise problems.business_exists(taken.field) from None
    if not placed:
        raise problems.office_unknown(business.office)


async def _labelled(connection: Any, business: Business) -> Business:  # noqa: ANN401
    if Kind.PROSPECTIVE not in business.kinds:
        return business
    return rules.labelled(business, await store.next_prospective(connection, business.office))


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
    persons = await persons_store.claim_persons(connection, sorted(locks | _nik_locks(candidates)), candidates)
    return _sealed(vault, business, candidates, persons)


def _sealed(
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
        locks |= _number_locks(before) | _number_locks(after)
    if correction.owners is not None:
        locks |= {lock_number("nik", vault.nik_index(owner.nik)) for owner in known.values()}
    if not locks:
        return []
    return await _claim(connection, vault, after, correction.owners or (), locks)


def _locks(business: Business, candidates: Sequence[Candidate]) -> set[int]:
    return _number_locks(business) | finding.name_locks(business) | _nik_locks(candidates)


def _number_locks(business: Business) -> set[int]:
    return {lock_number(field, number.encode()) for field, number in business.numbers().items()}


def _nik_locks(candidates: Sequence[Candidate]) -> set[int]:
    return {lock_number("nik", candidate.nik_index) for candidate in candidates}


def _tell_business(
    work: Work,
    event: type[BusinessRegistered | BusinessCorrected | BusinessClosed | BusinessReopened],
    business: Business,
    changed: Sequence[str] = (),
) -> None:
    work.tell(event, changed=changed, **_told(business))


def _told(business: Business) -> dict[str, Any]:
    """What every event says of a business."""
    return {
        "aggregate_id": str(business.id),
        "version": business.version,
        "office": business.office,
        "state": business.state(),
    }


def _note(request: Request, action: str, fields: Sequence[str]) -> store.Note:
    return store.Note(request.principal.subject, action, fields, request.correlation_id)


def _business_answer(
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
