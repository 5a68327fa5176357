"""Sessions are planned and recorded: both take the consultants' time from the moment of the answer."""

from uuid import UUID

from services.mentoring.commands.judgement import (
    Known,
    faults_of_texts,
    lock_known,
    met,
    refuse_foreign_office,
    refuse_strangers,
    staff_of,
    state_of,
    texts_of,
    warned,
)
from services.mentoring.domain import SessionDraft, calendar_faults, problems, session_faults
from services.mentoring.domain.lifecycle import State
from services.mentoring.store import consultants as consultants_store
from services.mentoring.store import sessions as store
from shared.auth.policy import Action
from shared.commands import Answer, Request, Work, execute
from shared.contracts.mentoring import SessionCompleted, SessionScheduled
from shared.ids import new_id
from shared.postgres import Pool


async def complete_session(pool: Pool, request: Request, draft: SessionDraft) -> Answer:
    """Records a session that was held; answers 201 with id, revision, version and whether it is provisional.

    Raises Problem 403 (another office, or a consultant who did not take part), 422 (fields) or 409 (the calendar).
    """
    return await _begin(pool, request, draft, State.COMPLETED)


async def schedule_session(pool: Pool, request: Request, draft: SessionDraft) -> Answer:
    """Plans a session, today or later; it holds its consultants' time. Answers and raises as `complete_session`."""
    return await _begin(pool, request, draft, State.SCHEDULED)


async def _begin(pool: Pool, request: Request, draft: SessionDraft, begun: State) -> Answer:
    planned = begun is State.SCHEDULED
    action = Action.SCHEDULE_SESSION if planned else Action.COMPLETE_SESSION
    refuse_foreign_office(request.principal, action, draft.office)
    session_id = new_id()

    async def decide(work: Work) -> Answer:
        known = await lock_known(work.connection, draft)
        _refuse_unsound(work, draft, known, planned=planned)
        refuse_strangers(request.principal, action, staff_of(draft.consultants, known.consultants))
        calendar = await consultants_store.calendar_around(work.connection, draft.consultants, draft.occupation.day)
        problems.refuse_busy(calendar_faults(draft, calendar))
        return await _save(work, session_id, draft, known, begun)

    return await execute(pool, request, decide)


def _refuse_unsound(work: Work, draft: SessionDraft, known: Known, *, planned: bool) -> None:
    faults = session_faults(
        draft,
        now=work.request.now,
        opened_on=known.opening_days.get(draft.office),
        consultants=known.consultants,
        businesses=known.businesses,
        planned=planned,
    )
    problems.refuse_faults([*faults, *faults_of_texts(texts_of(draft))], "session-invalid", "Data sesi belum benar")


async def _save(work: Work, session_id: UUID, draft: SessionDraft, known: Known, begun: State) -> Answer:
    businesses = [met(known.businesses[each]) for each in draft.businesses]
    provisional = not all(business.known for business in businesses)
    await store.insert_session(
        work.connection,
        session_id,
        draft,
        state=begun,
        provisional=provisional,
        recorded_by=work.request.principal.subject,
        recorded_at=work.request.now,
    )
    work.tell(
        SessionScheduled if begun is State.SCHEDULED else SessionCompleted,
        aggregate_id=str(session_id),
        version=1,
        office=draft.office,
        state=state_of(session_id, draft, businesses, state=begun),
    )
    answer = {"id": str(session_id), "revision": 1, "version": 1, "provisional": provisional}
    return Answer(201, warned(answer, texts_of(draft)))
