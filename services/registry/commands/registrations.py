"""Businesses are registered: by one statement where nothing has to be decided, several at once where several come."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from services.registry.commands import finding
from services.registry.commands.businesses import (
    business_answer,
    nik_locks,
    note_of,
    number_locks,
    sealed,
    tell_business,
    told,
)
from services.registry.domain import business as rules
from services.registry.domain import problems
from services.registry.domain.business import Business, Registration
from services.registry.domain.finding import Identification
from services.registry.domain.forms import BusinessForm, Kind
from services.registry.domain.identity import Candidate, SealedOwner, Vault
from services.registry.domain.likeness import Match
from services.registry.store import businesses as store
from services.registry.store import persons as persons_store
from services.registry.store.registrations import Newcomer, place_newcomers
from shared import failpoint
from shared.clock import business_day
from shared.commands import (
    Answer,
    Company,
    Decide,
    Decided,
    Proposal,
    Request,
    Work,
    accept_at_once,
    event_of,
    execute,
)
from shared.contracts.registry import BusinessRegistered
from shared.ids import new_id
from shared.postgres import Pool

_NOTHING_SAID = Identification()
_REGISTER = "register_business"
# What is decided about a registration when registered businesses are or may be the same one.
Choose = Callable[[Work, Sequence[Match]], Awaitable[Answer | None]]


class Registrations:
    """Registers businesses. Those that come while others are written share the next statement (decision 0029)."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._plain = Company[Newcomer](partial(register_plainly, pool), attrgetter("exact_keys"))

    async def register(self, request: Request, form: BusinessForm, said: Identification = _NOTHING_SAID) -> Answer:
        """Registers a business with its owners: 201. Owners whose NIK any office knows are reused, unseen, unchanged.

        It is 200 where the office has `said` which registered business it is. Raises a Problem: 422 for the form or an
        office that is not registered, 409 if NIB or cooperative number is taken, or if it may be registered already.
        """
        new = rules.register(form, new_id(), business_day(request.now))

        async def choose(work: Work, matches: Sequence[Match]) -> Answer | None:
            return await finding.identify(work, matches, said)

        if said.same_as is None and is_plain(new):
            answer = await self._plain.accept(newcomer(self._vault, request, new))
            if answer is not None:
                return answer
        return await execute(self._pool, request, registering(self._vault, new, choose))


def is_plain(new: Registration) -> bool:
    """Tells whether a business may be registered at once: a would-be entrepreneur's label is counted first."""
    return Kind.PROSPECTIVE not in new.business.kinds


def newcomer(vault: Vault, request: Request, new: Registration) -> Newcomer:
    """Returns a plain business as it is stored if nothing has to be decided about it."""
    candidates = [vault.candidate(owner) for owner in new.owners]
    owners = [vault.seal_new(new.business.id, candidate) for candidate in candidates]
    event = event_of(request, BusinessRegistered, **told(new.business))
    answer = Answer(201, business_answer(new.business, owners, new.warnings))
    return Newcomer(
        Proposal(request, event, answer), new.business, candidates, owners, sorted(_locks(new.business, candidates))
    )


async def register_plainly(
    pool: Pool, newcomers: Sequence[Newcomer], *, rehearsed: bool = False
) -> list[Answer | None]:
    """Registers those of the businesses by one statement of which nothing has to be decided: 201.

    None for the others: they are for `registering`. No two may share a key, a NIK, a phone or a number. `rehearsed`
    leaves nothing behind. Raises what `accept_at_once` raises.
    """

    async def place(connection: Any, traceparents: Sequence[str | None]) -> Sequence[Decided]:  # noqa: ANN401
        if not rehearsed:
            await failpoint.point("api.before_commit")  # the statement commits itself: nothing of ours runs within
        return await place_newcomers(connection, newcomers, _REGISTER, traceparents)

    return await accept_at_once(pool, [each.proposal.request for each in newcomers], place, rehearsed=rehearsed)


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
        owners = sealed(vault, business, candidates, persons)
        answer = Answer(201, business_answer(business, owners, new.warnings))
        await _place(work, answer, business, owners, ["confirmed_new"] if matches else [])
        return answer

    return decide


async def _place(
    work: Work, answer: Answer, business: Business, owners: Sequence[SealedOwner], fields: Sequence[str]
) -> None:
    """Stores a new business together with its event and the command's answer."""
    tell_business(work, BusinessRegistered, business)
    try:
        placed = await store.insert_business(work, answer, business, owners, note_of(work.request, _REGISTER, fields))
    except store.Taken as taken:
        raise problems.business_exists(taken.field) from None
    if not placed:
        raise problems.office_unknown(business.office)


async def _labelled(connection: Any, business: Business) -> Business:  # noqa: ANN401
    if Kind.PROSPECTIVE not in business.kinds:
        return business
    return rules.labelled(business, await store.next_prospective(connection, business.office))


def _locks(business: Business, candidates: Sequence[Candidate]) -> set[int]:
    return number_locks(business) | finding.name_locks(business) | nik_locks(candidates)
