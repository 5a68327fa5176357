"""Consultants are registered and changed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.mentoring.commands.judgement import refuse_foreign_office
from services.mentoring.domain import ConsultantChange, NewConsultant, consultant_faults, problems
from services.mentoring.domain.consultants import period_faults
from services.mentoring.store import consultants as store
from shared.auth.policy import Action
from shared.commands import Answer, Request, Work, execute
from shared.contracts.mentoring import ConsultantChanged, ConsultantRegistered, ConsultantState
from shared.http.problem import stale
from shared.ids import new_id
from shared.postgres import Pool

_INVALID = "consultant-invalid", "Data konsultan belum benar"
_PUBLIC = ("fields", "active_from", "active_until")  # the name stays here


async def register_consultant(pool: Pool, request: Request, new: NewConsultant) -> Answer:
    """Registers a consultant of an office; answers 201 with id, revision and version.

    Raises Problem 403 (another office), 422 (fields) or 409 (the office has a consultant with this login).
    """
    refuse_foreign_office(request.principal, Action.REGISTER_CONSULTANT, new.office)
    problems.refuse_faults(consultant_faults(new), *_INVALID)
    consultant_id = new_id()

    async def decide(work: Work) -> Answer:
        if not await store.insert_consultant(work.connection, consultant_id, new):
            raise problems.consultant_exists(new.office)
        work.tell(
            ConsultantRegistered,
            aggregate_id=str(consultant_id),
            version=1,
            office=new.office,
            state=_state(consultant_id, new),
        )
        return Answer(201, {"id": str(consultant_id), "revision": 1, "version": 1})

    return await execute(pool, request, decide)


async def change_consultant(
    pool: Pool, request: Request, consultant_id: UUID, seen: int, changes: Mapping[str, Any]
) -> Answer:
    """Changes name, fields or period over revision `seen`: 200. Only fields and period leave an event.

    Raises Problem 404 (also another office's), 412 (changed since) or 422 (fields, or a session outside the period).
    """

    async def decide(work: Work) -> Answer:
        before = await store.find_consultant(work.connection, consultant_id, locked=True)
        if before is None:
            raise problems.consultant_not_found()
        refuse_foreign_office(request.principal, Action.CHANGE_CONSULTANT, before["office"])
        if before["revision"] != seen:
            raise stale(seen, before["revision"])
        changed = [name for name, value in changes.items() if before[name] != value]
        if not changed:
            return _saved(consultant_id, before["revision"], before["version"])
        change = ConsultantChange(*({**before, **changes}[name] for name in ("name", *_PUBLIC)))
        after = change.of(before["office"], before["staff"])
        days = await store.days_of(work.connection, consultant_id)
        problems.refuse_faults([*consultant_faults(after), *period_faults(change, *days)], *_INVALID)
        public = [name for name in _PUBLIC if name in changed]
        revision, version = await store.update_consultant(work.connection, consultant_id, change, told=bool(public))
        if public:
            work.tell(
                ConsultantChanged,
                aggregate_id=str(consultant_id),
                version=version,
                office=after.office,
                state=_state(consultant_id, after),
                changed=public,
            )
        return _saved(consultant_id, revision, version)

    return await execute(pool, request, decide)


def _saved(consultant_id: UUID, revision: int, version: int) -> Answer:
    return Answer(200, {"id": str(consultant_id), "revision": revision, "version": version})


def _state(consultant_id: UUID, consultant: NewConsultant) -> ConsultantState:
    return ConsultantState(
        id=consultant_id,
        office=consultant.office,
        staff=consultant.staff,
        fields=list(consultant.fields),
        active_from=consultant.active_from,
        active_until=consultant.active_until,
    )
