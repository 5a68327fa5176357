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
    """A business as anybody may know it. `kinds`: one or more of umkm, ikm, cooperative, prospective."""

    id: UUID
    trade_name: str
    kinds: list[Code]
    kelurahan: KelurahanCode
    home_office: OfficeCode
    status: Code  # active, closed
    registered_on: date
    closed_on: date | None = None


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
