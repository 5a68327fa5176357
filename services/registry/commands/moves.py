"""Businesses move to another office. The business's row is locked before its proposal, by everybody."""

from uuid import UUID

from services.registry.domain import moves as rules
from services.registry.domain import problems
from services.registry.domain.forms import MoveForm
from services.registry.domain.moves import Move, PublicBusiness
from services.registry.store import moves as store
from shared.commands import Answer, Request, Work, execute
from shared.contracts.registry import BusinessMoved
from shared.ids import new_id
from shared.postgres import Pool


async def propose_move(pool: Pool, request: Request, business_id: UUID, form: MoveForm) -> Answer:
    """Proposes that a business changes its home office: 201. The home's head may, and the other office's.

    Raises a Problem: 404, 409 for a closed business or one with an open proposal, 422.
    """

    async def decide(work: Work) -> Answer:
        business = await store.lock_business(work.connection, business_id)
        move = rules.propose(business, form, request.principal.offices, new_id(), request.now)
        if not await store.office_exists(work.connection, move.to_office):
            raise problems.destination_unknown(move.to_office)
        try:
            await store.insert_move(work.connection, move, request.principal.subject, request.correlation_id)
        except store.AlreadyProposed:
            raise problems.move_pending() from None
        return Answer(201, _move_answer(move))

    return await execute(pool, request, decide)


async def accept_move(pool: Pool, request: Request, move_id: UUID, seen: int) -> Answer:
    """Gives the business, as it was seen at revision `seen`, to its new home: 200.

    Raises a Problem: 404, 403 for the office that proposed it, 409 if it is decided or the business was closed, 412.
    """

    async def decide(work: Work) -> Answer:
        move, before = await _lock(work, move_id)
        moved = rules.accept(move, before, seen, request.principal.offices)
        actor, cause = request.principal.subject, request.correlation_id
        if not await store.hand_over(work.connection, move, seen, actor, cause, request.now):
            raise problems.own_proposal()
        work.tell(
            BusinessMoved,
            aggregate_id=str(move.business),
            version=moved.version,
            office=move.to_office,
            state=moved.state,
            changed=["home_office"],
        )
        answer = _move_answer(move) | {"state": rules.MoveState.ACCEPTED.value}
        return Answer(200, answer | {"revision": moved.revision, "version": moved.version})

    return await execute(pool, request, decide)


async def decline_move(pool: Pool, request: Request, move_id: UUID) -> Answer:
    """Refuses a proposal, or withdraws one's own: 200. Raises a Problem: 404, 409 if it is decided."""

    async def decide(work: Work) -> Answer:
        move, _ = await _lock(work, move_id)
        declined = rules.decline(move, request.principal.offices, request.now)
        office = move.awaits if declined.state is rules.MoveState.REFUSED else move.proposed_by
        actor, cause = request.principal.subject, request.correlation_id
        await store.decline_move(work.connection, declined, office, actor, cause)
        return Answer(200, _move_answer(declined))

    return await execute(pool, request, decide)


async def _lock(work: Work, move_id: UUID) -> tuple[Move, PublicBusiness]:
    """The proposal as it stands once its business is locked: whoever decides about it holds that lock."""
    found = await store.find_move(work.connection, move_id)
    business = None if found is None else await store.lock_business(work.connection, found.business)
    move = await store.find_move(work.connection, move_id)
    if move is None or business is None:
        raise problems.move_not_found()
    return move, business


def _move_answer(move: Move) -> dict[str, str | int]:
    """What is kept under the key; the reason is not repeated."""
    return {
        "id": str(move.id),
        "business": str(move.business),
        "from_office": move.from_office,
        "to_office": move.to_office,
        "proposed_by": move.proposed_by,
        "state": move.state.value,
    }
