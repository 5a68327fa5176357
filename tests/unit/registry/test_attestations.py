"""The rules of a conversation with a client, deed by deed."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain import attestations as rules
from services.registry.domain.attestations import (
    MOST_TRIES,
    VALID_FOR,
    Attestation,
    Deed,
    Method,
    Outcome,
    PaperForm,
    Standing,
    State,
)
from shared.contracts.mentoring import SessionBusiness, SessionState
from shared.http.problem import Problem

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CLIENT = UUID(int=7)
MOMENT = timedelta(microseconds=1)


def session(state: str = "completed", businesses: list[SessionBusiness] | None = None, **changes: bool) -> SessionState:
    return SessionState(
        id=UUID(int=1),
        office="35.76",
        day=date(2026, 11, 20),
        start=time(9, 30),
        contact_minutes=90,
        preparation_minutes=0,
        travel_minutes=0,
        consultants=[UUID(int=3)],
        businesses=businesses or [SessionBusiness(id=CLIENT, known=True)],
        field="production",
        service="business_mentoring",
        channel="office_visit",
        state=state,
        confirmable_version=1,
        imported=changes.get("imported", False),
    )


def opened(*, reachable: bool = True) -> Attestation:
    return rules.open_attestation(uuid4(), session(), CLIENT, "Batik Uji", "stf-konsultan", NOW, reachable=reachable)


def standing_as(wanted: Standing) -> tuple[Attestation, datetime]:
    """Returns an attestation in this standing and the instant at which it is."""
    one = opened()
    ended: Any = {"method": Method.CODE, "settled_at": NOW, "version": 1}
    made = {
        Standing.WAITING: (one, NOW),
        Standing.UNREACHABLE: (opened(reachable=False), NOW),
        Standing.ATTESTED: (replace(one, state=State.ATTESTED, **ended), NOW),
        Standing.DISPUTED: (replace(one, state=State.DISPUTED, **ended), NOW),
        Standing.VOIDED: (replace(one, state=State.VOIDED), NOW),
        Standing.EXPIRED: (one, NOW + VALID_FOR),
        Standing.LOCKED: (replace(one, tries_left=0), NOW),
    }
    return made[wanted]


def do(deed: Deed, one: Attestation, now: datetime) -> Attestation:
    if deed is Deed.ENTER_CODE:
        return rules.enter_code(one, now, right=True)
    if deed is Deed.DISPUTE:
        return rules.dispute(one, now)
    return rules.say_on_paper(one, Outcome.DISPUTED, "stf-meja", now)


W, U, A, D, V, E, L = Standing
CODE, SAYNO, PAPER = Deed
TABLE = {
    (W, CODE): State.ATTESTED, (W, SAYNO): State.DISPUTED, (W, PAPER): State.DISPUTED,
    (U, CODE): None, (U, SAYNO): None, (U, PAPER): State.DISPUTED,
    (A, CODE): None, (A, SAYNO): None, (A, PAPER): None,
    (D, CODE): None, (D, SAYNO): None, (D, PAPER): None,
    (V, CODE): None, (V, SAYNO): None, (V, PAPER): None,
    (E, CODE): None, (E, SAYNO): None, (E, PAPER): State.DISPUTED,
    (L, CODE): None, (L, SAYNO): State.DISPUTED, (L, PAPER): State.DISPUTED,
}  # fmt: skip


@pytest.mark.parametrize("found", Standing)
@pytest.mark.parametrize("deed", Deed)
def test_every_deed_in_every_standing(found: Standing, deed: Deed) -> None:
    one, now = standing_as(found)
    assert rules.standing(one, now) is found
    expected = TABLE[found, deed]
    if expected is None:
        with pytest.raises(Problem) as refused:
            do(deed, one, now)
        assert (refused.value.status, refused.value.kind) == (409, f"attestation-{found}")
        assert refused.value.cure
    else:
        after = do(deed, one, now)
        assert (after.state, after.version, after.settled_at) == (expected, one.version + 1, now)


def test_a_code_is_good_for_72_hours_and_not_an_instant_longer() -> None:
    one = opened()
    assert rules.enter_code(one, NOW + timedelta(hours=72) - MOMENT, right=True).state is State.ATTESTED
    with pytest.raises(Problem, match="72 jam"):
        rules.enter_code(one, NOW + timedelta(hours=72), right=True)


def test_five_wrong_codes_lock_it_for_the_right_one_too() -> None:
    one = opened()
    for left in (4, 3, 2, 1, 0):
        one = rules.enter_code(one, NOW, right=False)
        assert (one.tries_left, one.state, one.version) == (left, State.WAITING, 0)
    with pytest.raises(Problem) as refused:
        rules.enter_code(one, NOW, right=True)
    assert refused.value.kind == "attestation-locked"


@given(st.lists(st.tuples(st.sampled_from(Deed), st.booleans(), st.integers(0, 80)), max_size=20))
def test_whatever_is_tried_one_word_counts_and_one_event_tells_it(deeds: list[tuple[Deed, bool, int]]) -> None:
    """The law: an attestation is settled once at the most, and never after more than five codes."""
    one, codes, now = opened(), 0, NOW
    for deed, right, hours in deeds:
        now += timedelta(hours=hours)
        before = one
        try:
            one = rules.enter_code(one, now, right=right) if deed is Deed.ENTER_CODE else do(deed, one, now)
        except Problem:
            continue
        assert before.version == 0
        codes += deed is Deed.ENTER_CODE
    assert one.version == (one.state in (State.ATTESTED, State.DISPUTED))
    assert codes <= MOST_TRIES
    assert one.tries_left >= 0


def test_nobody_attests_on_paper_what_he_recorded() -> None:
    with pytest.raises(Problem) as refused:
        rules.say_on_paper(opened(), Outcome.ATTESTED, "stf-konsultan", NOW)
    assert refused.value.status == 403


@pytest.mark.parametrize("note", ["", "   ", "3576015509800001", "3576 0155 0980 0001", "map\u200b3"])
def test_a_note_that_cannot_be_shown_is_refused(note: str) -> None:
    with pytest.raises(Problem) as refused:
        rules.paper_note(PaperForm(outcome=Outcome.ATTESTED, note=note))
    assert refused.value.errors[0].field == "note"


@pytest.mark.parametrize("state", ["scheduled", "confirmed", "contested", "cancelled", "no_show"])
def test_only_a_completed_session_is_asked_about(state: str) -> None:
    assert rules.wants_code(session(state), NOW, NOW) == []
    assert rules.wants_code(session("completed"), NOW, NOW) == [CLIENT]


def test_an_imported_an_unknown_and_an_attested_one_are_not_asked_about() -> None:
    assert rules.wants_code(session(imported=True), NOW, NOW) == []
    unknown = SessionBusiness(id=UUID(int=8), known=False)
    attested = SessionBusiness(id=UUID(int=9), known=True, attested=True)
    asked = SessionBusiness(id=CLIENT, known=True)
    assert rules.wants_code(session(businesses=[unknown, asked, attested]), NOW, NOW) == [CLIENT]


def test_what_was_recorded_over_72_hours_ago_is_not_asked_about() -> None:
    assert rules.wants_code(session(), NOW - VALID_FOR, NOW) == [CLIENT]
    assert rules.wants_code(session(), NOW - VALID_FOR - MOMENT, NOW) == []


@pytest.mark.parametrize(("state", "off"), [("cancelled", True), ("no_show", True), ("completed", False)])
def test_what_is_off_needs_no_answer(state: str, *, off: bool) -> None:
    assert rules.is_off(session(state)) is off
