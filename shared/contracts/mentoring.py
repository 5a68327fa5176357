"""Events of mentoring: what was done with the businesses. Free text (outcomes, reasons) stays in the service."""

from datetime import date, time
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.envelope import Code, Contract, Event, KelurahanCode, Minutes, OfficeCode


class ConsultantState(Contract):
    """A consultant without a name: `staff` is the opaque id of the login. `fields`: the bidang that he covers."""

    id: UUID
    office: OfficeCode
    staff: str
    fields: list[Code]
    active_from: date
    active_until: date | None = None


class SessionBusiness(Contract):
    """A business of a session as it was known then. While `known` is false the rest is empty: it counts for nothing."""

    id: UUID
    known: bool
    kinds: list[Code] = Field(default=[])
    kelurahan: KelurahanCode | None = None
    home_office: OfficeCode | None = None
    attested: bool = False


class SessionState(Contract):
    """A session of mentoring. Minutes count once for the office and its consultants, and in full for each business.

    `day` and `start` are WIB. `state`: scheduled, completed, confirmed, contested, cancelled, no_show.
    `confirmable_version` rises when a correction makes an earlier confirmation void. While `accepted` is false it
    counts for nothing: it was imported from a sheet of the past, and the head of its office has not accepted it yet.
    """

    id: UUID
    office: OfficeCode
    day: date
    start: time | None = None
    contact_minutes: Minutes
    preparation_minutes: Minutes
    travel_minutes: Minutes
    consultants: list[UUID]
    businesses: list[SessionBusiness]
    field: Code
    service: Code
    channel: Code
    state: Code
    confirmable_version: int
    imported: bool = False
    follow_up_on: date | None = None
    accepted: bool = True


class ConsultantRegistered(Event[ConsultantState]):
    type: Literal["ConsultantRegistered"] = "ConsultantRegistered"


class SessionCompleted(Event[SessionState]):
    type: Literal["SessionCompleted"] = "SessionCompleted"


class SessionResolved(Event[SessionState]):
    """A business that was unknown when the session was recorded has become known."""

    type: Literal["SessionResolved"] = "SessionResolved"


class SessionScheduled(Event[SessionState]):
    """A plan. Its minutes are intended and count for nothing."""

    type: Literal["SessionScheduled"] = "SessionScheduled"


class SessionCorrected(Event[SessionState]):
    """A plan or a record was changed. The reason stays in the service."""

    type: Literal["SessionCorrected"] = "SessionCorrected"


class SessionCancelled(Event[SessionState]):
    """It was not held, or is not to be counted: `state` is cancelled, or no_show where the client did not come."""

    type: Literal["SessionCancelled"] = "SessionCancelled"


class SessionConfirmed(Event[SessionState]):
    """All of its businesses have attested it."""

    type: Literal["SessionConfirmed"] = "SessionConfirmed"


class SessionContested(Event[SessionState]):
    """One of its businesses disputes it."""

    type: Literal["SessionContested"] = "SessionContested"


class SessionAccepted(Event[SessionState]):
    """The head of its office has accepted a session that was imported: from now on it counts."""

    type: Literal["SessionAccepted"] = "SessionAccepted"


class ConsultantChanged(Event[ConsultantState]):
    type: Literal["ConsultantChanged"] = "ConsultantChanged"
