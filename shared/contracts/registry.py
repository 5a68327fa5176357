"""Events of the registry: who the offices and the businesses are. No identity of a person, not even encrypted."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.envelope import Code, Contract, Event, KelurahanCode, OfficeCode


class OfficeState(Contract):
    """A PLUT office; its code is that of the kabupaten or kota in which it stands."""

    code: OfficeCode
    name: str
    opened_on: date


class BusinessState(Contract):
    """A business as anybody may know it. `kinds`: one or more of umkm, ikm, cooperative, prospective.

    `registered_by`: the office that registered it, unchanged by moves; absent before it was told: the home office then.
    """

    id: UUID
    trade_name: str
    kinds: list[Code]
    kelurahan: KelurahanCode
    home_office: OfficeCode
    status: Code  # active, closed
    registered_on: date
    closed_on: date | None = None
    registered_by: OfficeCode | None = None


class OfficeOpened(Event[OfficeState]):
    type: Literal["OfficeOpened"] = "OfficeOpened"


class OfficeChanged(Event[OfficeState]):
    type: Literal["OfficeChanged"] = "OfficeChanged"


class BusinessRegistered(Event[BusinessState]):
    type: Literal["BusinessRegistered"] = "BusinessRegistered"


class BusinessCorrected(Event[BusinessState]):
    type: Literal["BusinessCorrected"] = "BusinessCorrected"


class BusinessClosed(Event[BusinessState]):
    type: Literal["BusinessClosed"] = "BusinessClosed"


class BusinessReopened(Event[BusinessState]):
    type: Literal["BusinessReopened"] = "BusinessReopened"


class BusinessMoved(Event[BusinessState]):
    """Another office is its home from now on; what was done before stays with the office that did it."""

    type: Literal["BusinessMoved"] = "BusinessMoved"


class AttestationState(Contract):
    """What a business said of a session that names it. `outcome`: attested or disputed; `method`: code, link
    (a dispute without the code) or paper.

    `confirmable_version` is that of the session as it was told to the client: an older one confirms nothing any more.
    """

    id: UUID
    session: UUID
    business: UUID
    confirmable_version: int
    outcome: Code
    method: Code


class SessionAttested(Event[AttestationState]):
    """The client says that the session was held as recorded. `office` is the one that held it."""

    type: Literal["SessionAttested"] = "SessionAttested"


class SessionDisputed(Event[AttestationState]):
    """The client says that the session was not held, or not as recorded."""

    type: Literal["SessionDisputed"] = "SessionDisputed"
