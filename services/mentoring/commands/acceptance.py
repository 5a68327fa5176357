"""What an import brought is accepted by the head of its office: from then on it counts."""

from collections.abc import Sequence
from uuid import UUID

from services.mentoring.commands.judgement import refuse_foreign_office
from services.mentoring.domain import problems
from services.mentoring.domain.lifecycle import HELD, Deed, Standing
from services.mentoring.store import history
from services.mentoring.store import sessions as store
from services.mentoring.store.sessions import Session
from shared.auth.policy import Action
from shared.commands import Answer, Request, Work, execute
from shared.contracts.mentoring import SessionAccepted
from shared.http.problem import stale
from shared.imports import store as imports
from shared.imports.problems import import_not_found
from shared.postgres import Pool

AT_ONCE = 500


async def accept_import(pool: Pool, request: Request, job: UUID) -> Answer:
    """Accepts the next 500 sessions of an import: 200 with how many they were, and how many are left.

    So no transaction is long; whoever repeats it, with new keys, until nothing is left has accepted all of them.
    Raises a Problem: 404 (also another office's), 403, 409 while the import still works.
    """

    async def decide(work: Work) -> Answer:
        record = await imports.find_import(work.connection, job)
        if record is None:
            raise import_not_found()
        refuse_foreign_office(request.principal, Action.ACCEPT_IMPORT, record.job.office)
        if record.ended_at is None:
            raise problems.import_goes_on()
        accepted = await _accept(work, await store.unaccepted_of(work.connection, job, AT_ONCE))
        left = await store.count_unaccepted(work.connection, job)
        return Answer(200, {"import_id": str(job), "accepted": len(accepted), "remaining": left})

    return await execute(pool, request, decide)


async def accept_session(pool: Pool, request: Request, session_id: UUID, seen: int) -> Answer:
    """Accepts one imported session as it was seen: 200, also if it was accepted before.

    Raises a Problem: 404 (also another office's), 403, 409 (taken back), 412 (changed since).
    """

    async def decide(work: Work) -> Answer:
        found = await store.lock_sessions(work.connection, [session_id])
        if not found:
            raise problems.session_not_found()
        session = found[0]
        refuse_foreign_office(request.principal, Action.ACCEPT_IMPORT, session.state.office)
        if session.standing.revision != seen:
            raise stale(seen, session.standing.revision)
        if session.standing.state not in HELD:
            raise problems.not_in_this_state(session.standing.state)
        [standing] = await _accept(work, [session_id]) or [session.standing]
        return Answer(200, {"id": str(session_id), "revision": standing.revision, "version": standing.version})

    return await execute(pool, request, decide)


async def _accept(work: Work, ids: Sequence[UUID]) -> list[Standing]:
    """Accepts those that are not yet, once they are locked; returns where they stand now."""
    locked = await store.lock_sessions(work.connection, ids)
    waiting = [session for session in locked if not session.state.accepted and session.standing.state in HELD]
    standings = [_accepted(session) for session in waiting]
    if not waiting:
        return []
    await store.accept_sessions(work.connection, [session.state.id for session in waiting])
    await _remember(work, waiting, standings)
    for session, standing in zip(waiting, standings, strict=True):
        work.tell(
            SessionAccepted,
            aggregate_id=str(session.state.id),
            version=standing.version,
            office=session.state.office,
            state=session.state.model_copy(update={"accepted": True}),
            changed=["accepted"],
        )
    return standings


def _accepted(session: Session) -> Standing:
    standing = session.standing.after(Deed.ACCEPT, told=True)
    if standing is None:
        raise ValueError(f"{session.standing.state} cannot be accepted")
    return standing


async def _remember(work: Work, sessions: Sequence[Session], standings: Sequence[Standing]) -> None:
    changes = [{"field": "accepted", "before": False, "after": True}]
    who, now = work.request.principal.subject, work.request.now
    told = {
        session.state.id: history.Change(standing.revision, Deed.ACCEPT, who, now, None, changes)
        for session, standing in zip(sessions, standings, strict=True)
    }
    await history.write_changes(work.connection, sessions[0].state.office, told)
