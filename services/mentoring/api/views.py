"""What is shown of a session. Its notes are for those who mentor: its consultants and their head (domain.md §2.8)."""

from datetime import date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.mentoring.domain import is_overdue
from services.mentoring.store.history import Change
from services.mentoring.store.sessions import Session, Today
from shared.auth.principal import Principal, Role
from shared.http.wiring import Warned

_NOTES = frozenset({"outcome", "follow_up"})


class Begun(BaseModel):
    """`provisional`: a business of it is not known here yet."""

    id: UUID
    revision: int
    version: int
    provisional: bool
    warnings: list[Warned] = []


class Edited(Begun):
    """A session after a deed; its clients are asked about `confirmable_version`."""

    state: str
    confirmable_version: int


class Accepted(BaseModel):
    """An imported session that counts now."""

    id: UUID
    revision: int
    version: int


class SessionBusinessView(BaseModel):
    """`trade_name`, `status`, `closed_on` and `current_home_office` are today's, the rest as the session knew it."""

    id: UUID
    known: bool
    trade_name: str | None
    kinds: list[str]
    kelurahan: str | None
    home_office: str | None
    attested: bool
    status: str | None
    closed_on: date | None
    current_home_office: str | None


class SessionView(BaseModel):
    """`overdue`: still provisional an hour after it was recorded; somebody must look.

    `unconfirmed_since`: when its clients were last asked, of a session that was held. `outcome` and `follow_up` are
    shown to its consultants and the head of its office, and null for everybody else. One that was imported counts for
    nothing until it is `accepted`.
    """

    id: UUID
    office: str
    day: date
    start: time | None
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int
    consultants: list[UUID]
    businesses: list[SessionBusinessView]
    field: str
    service: str
    channel: str
    place: str | None
    outcome: str | None
    follow_up: str | None
    follow_up_on: date | None
    state: str
    confirmable_version: int
    imported: bool
    accepted: bool
    provisional: bool
    overdue: bool
    recorded_at: datetime
    unconfirmed_since: datetime | None
    revision: int
    version: int


class SessionPage(BaseModel):
    items: list[SessionView]
    next_cursor: str | None


class AgeView(BaseModel):
    """How many sessions have waited at least `from_hours`, and less than `to_hours` (null: without end)."""

    from_hours: int
    to_hours: int | None
    unconfirmed: Annotated[int, Field(description="Tercatat, belum dikonfirmasi kliennya")]
    contested: Annotated[int, Field(description="Disanggah, belum diperbaiki")]


class Backlog(BaseModel):
    ages: list[AgeView]


class FieldChangeView(BaseModel):
    """`before` and `after` of notes are shown to those who may read notes, and null for everybody else."""

    field: str
    before: Any
    after: Any


class ChangeView(BaseModel):
    """One edit: `deed` is complete, correct, restate, cancel, miss, attest, confirm, dispute or accept."""

    revision: int
    deed: str
    actor: str
    changed_at: datetime
    reason: str | None
    changes: list[FieldChangeView]


class History(BaseModel):
    recorded_by: str
    recorded_at: datetime
    items: list[ChangeView]


def session_view(session: Session, principal: Principal, now: datetime) -> SessionView:
    """Returns a session as this caller may see it."""
    state = session.state.model_dump()
    businesses = [_business_view(each, session.today.get(each["id"])) for each in state.pop("businesses")]
    notes = may_read_notes(session, principal)
    return SessionView(
        **state,
        businesses=businesses,
        place=session.draft.place,
        outcome=session.draft.outcome if notes else None,
        follow_up=session.draft.follow_up if notes else None,
        provisional=session.provisional,
        overdue=session.provisional and is_overdue(session.recorded_at, now),
        recorded_at=session.recorded_at,
        unconfirmed_since=session.unconfirmed_since,
        revision=session.standing.revision,
        version=session.standing.version,
    )


def change_view(change: Change, *, notes: bool) -> ChangeView:
    """Returns an entry of the history; what notes said is hidden unless the caller may read `notes`."""
    hidden = {"before": None, "after": None}
    changes = [each if notes or each["field"] not in _NOTES else {**each, **hidden} for each in change.changes]
    return ChangeView(
        revision=change.revision,
        deed=change.deed,
        actor=change.actor,
        changed_at=change.changed_at,
        reason=change.reason,
        changes=[FieldChangeView.model_validate(each) for each in changes],
    )


def may_read_notes(session: Session, principal: Principal) -> bool:
    """Tells whether the caller is one of the session's consultants, or their head."""
    return principal.has(Role.OFFICE_HEAD) or (principal.has(Role.CONSULTANT) and principal.subject in session.staff)


def _business_view(business: dict[str, Any], today: Today | None) -> SessionBusinessView:
    return SessionBusinessView(
        **business,
        trade_name=today and today.trade_name,
        status=today and today.status,
        closed_on=today and today.closed_on,
        current_home_office=today and today.home_office,
    )
