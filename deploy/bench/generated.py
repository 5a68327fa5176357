"""Facts as millions of events would leave them: eight offices and three years, made in bulk.

The same numbers make the same facts, so that a greater amount holds the smaller one. A business comes ten times on
average, some stay for years; 10,000,000 events are of half a million businesses and five million sessions.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from deploy.bench import province
from services.reporting.domain import Fact, Kind, businesses_of
from shared.contracts.catalogue import PARTITIONS, AnyEvent
from shared.contracts.envelope import Contract, Payload
from shared.contracts.mentoring import (
    ConsultantState,
    SessionBusiness,
    SessionCancelled,
    SessionCompleted,
    SessionConfirmed,
    SessionContested,
    SessionState,
)
from shared.contracts.registry import BusinessRegistered, BusinessState, OfficeState

CONSULTANTS_PER_OFFICE = 12
_BUSINESS, _SESSION, _CONSULTANT, _EVENT = 1, 2, 3, 9
# Businesses that are made together: a training joins some of them.
_CIRCLE = 200
# How much rarer each further one of a list is.
_FALLING = 0.6


def _falling(of: Sequence[str]) -> list[str]:
    """Returns each as often as it is met of a thousand: the first most, each further one less."""
    whole = sum(_FALLING**place for place in range(len(of)))
    return [one for place, one in enumerate(of) for _ in range(round(1000 * _FALLING**place / whole))]


_FIELDS = _falling(
    (
        "marketing",
        "production",
        "finance",
        "institution",
        "human_resources",
        "information_technology",
        "cooperation_network",
    )
)
_SERVICES = _falling(
    (
        "business_mentoring",
        "business_consultation",
        "training",
        "product_marketing",
        "capital_access",
        "skill_development",
        "information_and_knowledge",
        "partnership",
        "incubation",
    )
)
_CHANNELS = _falling(("office_visit", "field_visit", "chat", "phone", "video_call"))
_KINDS = (["umkm"], ["umkm"], ["umkm"], ["ikm"], ["umkm", "ikm"], ["cooperative"], ["prospective"])
_MINUTES = (30, 45, 60, 60, 90, 120)
# state, share in percent, events that lead to it
_OUTCOMES = (
    ("confirmed", 62, 2),
    ("completed", 24, 1),
    ("contested", 2, 2),
    ("cancelled", 5, 2),
    ("no_show", 3, 2),
    ("scheduled", 4, 1),
)
_STATES = [state for state, share, _ in _OUTCOMES for _ in range(share)]
_VERSIONS = {state: events for state, _, events in _OUTCOMES}
_TOLD = {
    "confirmed": SessionConfirmed,
    "contested": SessionContested,
    "cancelled": SessionCancelled,
    "no_show": SessionCancelled,
}


@dataclass
class Made:
    """What some circles of businesses come to: their facts, and how many events have led to them."""

    businesses: list[Fact] = field(default_factory=list)
    sessions: list[Fact] = field(default_factory=list)

    @property
    def events(self) -> int:
        return sum(fact.version for fact in (*self.businesses, *self.sessions))


def offices(today: date) -> list[Fact]:
    """Returns the facts of the offices, all opened three years ago."""
    opened = province.first_day(today)
    states = [OfficeState(code=code, name=f"PLUT {code}", opened_on=opened) for code in province.CODES]
    return [_fact(Kind.OFFICE, state.code, state, 1, number) for number, state in enumerate(states)]


def consultants(today: date) -> list[Fact]:
    """Returns the facts of every office's consultants."""
    since = province.first_day(today)
    found = []
    for number in range(len(province.CODES) * CONSULTANTS_PER_OFFICE):
        id_, office = province.fixed_id(_CONSULTANT, number), province.CODES[number % len(province.CODES)]
        state = ConsultantState(id=id_, office=office, staff=f"stf-{number}", fields=["production"], active_from=since)
        found.append(_fact(Kind.CONSULTANT, str(id_), state, 1, number))
    return found


def circle(number: int, today: date) -> Made:
    """Returns some businesses with all of their sessions, the same whenever it is asked on that day."""
    dice = random.Random(number)  # noqa: S311  shares, no secrets
    made = Made()
    states = [_business(number * _CIRCLE + place, dice, today) for place in range(_CIRCLE)]
    for place, state in enumerate(states):
        ordinal = number * _CIRCLE + place
        made.businesses.append(_fact(Kind.BUSINESS, str(state.id), state, 2 if state.closed_on else 1, ordinal))
        for turn in range(_visits(dice)):
            joined = [state, states[place - 1]] if place and dice.random() < 0.05 else [state]
            made.sessions.append(_session(ordinal * 64 + turn, joined, dice, today))
    return made


def _visits(dice: random.Random) -> int:
    """Most businesses come a few times a year; one in twelve is accompanied for long."""
    return dice.randint(20, 50) if dice.random() < 0.08 else dice.randint(0, 16)


def _business(number: int, dice: random.Random, today: date) -> BusinessState:
    office = province.CODES[number % len(province.CODES)]
    registered = today - timedelta(days=dice.randrange(province.DAYS))
    closed = registered + timedelta(days=dice.randrange(365)) if dice.random() < 0.05 else None
    return BusinessState(
        id=province.fixed_id(_BUSINESS, number),
        trade_name=f"Usaha Ukur {number}",
        kinds=dice.choice(_KINDS),
        kelurahan=province.kelurahan(office, dice.randrange(10_000)),
        home_office=office,
        status="closed" if closed and closed <= today else "active",
        registered_on=registered,
        closed_on=closed if closed and closed <= today else None,
        registered_by=office,
    )


def _session(number: int, met: Sequence[BusinessState], dice: random.Random, today: date) -> Fact:
    """At the home office of the first mostly, on any day since all who came are registered."""
    since = max(state.registered_on for state in met)
    away = dice.random() < 0.06
    office = dice.choice(province.CODES) if away else met[0].home_office
    state = dice.choice(_STATES)
    attested = state == "confirmed"
    consultant = dice.randrange(CONSULTANTS_PER_OFFICE) * len(province.CODES) + province.CODES.index(office)
    told = SessionState(
        id=province.fixed_id(_SESSION, number),
        office=office,
        day=since + timedelta(days=dice.randint(0, (today - since).days)),
        contact_minutes=dice.choice(_MINUTES),
        preparation_minutes=dice.choice((0, 10, 15)),
        travel_minutes=dice.choice((0, 0, 30)),
        consultants=[province.fixed_id(_CONSULTANT, consultant)],
        businesses=[_as_met(one, attested=attested) for one in met],
        field=dice.choice(_FIELDS),
        service=dice.choice(_SERVICES),
        channel=dice.choice(_CHANNELS),
        state=state,
        confirmable_version=1,
    )
    return _fact(Kind.SESSION, str(told.id), told, _VERSIONS[state], number)


def _as_met(one: BusinessState, *, attested: bool) -> SessionBusiness:
    return SessionBusiness(
        id=one.id,
        known=True,
        kinds=one.kinds,
        kelurahan=one.kelurahan,
        home_office=one.home_office,
        attested=attested,
    )


def _fact(kind: Kind, id_: str, state: Contract, version: int, number: int) -> Fact:
    event_id = province.fixed_id(_EVENT * 16 + list(Kind).index(kind), number)
    # Any partition will do, and the right one takes long to find.
    return Fact(kind, id_, version, event_id, number % PARTITIONS, businesses_of(state), state)


# What still counts as the latest activity


def event_of(fact: Fact) -> AnyEvent:
    """Returns the event that the fact is of, at noon of its day."""
    state = fact.state
    if isinstance(state, BusinessState):
        return BusinessRegistered(payload=Payload[BusinessState](state=state), **_envelope(fact, state.registered_on))
    assert isinstance(state, SessionState)  # noqa: S101  no other fact happens every day
    told = _TOLD.get(state.state, SessionCompleted)
    return told(payload=Payload[SessionState](state=state), **_envelope(fact, state.day))


def _envelope(fact: Fact, day: date) -> dict[str, Any]:
    state = fact.state
    at = datetime.fromisoformat(f"{day}T05:00:00+00:00")
    return {
        "event_id": fact.event_id,
        "schema_version": 1,
        "aggregate_id": fact.id,
        "version": fact.version,
        "occurred_at": at,
        "recorded_at": at,
        "office": state.home_office if isinstance(state, BusinessState) else getattr(state, "office", None),
        "actor": province.SUBJECT,
        "correlation_id": fact.event_id,
    }
