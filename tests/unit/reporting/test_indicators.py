"""Every figure has one card, and a card names exactly the events that can move its figure."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from services.mentoring.domain.lifecycle import Deed, State, after
from services.reporting import projections
from services.reporting.domain import Fact, fact_of
from services.reporting.indicators import INDICATORS, Amount, Indicator, Measure, of_amount
from services.reporting.projections import businesses_served
from services.reporting.projections.applier import KIND_OF
from services.reporting.projections.total import Key
from shared.contracts.catalogue import EVENT_TYPES
from tests.support.reporting_events import business, event, session

A, B, S = UUID(int=1), UUID(int=2), UUID(int=3)
TOTALS = {total.name: total for total in projections.TOTALS}
_TOLD_BY = {
    Deed.COMPLETE: "SessionCompleted",
    Deed.CORRECT: "SessionCorrected",
    Deed.RESTATE: "SessionCorrected",
    Deed.CANCEL: "SessionCancelled",
    Deed.MISS: "SessionCancelled",
    Deed.CONFIRM: "SessionConfirmed",
    Deed.DISPUTE: "SessionContested",
    Deed.ACCEPT: "SessionAccepted",
}
_RESTATED = {"day": "2025-12-30", "contact_minutes": 330, "preparation_minutes": 5, "travel_minutes": 0}
_REPLANNED = {"day": "2026-12-09"}
Figures = dict[tuple[Amount, Key], int]
Step = tuple[str, Fact | None, Fact]


def _told(kind: str, state: dict[str, Any]) -> Fact:
    return fact_of(KIND_OF[kind], event(kind, str(state["id"]), 1, state), 0)


def _session(kind: str, state: str, **changes: Any) -> Fact:
    plan = session(S, [A, B], state=state, contact_minutes=400).payload.state.model_dump(mode="json")
    answered = {State.CONFIRMED: (True, True), State.CONTESTED: (True, False)}.get(State(state), (False, False))
    if changes.pop("known", True):
        pairs = zip(plan["businesses"], answered, strict=True)
        plan["businesses"] = [one | {"attested": attested} for one, attested in pairs]
    else:
        plan["businesses"] = [one | {"known": False} for one in plan["businesses"]]
    return _told(kind, plan | changes)


def _lives_of_a_session() -> Iterator[Step]:
    """Every deed in every state, and how a session begins."""
    yield "SessionScheduled", None, _session("SessionScheduled", "scheduled")
    yield "SessionCompleted", None, _session("SessionCompleted", "completed")
    unknown = _session("SessionCompleted", "completed", known=False)
    yield "SessionResolved", unknown, _session("SessionResolved", "completed")
    for state in State:
        for deed, kind in _TOLD_BY.items():
            then = after(state, deed)
            if then is not None and deed is not Deed.ACCEPT:
                before = _session("SessionCompleted", state)
                yield kind, before, _session(kind, then, **_changes(state, deed))
    waiting = _session("SessionCompleted", "completed", imported=True, accepted=False)
    accepted = _session("SessionAccepted", "completed", imported=True)
    yield "SessionCompleted", None, waiting
    yield "SessionCancelled", waiting, _session("SessionCancelled", "cancelled", imported=True, accepted=False)
    yield "SessionAccepted", waiting, accepted
    yield "SessionCorrected", accepted, _session("SessionCorrected", "completed", imported=True, **_RESTATED)
    yield "SessionCancelled", accepted, _session("SessionCancelled", "cancelled", imported=True)


def _changes(state: State, deed: Deed) -> dict[str, Any]:
    if deed is Deed.RESTATE:
        return _RESTATED
    return _REPLANNED if (deed, state) == (Deed.CORRECT, State.SCHEDULED) else {}


def _lives_of_a_business() -> Iterator[Step]:
    def told(kind: str, **changes: Any) -> Fact:
        return _told(kind, business(A, registered_by="35.76", **changes).payload.state.model_dump(mode="json"))

    new, closed = told("BusinessRegistered"), {"status": "closed", "closed_on": date(2026, 12, 2)}
    yield "BusinessRegistered", None, new
    yield "BusinessCorrected", new, told("BusinessCorrected", kelurahan="35.07.01.2001", kinds=["ikm"])
    yield "BusinessMoved", new, told("BusinessMoved", home_office="35.79")
    yield "BusinessClosed", new, told("BusinessClosed", **closed)
    yield "BusinessReopened", told("BusinessClosed", **closed), told("BusinessReopened")


def _figures(fact: Fact | None) -> Figures:
    """What one fact alone amounts to, in every total and under every key."""
    figures: Counter[tuple[Amount, Key]] = Counter()
    if fact is None:
        return figures
    for total in TOTALS.values():
        for key, amounts in total.contributions(fact):
            for name, number in zip(total.amounts, amounts, strict=True):
                figures[Amount(total.name, name), key] += number
    for visit in businesses_served.visits_of(fact).values():
        for key, amounts in businesses_served.contributions([visit]):
            for name, number in zip(TOTALS["businesses_served"].amounts, amounts, strict=True):
                figures[Amount("businesses_served", name), key] += number
    return +figures


@cache
def _steps() -> list[tuple[str, Figures, Figures]]:
    steps = [*_lives_of_a_session(), *_lives_of_a_business()]
    return [(kind, _figures(before), _figures(then)) for kind, before, then in steps]


def _moved_by(reckon: Callable[[Figures], Any]) -> set[str]:
    return {kind for kind, before, then in _steps() if reckon(before) != reckon(then)}


def _sum(figures: Figures, total: str, amount: str) -> Counter[Key]:
    return Counter({key: number for (read, key), number in figures.items() if read == (total, amount)})


def _less(total: str, amount: str, *others: str) -> Callable[[Figures], Any]:
    def reckon(figures: Figures) -> Counter[Key]:
        left = _sum(figures, total, amount)
        for other in others:
            left.subtract(_sum(figures, total, other))
        return Counter({key: number for key, number in left.items() if number})

    return reckon


def _share(figures: Figures) -> Any:
    asked = _less("office_activity", "sessions", "imported")(figures)
    confirmed = _sum(figures, "office_activity", "confirmed")
    return {key: confirmed[key] / number for key, number in asked.items()}


def _active(figures: Figures) -> Any:
    return {key: n for key, n in _sum(figures, "businesses_by_region", "businesses").items() if key[-1] == "active"}


def _worked(figures: Figures) -> Any:
    return _sum(figures, "office_activity", "sessions") + _sum(figures, "office_activity", "registrations")


_RECKONED: dict[str, Callable[[Figures], Any]] = {
    "unconfirmed": _less("office_activity", "sessions", "confirmed", "contested", "imported"),
    "confirmed_share": _share,
    "unconfirmed_contact_minutes": _less("office_activity", "contact_minutes", "confirmed_contact_minutes"),
    "idle_days": _worked,
    "returning": lambda figures: _sum(figures, "businesses_served", "served"),
    "active_businesses": _active,
    "businesses_per_100000": _active,
    "stock": _less("businesses_over_time", "registered", "closed"),
}


def _reckoning(one: Indicator) -> Callable[[Figures], Any]:
    if one.reads:
        return lambda figures: [_sum(figures, *read) for read in one.reads]
    return _RECKONED[one.code]


def test_every_amount_of_every_total_has_exactly_one_card() -> None:
    amounts = {Amount(total.name, amount) for total in TOTALS.values() for amount in total.amounts}
    read = Counter(amount for one in INDICATORS.values() for amount in one.reads)
    assert set(read) == amounts
    assert set(read.values()) == {1}
    assert all(of_amount(*amount).code in INDICATORS for amount in amounts)


@pytest.mark.parametrize("one", INDICATORS.values(), ids=list(INDICATORS))
def test_a_card_names_exactly_the_events_that_move_its_figure(one: Indicator) -> None:
    assert len(set(one.events)) == len(one.events)
    assert set(one.events) <= set(EVENT_TYPES)
    assert set(one.events) == _moved_by(_reckoning(one))


@pytest.mark.parametrize("one", INDICATORS.values(), ids=list(INDICATORS))
def test_a_card_says_everything(one: Indicator) -> None:
    assert all(text.strip() for _, text in one.told())
    assert bool(one.reads) != bool(one.parts), "a figure is read or reckoned"
    assert all(part in INDICATORS for part in one.parts)


def test_what_is_distinct_is_said_not_to_add_up() -> None:
    derived = {amount for total in TOTALS.values() if total.derived for amount in total.amounts}
    told = {one.code for one in INDICATORS.values() if one.measure is Measure.DISTINCT}
    assert told == {*derived, "returning"}


def test_names_of_cards_are_unmistakable() -> None:
    names = Counter(one.name for one in INDICATORS.values())
    assert set(names.values()) == {1}
