"""Sessions are planned and recorded: both take the consultants' time from the moment of the answer."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

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
from services.mentoring.domain import SessionDraft, are_provisional, calendar_faults, problems, session_faults
from services.mentoring.domain.lifecycle import State
from services.mentoring.store import consultants as consultants_store
from services.mentoring.store import sessions as store
from services.mentoring.store.recordings import (
    Asked,
    Claimed,
    Recording,
    claim_sessions,
    place_sessions,
)
from shared import failpoint
from shared.auth.policy import Action
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
from shared.contracts.mentoring import SessionBusiness, SessionCompleted, SessionScheduled
from shared.http.problem import Problem
from shared.ids import new_id
from shared.postgres import Pool

_BEGUN_BY = {State.COMPLETED: Action.COMPLETE_SESSION, State.SCHEDULED: Action.SCHEDULE_SESSION}
_TOLD_AS: Mapping[State, type[SessionCompleted] | type[SessionScheduled]] = {
    State.COMPLETED: SessionCompleted,
    State.SCHEDULED: SessionScheduled,
}


class Sessions:
    """Records and plans sessions. Those that come while others are written share a transaction (decision 0031)."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._company = Company[Asked](partial(begin_plainly, pool), _keys_of)

    async def complete(self, request: Request, draft: SessionDraft) -> Answer:
        """Records a session that was held; answers 201 with id, revision, version and whether it is provisional.

        Raises Problem 403 (another office, or a consultant who did not take part), 422 (fields) or 409 (the calendar).
        """
        return await self._begin(Asked(request, new_id(), draft, State.COMPLETED))

    async def schedule(self, request: Request, draft: SessionDraft) -> Answer:
        """Plans a session, today or later; it holds its consultants' time. Answers and raises as `complete`."""
        return await self._begin(Asked(request, new_id(), draft, State.SCHEDULED))

    async def _begin(self, asked: Asked) -> Answer:
        refuse_foreign_office(asked.request.principal, _BEGUN_BY[asked.begun], asked.draft.office)
        answer = await self._company.accept(asked)
        return answer or await execute(self._pool, asked.request, beginning(asked))


async def begin_plainly(pool: Pool, asked: Sequence[Asked]) -> list[Answer | None]:
    """Begins those of the sessions that are plainly right, in one transaction: 201.

    None for the others: they are for `beginning`. No two may share a key or a consultant. Raises what `accept_at_once`
    raises.
    """

    async def begin(connection: Any, traceparents: Sequence[str | None]) -> list[Decided]:  # noqa: ANN401
        async with connection.transaction():
            claimed = await claim_sessions(connection, asked)
            right = {
                place: recording
                for place, one in enumerate(asked)
                if place not in claimed.answers and (recording := _recording(one, claimed)) is not None
            }
            placed = await place_sessions(connection, list(right.values()), [traceparents[each] for each in right])
            await failpoint.point("api.before_commit")
        accepted = [right[place].proposal.answer if one.id in placed else None for place, one in enumerate(asked)]
        return [Decided(answer, claimed.answers.get(place)) for place, answer in enumerate(accepted)]

    return await accept_at_once(pool, [one.request for one in asked], begin)


def _keys_of(asked: Asked) -> set[Any]:
    """No two that are begun together may share a key, or a consultant: his calendar is asked for once."""
    return {(asked.request.principal.subject, asked.request.key), *asked.draft.consultants}


def _recording(asked: Asked, claimed: Claimed) -> Recording | None:
    """Returns what becomes of a session, or None where something is wrong with it, or a business has no copy yet.

    It sees what its own principal's scope shows, though others share the transaction.
    """
    draft, scope = asked.draft, asked.request.principal.offices
    known = Known(
        {id_: each for id_, each in claimed.consultants.items() if each.office in scope},
        claimed.opening_days,
        claimed.businesses,
    )
    if not claimed.businesses.keys() >= set(draft.businesses):
        return None
    try:
        _refuse_unsound(asked, known)
        problems.refuse_busy(calendar_faults(draft, claimed.calendar))
    except Problem:
        return None
    businesses = _met(draft, known)
    event = event_of(asked.request, _TOLD_AS[asked.begun], **_told(asked, businesses))
    return Recording(asked, Proposal(asked.request, event, _answer(asked, businesses)), businesses)


def beginning(asked: Asked) -> Decide:
    """Returns what begins one session, whatever is to be decided or refused about it."""

    async def decide(work: Work) -> Answer:
        draft = asked.draft
        known = await lock_known(work.connection, draft)
        _refuse_unsound(asked, known)
        calendar = await consultants_store.calendar_around(work.connection, draft.consultants, draft.occupation.day)
        problems.refuse_busy(calendar_faults(draft, calendar))
        businesses = _met(draft, known)
        await store.insert_session(
            work.connection,
            asked.id,
            draft,
            state=asked.begun,
            provisional=are_provisional(businesses),
            recorded_by=work.request.principal.subject,
            recorded_at=work.request.now,
        )
        work.tell(_TOLD_AS[asked.begun], **_told(asked, businesses))
        return _answer(asked, businesses)

    return decide


def _refuse_unsound(asked: Asked, known: Known) -> None:
    """Raises a Problem: 422 for fields or texts, 403 for a consultant who did not take part."""
    draft = asked.draft
    faults = session_faults(
        draft,
        now=asked.request.now,
        opened_on=known.opening_days.get(draft.office),
        consultants=known.consultants,
        businesses=known.businesses,
        planned=asked.begun is State.SCHEDULED,
    )
    problems.refuse_faults([*faults, *faults_of_texts(texts_of(draft))], "session-invalid", "Data sesi belum benar")
    staff = staff_of(draft.consultants, known.consultants)
    refuse_strangers(asked.request.principal, _BEGUN_BY[asked.begun], staff)


def _met(draft: SessionDraft, known: Known) -> list[SessionBusiness]:
    return [met(known.businesses[each]) for each in draft.businesses]


def _told(asked: Asked, businesses: Sequence[SessionBusiness]) -> dict[str, Any]:
    return {
        "aggregate_id": str(asked.id),
        "version": 1,
        "office": asked.draft.office,
        "state": state_of(asked.id, asked.draft, businesses, state=asked.begun),
    }


def _answer(asked: Asked, businesses: Sequence[SessionBusiness]) -> Answer:
    answer = {"id": str(asked.id), "revision": 1, "version": 1, "provisional": are_provisional(businesses)}
    return Answer(201, warned(answer, texts_of(asked.draft)))
