"""What can be done in mentoring, one function per use case: lock, rule, save, tell — in one transaction."""

from collections.abc import Sequence
from uuid import UUID

from services.mentoring import domain, store
from services.mentoring.domain import Business, NewConsultant, SessionDraft
from shared.auth.policy import Action, may
from shared.auth.principal import Principal, Role
from shared.commands import Answer, Request, Work, execute
from shared.contracts.mentoring import (
    ConsultantRegistered,
    ConsultantState,
    SessionBusiness,
    SessionCompleted,
    SessionState,
)
from shared.http.problem import FieldProblem, Problem
from shared.ids import new_id
from shared.postgres import Pool


async def register_consultant(pool: Pool, request: Request, new: NewConsultant) -> Answer:
    """Registers a consultant of an office; answers 201 with id, revision and version.

    Raises Problem 403 (another office), 422 (fields) or 409 (the office has a consultant with this login).
    """
    _refuse_foreign_office(request.principal, Action.REGISTER_CONSULTANT, new.office)
    _refuse_faults(domain.consultant_faults(new), "consultant-invalid", "Data konsultan belum benar")
    consultant_id = new_id()

    async def decide(work: Work) -> Answer:
        if not await store.insert_consultant(work.connection, consultant_id, new):
            raise _consultant_exists(new)
        state = ConsultantState(
            id=consultant_id,
            office=new.office,
            staff=new.staff,
            fields=list(new.fields),
            active_from=new.active_from,
            active_until=new.active_until,
        )
        work.tell(ConsultantRegistered, aggregate_id=str(consultant_id), version=1, office=new.office, state=state)
        return Answer(201, {"id": str(consultant_id), "revision": 1, "version": 1})

    return await execute(pool, request, decide)


async def complete_session(pool: Pool, request: Request, draft: SessionDraft) -> Answer:
    """Records a session that was held; answers 201 with id, revision, version and whether it is provisional.

    Raises Problem 403 (another office, or a consultant who did not take part), 422 (fields) or 409 (the calendar).
    """
    _refuse_foreign_office(request.principal, Action.COMPLETE_SESSION, draft.office)
    session_id = new_id()

    async def decide(work: Work) -> Answer:
        businesses = await _lock_and_judge(work, draft)
        provisional = not all(business.known for business in businesses)
        await store.insert_session(
            work.connection,
            session_id,
            draft,
            provisional=provisional,
            recorded_by=request.principal.subject,
            recorded_at=request.now,
        )
        state = _completed(session_id, draft, businesses)
        work.tell(SessionCompleted, aggregate_id=str(session_id), version=1, office=draft.office, state=state)
        return Answer(201, {"id": str(session_id), "revision": 1, "version": 1, "provisional": provisional})

    return await execute(pool, request, decide)


async def _lock_and_judge(work: Work, draft: SessionDraft) -> list[Business]:
    """Locks consultants and then businesses, both sorted; returns the businesses in the session's order."""
    consultants, opening_days = await store.lock_consultants(work.connection, draft.consultants)
    businesses = await store.lock_businesses(work.connection, list(set(draft.businesses)))
    _refuse_faults(
        domain.session_faults(
            draft,
            now=work.request.now,
            opened_on=opening_days.get(draft.office),
            consultants=consultants,
            businesses=businesses,
        ),
        "session-invalid",
        "Data sesi belum benar",
    )
    principal = work.request.principal
    if not principal.has(Role.OFFICE_HEAD) and not domain.takes_part(principal.subject, draft, consultants):
        raise _not_his_session()
    calendar = await store.calendar_around(work.connection, draft.consultants, draft.occupation.day)
    _refuse_busy(domain.calendar_faults(draft, calendar))
    return [businesses[each] for each in draft.businesses]


def _completed(session_id: UUID, draft: SessionDraft, businesses: Sequence[Business]) -> SessionState:
    held = draft.occupation
    return SessionState(
        id=session_id,
        office=draft.office,
        day=held.day,
        start=held.start,
        contact_minutes=held.contact_minutes,
        preparation_minutes=held.preparation_minutes,
        travel_minutes=held.travel_minutes,
        consultants=list(draft.consultants),
        businesses=[
            SessionBusiness(
                id=business.id,
                known=business.known,
                kinds=list(business.kinds),
                kelurahan=business.kelurahan,
                home_office=business.home_office,
            )
            for business in businesses
        ],
        field=draft.field,
        service=draft.service,
        channel=draft.channel,
        state="completed",
        confirmable_version=1,
    )


def _refuse_foreign_office(principal: Principal, action: Action, office: str) -> None:
    if not may(principal, action, office):
        raise Problem(
            403,
            "office-forbidden",
            "Bukan kantor Anda",
            f"Anda tidak berwenang mencatat untuk kantor {office}.",
            cure="Pakai kode kantor Anda sendiri, atau masuk dengan akun kantor itu.",
        )


def _refuse_faults(faults: Sequence[FieldProblem], kind: str, title: str) -> None:
    if faults:
        raise Problem(422, kind, title, faults[0].message, cure=faults[0].cure, errors=faults)


def _refuse_busy(faults: Sequence[FieldProblem]) -> None:
    if faults:
        raise Problem(
            409,
            "consultant-busy",
            "Jadwal konsultan bertumpukan",
            faults[0].message,
            cure=faults[0].cure,
            errors=faults,
        )


def _not_his_session() -> Problem:
    return Problem(
        403,
        "not-own-session",
        "Bukan sesi Anda",
        "Konsultan hanya dapat mencatat sesi yang ia ikuti.",
        cure="Sertakan diri Anda di antara konsultan sesi ini, atau minta kepala kantor mencatatnya.",
    )


def _consultant_exists(new: NewConsultant) -> Problem:
    return Problem(
        409,
        "consultant-exists",
        "Konsultan sudah terdaftar",
        f"Kantor {new.office} sudah punya konsultan dengan ID masuk ini.",
        cure="Cari konsultan itu di daftar konsultan, atau periksa ID masuknya.",
        errors=[FieldProblem("staff", "ID masuk ini sudah dipakai di kantor ini.", "Periksa ID masuknya.")],
    )
