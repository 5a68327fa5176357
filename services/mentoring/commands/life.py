"""What is done to a session that stands: completed, corrected, cancelled, missed — each over a seen revision.

Locks, in this order always: the consultants, sorted; the copies of the businesses, sorted; the session's row. What was
read before the row's lock is good if the revision is still the one seen, for every edit raises it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any
from uuid import UUID

from services.mentoring.commands.judgement import (
    Known,
    faults_of_texts,
    met,
    refuse_foreign_office,
    refuse_strangers,
    staff_of,
    state_of,
    texts_of,
    warned,
)
from services.mentoring.domain import SessionDraft, are_provisional, calendar_faults, problems, session_faults
from services.mentoring.domain.lifecycle import Deed, Standing, State, correction
from services.mentoring.domain.sessions import OCCUPATION
from services.mentoring.store import consultants as consultants_store
from services.mentoring.store import copies, history
from services.mentoring.store import sessions as store
from shared.auth.policy import Action
from shared.auth.principal import Role
from shared.clock import business_day
from shared.commands import Answer, Request, Work, execute
from shared.contracts.mentoring import (
    SessionBusiness,
    SessionCancelled,
    SessionCompleted,
    SessionCorrected,
    SessionState,
)
from shared.http.problem import stale
from shared.postgres import Pool

_Told = type[SessionCompleted | SessionCorrected | SessionCancelled]
_TIMES = frozenset({*OCCUPATION, "consultants"})
_JUDGED = frozenset({*_TIMES, "businesses", "follow_up_on"})


@dataclass(frozen=True, slots=True)
class _Edit:
    """One deed on a locked session: how it stood, and what its content is to be."""

    deed: Deed
    before: store.Session
    draft: SessionDraft
    changed: Collection[str]
    known: Known
    reason: str | None

    @property
    def completes(self) -> bool:
        return self.deed is Deed.COMPLETE


async def complete_plan(
    pool: Pool, request: Request, session_id: UUID, seen: int, changes: Mapping[str, Any]
) -> Answer:
    """Records that a planned session was held, with what came otherwise than planned: 200.

    Raises Problem 403, 404 (also another office's), 409 (no plan, or the calendar), 412 (changed since), 422 (fields).
    """
    return await _change(pool, request, Action.COMPLETE_SESSION, session_id, seen, changes, None)


async def correct_session(
    pool: Pool, request: Request, session_id: UUID, seen: int, changes: Mapping[str, Any], reason: str | None
) -> Answer:
    """Corrects a plan or a record: 200. What no event carries raises the revision alone.

    Another day, place, business or number of minutes asks the clients anew. Raises as `complete_plan`.
    """
    problems.refuse_missing_reason(reason)
    return await _change(pool, request, Action.CORRECT_SESSION, session_id, seen, changes, reason)


async def cancel_session(pool: Pool, request: Request, session_id: UUID, seen: int, reason: str | None) -> Answer:
    """Cancels a plan, or takes back what was recorded: 200. Its time is free again.

    Raises Problem 403 (a record, by the desk), 404, 409 (over already), 412, 422.
    """
    problems.refuse_missing_reason(reason)

    async def decide(work: Work) -> Answer:
        session = await _lock_alone(work, Action.CANCEL_SESSION, session_id, seen)
        principal = work.request.principal
        if session.standing.state is not State.SCHEDULED:
            if not principal.has(Role.OFFICE_HEAD, Role.CONSULTANT):
                raise problems.desk_cancels_plans_only()
            refuse_strangers(principal, Action.COMPLETE_SESSION, session.staff)
        return await _end(work, session, Deed.CANCEL, reason)

    return await execute(pool, request, decide)


async def mark_no_show(pool: Pool, request: Request, session_id: UUID, seen: int, reason: str | None) -> Answer:
    """Says that the client of a plan did not come: 200. Its time is free again.

    Raises Problem 403, 404, 409 (no plan, or its day is ahead), 412, 422.
    """

    async def decide(work: Work) -> Answer:
        session = await _lock_alone(work, Action.MARK_NO_SHOW, session_id, seen)
        if session.standing.state is State.SCHEDULED and session.state.day > business_day(work.request.now):
            raise problems.not_yet(session.state.day)
        return await _end(work, session, Deed.MISS, reason)

    return await execute(pool, request, decide)


async def _change(
    pool: Pool,
    request: Request,
    action: Action,
    session_id: UUID,
    seen: int,
    changes: Mapping[str, Any],
    reason: str | None,
) -> Answer:
    async def decide(work: Work) -> Answer:
        session, known = await _lock_all(work, action, session_id, seen, changes)
        edit = _edit(action, session, known, changes, reason)
        standing = session.standing.after(edit.deed, told=True)
        if standing is None:
            raise problems.not_in_this_state(session.standing.state)
        if not edit.completes and not edit.changed:
            return _answer(session.state, session.standing)
        refuse_strangers(request.principal, action, staff_of(edit.draft.consultants, known.consultants))
        await _refuse_unsound(work, edit)
        return await _save(work, edit, standing)

    return await execute(pool, request, decide)


async def _lock_all(
    work: Work, action: Action, session_id: UUID, seen: int, changes: Mapping[str, Any]
) -> tuple[store.Session, Known]:
    read = _fresh(await store.read_sessions(work.connection, [session_id]), seen)
    wanted = read.draft.revised(changes)
    consultants = sorted({*read.draft.consultants, *wanted.consultants})
    known = Known(
        *await consultants_store.lock_consultants(work.connection, consultants),
        await copies.lock_businesses(work.connection, list(set(wanted.businesses))),
    )
    return await _lock_alone(work, action, session_id, seen), known


async def _lock_alone(work: Work, action: Action, session_id: UUID, seen: int) -> store.Session:
    session = _fresh(await store.lock_sessions(work.connection, [session_id]), seen)
    refuse_foreign_office(work.request.principal, action, session.state.office)
    refuse_strangers(work.request.principal, action, session.staff)
    return session


def _fresh(found: Sequence[store.Session], seen: int) -> store.Session:
    if not found:
        raise problems.session_not_found()
    if found[0].standing.revision != seen:
        raise stale(seen, found[0].standing.revision)
    return found[0]


def _edit(
    action: Action, session: store.Session, known: Known, changes: Mapping[str, Any], reason: str | None
) -> _Edit:
    draft = session.draft.revised(changes)
    before, after = session.draft.content(), draft.content()
    changed = [name for name in after if after[name] != before[name]]
    completes = action is Action.COMPLETE_SESSION
    deed = Deed.COMPLETE if completes else correction(session.standing.state, changed)
    return _Edit(deed, session, draft, changed, known, reason)


async def _refuse_unsound(work: Work, edit: _Edit) -> None:
    texts = {name: text for name, text in texts_of(edit.draft).items() if name in edit.changed}
    texts["reason"] = edit.reason
    problems.refuse_faults([*_faults(work, edit), *faults_of_texts(texts)], "session-invalid", "Data sesi belum benar")
    if edit.completes or not _TIMES.isdisjoint(edit.changed):
        calendar = await consultants_store.calendar_around(
            work.connection, edit.draft.consultants, edit.draft.occupation.day, edit.before.state.id
        )
        problems.refuse_busy(calendar_faults(edit.draft, calendar))


def _faults(work: Work, edit: _Edit) -> list[Any]:
    """Judges what was changed: a plan whose day is past, or whose business was closed, may still be annotated."""
    if not edit.completes and _JUDGED.isdisjoint(edit.changed):
        return []
    day_stays = not edit.completes and "day" not in edit.changed
    faults = session_faults(
        edit.draft,
        now=work.request.now,
        opened_on=edit.known.opening_days.get(edit.draft.office),
        consultants=edit.known.consultants,
        businesses=edit.known.businesses,
        planned=edit.before.standing.state is State.SCHEDULED and not edit.completes,
        kept=edit.before.draft.businesses if day_stays else (),
    )
    return [fault for fault in faults if not (day_stays and fault.field == "day")]


async def _save(work: Work, edit: _Edit, standing: Standing) -> Answer:
    session = edit.before
    state = state_of(
        session.state.id,
        edit.draft,
        _businesses(edit),
        state=standing.state,
        confirmable_version=standing.confirmable_version,
        imported=session.state.imported,
        accepted=session.state.accepted,
    )
    told = _public_changes(session.state, state)
    if not told:
        standing = replace(standing, version=session.standing.version)
    asked_anew = standing.confirmable_version != session.standing.confirmable_version
    asked = (edit.completes or asked_anew) and not state.imported
    connection, now = work.connection, work.request.now
    await store.update_session(connection, edit.draft, state, standing, asked_at=now if asked else None)
    if {"day", "consultants"} & set(edit.changed):
        await store.replace_consultants(connection, state.id, edit.draft)
    if state.businesses != session.state.businesses:
        await store.replace_businesses(connection, state)
    await _remember(work, edit, standing)
    if told:
        _tell(work, SessionCompleted if edit.completes else SessionCorrected, state, standing, told)
    return _answer(state, standing, {**texts_of(edit.draft), "reason": edit.reason})


def _businesses(edit: _Edit) -> list[SessionBusiness]:
    """What was known stays, but for a plan that is held now; attestations go with what they attested."""
    if edit.completes:
        return [met(edit.known.businesses[each]) for each in edit.draft.businesses]
    held = {business.id: business for business in edit.before.state.businesses}
    if edit.deed is Deed.RESTATE:
        held = {each: business.model_copy(update={"attested": False}) for each, business in held.items()}
    return [held.get(each) or met(edit.known.businesses[each]) for each in edit.draft.businesses]


async def _end(work: Work, session: store.Session, deed: Deed, reason: str | None) -> Answer:
    standing = session.standing.after(deed, told=True)
    if standing is None:
        raise problems.not_in_this_state(session.standing.state)
    problems.refuse_faults(faults_of_texts({"reason": reason}), "session-invalid", "Data sesi belum benar")
    state = session.state.model_copy(update={"state": str(standing.state)})
    await store.update_session(work.connection, session.draft, state, standing, asked_at=None)
    await _remember(work, _Edit(deed, session, session.draft, (), Known({}, {}, {}), reason), standing)
    _tell(work, SessionCancelled, state, standing, ["state"])
    return _answer(state, standing, {"reason": reason})


async def _remember(work: Work, edit: _Edit, standing: Standing) -> None:
    request, before = work.request, edit.before
    contents = before.draft.content(), edit.draft.content()
    lives = _life(before.standing), _life(standing)
    names = [*edit.changed, *(name for name in lives[0] if lives[0][name] != lives[1][name])]
    old, new = (content | life for content, life in zip(contents, lives, strict=True))
    changes = [{"field": name, "before": _plain(old[name]), "after": _plain(new[name])} for name in names]
    change = history.Change(standing.revision, edit.deed, request.principal.subject, request.now, edit.reason, changes)
    await history.write_change(work.connection, before.state.id, before.state.office, change)


def _life(standing: Standing) -> dict[str, Any]:
    return {"state": standing.state, "confirmable_version": standing.confirmable_version}


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever a session is made of
    """Returns a value as JSON writes it."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, UUID) else value


def _public_changes(before: SessionState, after: SessionState) -> list[str]:
    return [name for name in SessionState.model_fields if getattr(before, name) != getattr(after, name)]


def _tell(work: Work, event: _Told, state: SessionState, standing: Standing, changed: Sequence[str]) -> None:
    work.tell(
        event,
        aggregate_id=str(state.id),
        version=standing.version,
        office=state.office,
        state=state,
        changed=changed,
    )


def _answer(state: SessionState, standing: Standing, texts: Mapping[str, str | None] | None = None) -> Answer:
    answer = {
        "id": str(state.id),
        "revision": standing.revision,
        "version": standing.version,
        "state": str(standing.state),
        "confirmable_version": standing.confirmable_version,
        "provisional": are_provisional(state.businesses),
    }
    return Answer(200, warned(answer, texts or {}))
