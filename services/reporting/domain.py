"""What reporting reasons about, without any IO: facts, periods, positions, and what makes an answer stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.clock import business_day
from shared.contracts.catalogue import AnyEvent
from shared.contracts.envelope import Contract
from shared.contracts.mentoring import ConsultantState, SessionState
from shared.contracts.registry import BusinessState, OfficeState

STALE_AFTER = timedelta(seconds=60)
FIRST_DAY = date(2000, 1, 1)  # no PLUT office is older; an earlier day is a slip of the finger
# Under this name totals hold the province as a whole, where that is not the sum of its offices.
PROVINCE = "*"
# Held: what is scheduled, cancelled or missed is no activity. A contested session was held until it is found otherwise.
HELD = frozenset({"completed", "confirmed", "contested"})


class Kind(StrEnum):
    """The aggregates that reporting keeps facts of."""

    OFFICE = "office"
    BUSINESS = "business"
    CONSULTANT = "consultant"
    SESSION = "session"


STATES: Mapping[Kind, type[Contract]] = {
    Kind.OFFICE: OfficeState,
    Kind.BUSINESS: BusinessState,
    Kind.CONSULTANT: ConsultantState,
    Kind.SESSION: SessionState,
}


class Fact(NamedTuple):
    """The newest state of one aggregate. `slice` is the partition it was read from.

    `subjects` are the canonical ids of the businesses that the state speaks of, in the state's order.
    """

    kind: Kind
    id: str
    version: int
    event_id: UUID
    slice: int
    subjects: tuple[UUID, ...]
    state: Contract


def businesses_of(state: Contract) -> tuple[UUID, ...]:
    """Returns the ids of the businesses that a state speaks of, as it names them."""
    if type(state) is SessionState:  # exact, for models are slow to ask whether they are instances
        return tuple([business.id for business in state.businesses])
    return (state.id,) if type(state) is BusinessState else ()


def fact_of(kind: Kind, event: AnyEvent, partition: int) -> Fact:
    """Returns what an event makes of its aggregate, its businesses called as the event calls them."""
    state = event.payload.state
    return Fact(kind, event.aggregate_id, event.version, event.event_id, partition, businesses_of(state), state)


def canonical(fact: Fact, aliases: Mapping[UUID, UUID]) -> Fact:
    """Returns the fact with the canonical subject of each business. `aliases`: business → subject, where another."""
    return fact._replace(subjects=tuple([aliases.get(one, one) for one in fact.subjects]))


def is_held(session: SessionState) -> bool:
    """Tells whether a session counts as activity: one that was imported does once it is accepted."""
    return session.state in HELD and session.accepted


def registering_office(business: BusinessState) -> str:
    """Returns the office that registered a business; a move changes its home office only."""
    return business.registered_by or business.home_office


def listing(state: Contract) -> tuple[str | date, ...]:
    """Returns where and when a fact is listed: a business by the office that registered it, that day, its home office
    and kelurahan; a session by its office and day; a consultant by office.
    """
    if type(state) is SessionState:
        return state.office, state.day
    if type(state) is BusinessState:
        return registering_office(state), state.registered_on, state.home_office, state.kelurahan
    return (state.office,) if type(state) is ConsultantState else ()


class Period(StrEnum):
    """What people ask for, and the grains of totals. A quarter of activity is the sum of its months; all, of years."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ALL = "all"


def start_of(period: Period, day: date) -> date:
    """Returns the first day of the period that holds `day`; all time begins with FIRST_DAY."""
    match period:
        case Period.DAY:
            return day
        case Period.MONTH:
            return day.replace(day=1)
        case Period.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case Period.YEAR:
            return day.replace(month=1, day=1)
        case Period.ALL:
            return FIRST_DAY


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """How far an answer has read. Compared in this order, it never goes back.

    `edition` rises whenever another set of read models takes over, also when one comes back.
    """

    edition: int
    resets: int
    offsets: int

    def __str__(self) -> str:
        return f"{self.edition}.{self.resets}.{self.offsets}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """Returns the position that `str` wrote, or None for anything else."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            return None
        return cls(*map(int, parts))


def today(now: datetime) -> date:
    """Returns the business day of an aware instant."""
    return business_day(now)


def is_stale(as_of: datetime | None, now: datetime) -> bool:
    """Tells whether figures of `as_of` deserve a warning; None means that nothing was heard of the services yet."""
    return as_of is None or now - as_of > STALE_AFTER
