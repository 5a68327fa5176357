"""What several use cases ask: may he, is it sound, does it fit — and what an event says of a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.mentoring.domain import Business, Consultant, SessionDraft, problems
from services.mentoring.domain.sessions import OCCUPATION, TEXTS
from services.mentoring.domain.texts import text_faults, text_warnings
from services.mentoring.store import consultants as consultants_store
from services.mentoring.store import copies
from shared.auth.policy import ALLOWED, Action, may
from shared.auth.principal import Principal, Role
from shared.contracts.mentoring import SessionBusiness, SessionState
from shared.http.problem import FieldProblem
from shared.postgres import Connection

_LINES = frozenset({"place", "reason"})


@dataclass(frozen=True, slots=True)
class Known:
    """What a rule must know of the world, all of it locked."""

    consultants: Mapping[UUID, Consultant]
    opening_days: Mapping[str, date]
    businesses: Mapping[UUID, Business]


async def lock_known(connection: Connection, draft: SessionDraft) -> Known:
    """Locks consultants and then businesses, both sorted."""
    consultants, opening_days = await consultants_store.lock_consultants(connection, draft.consultants)
    businesses = await copies.lock_businesses(connection, list(set(draft.businesses)))
    return Known(consultants, opening_days, businesses)


def refuse_foreign_office(principal: Principal, action: Action, office: str) -> None:
    """Raises a 403 Problem unless he may do it for the office."""
    if not may(principal, action, office):
        raise problems.foreign_office(office)


def refuse_strangers(principal: Principal, action: Action, staff: Sequence[str]) -> None:
    """Raises a 403 Problem unless he is a head, takes part, or is of the desk where the desk may do it."""
    desk = Role.FRONT_DESK in ALLOWED[action] and principal.has(Role.FRONT_DESK)
    if not desk and not principal.has(Role.OFFICE_HEAD) and principal.subject not in staff:
        raise problems.not_his_session()


def staff_of(consultants: Sequence[UUID], known: Mapping[UUID, Consultant]) -> list[str]:
    """Returns the logins of those consultants that are known."""
    return [known[each].staff for each in consultants if each in known]


def texts_of(draft: SessionDraft) -> dict[str, str | None]:
    return {name: getattr(draft, name) for name in TEXTS}


def faults_of_texts(texts: Mapping[str, str | None]) -> list[FieldProblem]:
    return list(text_faults(texts, lines=_LINES))


def warned(answer: dict[str, Any], texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Adds what is odd about the texts to an answer; nothing typed is repeated in it."""
    warnings = text_warnings(texts)
    if warnings:
        answer["warnings"] = [each.as_json() for each in warnings]
    return answer


def met(business: Business) -> SessionBusiness:
    """Returns a business as it is known now."""
    return SessionBusiness(
        id=business.id,
        known=business.known,
        kinds=list(business.kinds),
        kelurahan=business.kelurahan,
        home_office=business.home_office,
    )


def state_of(
    session_id: UUID,
    draft: SessionDraft,
    businesses: Sequence[SessionBusiness],
    *,
    state: str,
    confirmable_version: int = 1,
    imported: bool = False,
    accepted: bool = True,
) -> SessionState:
    """Returns what events say of a session; its texts stay here."""
    return SessionState(
        id=session_id,
        office=draft.office,
        **{name: getattr(draft.occupation, name) for name in OCCUPATION},
        consultants=list(draft.consultants),
        businesses=list(businesses),
        field=draft.field,
        service=draft.service,
        channel=draft.channel,
        follow_up_on=draft.follow_up_on,
        state=state,
        confirmable_version=confirmable_version,
        imported=imported,
        accepted=accepted,
    )
