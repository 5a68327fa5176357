"""One row of a sheet of past sessions: found out whom it means, judged, and written down to be accepted later."""

from collections.abc import Sequence
from uuid import UUID

from services.mentoring.commands.judgement import Known, lock_known, met, refuse_foreign_office, state_of
from services.mentoring.domain import SessionDraft, calendar_faults, session_faults
from services.mentoring.domain.lifecycle import State
from services.mentoring.domain.meaning import (
    Colleague,
    Recorded,
    Sameness,
    Unclear,
    choose_business,
    compare,
    find_consultants,
)
from services.mentoring.domain.sheet import LABELS, PastSession, RowFaulty, column_of, read_row
from services.mentoring.store import consultants as consultants_store
from services.mentoring.store import copies
from services.mentoring.store import sessions as store
from shared.auth.policy import Action
from shared.commands import Answer, Work
from shared.contracts.mentoring import SessionCompleted
from shared.http.problem import FieldProblem
from shared.ids import new_id
from shared.imports.commands import CREATED, execute_row
from shared.imports.importer import Entry
from shared.imports.rows import Remark, RowOutcome, RowStatus, Said
from shared.postgres import Pool

_COMPARE = (
    "Bandingkan dulu. Bila sesi lain, tulis baru di kolom Status; bila sama, tulis cocok di kolom Status dan ID sesi "
    "itu di kolom ID Sesi. Lalu unggah lagi lembar ini."
)


class _Settled(Exception):
    def __init__(self, outcome: RowOutcome) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome


async def import_session(pool: Pool, entry: Entry, colleagues: Sequence[Colleague]) -> RowOutcome:
    """Writes down what a row says as a session that was held and is not accepted yet; a dry run leaves nothing.

    Nobody is asked about it. `colleagues` are the office's consultants, by whose names the row is understood.
    Raises a 403 Problem if the uploader may not, and what `execute_row` raises.
    """
    refuse_foreign_office(entry.job.principal, Action.IMPORT_SESSIONS, entry.job.office)
    try:
        past = read_row(entry.row.cells)
        consultants = find_consultants(past.consultants, colleagues)

        async def decide(work: Work) -> Answer:
            draft = _draft(entry.job.office, past, consultants, await _businesses(work, past))
            return await _write(work, entry, draft)

        answer = await execute_row(pool, entry, decide)
    except RowFaulty as faulty:
        return _rejected(faulty.faults)
    except Unclear as unclear:
        return _unclear(unclear)
    except _Settled as settled:
        return settled.outcome
    return RowOutcome(RowStatus.CREATED, subject=UUID(answer.body["id"]))


async def _businesses(work: Work, past: PastSession) -> list[UUID]:
    """Raises Unclear for a name that means none or several, and settles the row for an id that is unknown here."""
    ids = [each for each in past.businesses if isinstance(each, UUID)]
    names = [each for each in past.businesses if isinstance(each, str)]
    if set(ids) - await copies.known_businesses(work.connection, ids):
        fault = FieldProblem(
            "business_ids",
            "ID Usaha ini belum dikenal di sini.",
            "Periksa ID-nya di daftar usaha; usaha yang baru saja didaftarkan sampai dalam beberapa detik.",
        )
        raise _Settled(_rejected([fault]))
    called = await copies.businesses_called(work.connection, names) if names else {}
    day = past.occupation.day
    return list(dict.fromkeys([*ids, *(choose_business(called[name], past.kelurahan, day) for name in names)]))


def _draft(office: str, past: PastSession, consultants: Sequence[UUID], businesses: Sequence[UUID]) -> SessionDraft:
    return SessionDraft(
        office,
        past.occupation,
        consultants,
        businesses,
        past.field,
        past.service,
        past.channel,
        past.place,
        past.outcome,
        past.follow_up,
        past.follow_up_on,
    )


async def _write(work: Work, entry: Entry, draft: SessionDraft) -> Answer:
    connection, day = work.connection, draft.occupation.day
    known = await lock_known(connection, draft)
    _settle_unsound(work, draft, known)
    _settle_known(draft, await store.recorded_on(connection, draft.office, day, draft.businesses), entry.row.said)
    calendar = await consultants_store.calendar_around(connection, draft.consultants, day)
    _settle_busy(calendar_faults(draft, calendar))
    return await _save(work, entry, draft, known)


def _settle_unsound(work: Work, draft: SessionDraft, known: Known) -> None:
    faults = session_faults(
        draft,
        now=work.request.now,
        opened_on=known.opening_days.get(draft.office),
        consultants=known.consultants,
        businesses=known.businesses,
    )
    if faults:
        raise _Settled(_rejected(faults))


def _settle_known(draft: SessionDraft, recorded: Sequence[Recorded], said: Said) -> None:
    """Ends a row that is a session of ours already, or may be one, unless its office has seen it and said otherwise."""
    if said.same_as is not None:
        raise _Settled(_same_as(said.same_as, recorded))
    found = {each.id: compare(draft, each) for each in recorded if each.id not in said.seen}
    for session, sameness in found.items():
        if sameness is Sameness.SAME:
            raise _Settled(RowOutcome(RowStatus.MATCHED, (Remark("Sesi ini sudah tercatat."),), session))
    alike = [str(session) for session, sameness in found.items() if sameness is Sameness.ALIKE]
    if alike:
        message = f"Hari itu sudah ada sesi dengan usaha ini: {', '.join(alike[:5])}."
        raise _Settled(RowOutcome(RowStatus.POSSIBLE_DUPLICATE, (Remark(message, _COMPARE),)))


def _same_as(session: UUID, recorded: Sequence[Recorded]) -> RowOutcome:
    if session in {each.id for each in recorded}:
        return RowOutcome(RowStatus.MATCHED, (Remark("Sama dengan sesi itu, menurut kantor."),), session)
    remark = Remark("ID Sesi itu bukan sesi kantor ini pada hari itu dengan usaha itu.", "Periksa ID Sesi.")
    return RowOutcome(RowStatus.REJECTED, (remark,))


def _settle_busy(clashes: Sequence[FieldProblem]) -> None:
    """Two sessions cannot be at one time, of past years neither; but which of them is wrong, only the office knows."""
    if clashes:
        remarks = [Remark(clash.message, clash.cure or "", "start") for clash in clashes]
        raise _Settled(RowOutcome(RowStatus.POSSIBLE_DUPLICATE, tuple(dict.fromkeys(remarks))))


async def _save(work: Work, entry: Entry, draft: SessionDraft, known: Known) -> Answer:
    session_id = new_id()
    businesses = [met(known.businesses[each]) for each in draft.businesses]
    await store.insert_session(
        work.connection,
        session_id,
        draft,
        state=State.COMPLETED,
        provisional=False,
        recorded_by=work.request.principal.subject,
        recorded_at=work.request.now,
        import_job=entry.job.id,
    )
    work.tell(
        SessionCompleted,
        aggregate_id=str(session_id),
        version=1,
        office=draft.office,
        state=state_of(session_id, draft, businesses, state=State.COMPLETED, imported=True, accepted=False),
    )
    return Answer(CREATED, {"id": str(session_id), "revision": 1, "version": 1})


def _rejected(faults: Sequence[FieldProblem]) -> RowOutcome:
    return RowOutcome(RowStatus.REJECTED, tuple(map(_remark, faults)))


def _unclear(unclear: Unclear) -> RowOutcome:
    status = RowStatus.POSSIBLE_DUPLICATE if unclear.decide else RowStatus.REJECTED
    return RowOutcome(status, (_remark(unclear.fault),))


def _remark(fault: FieldProblem) -> Remark:
    """What was said of a field as said of its column, by the label that the template gives it."""
    column = column_of(fault.field)
    message = fault.message if column is None else f"{LABELS[column]}: {fault.message}"
    return Remark(message, fault.cure or "", column)
