"""Rules of moves and of reasons, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain import moves as rules
from services.registry.domain.findings import SHORTEST_REASON, TextError, reason_text
from services.registry.domain.forms import MoveForm
from services.registry.domain.moves import Move, MoveState, PublicBusiness
from shared.contracts.registry import BusinessState
from shared.http.problem import Problem
from shared.ids import new_id

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
HOME, OTHER, THIRD = "35.76", "35.79", "35.01"
BUSINESS = PublicBusiness(
    BusinessState(
        id=new_id(),
        trade_name="Batik Maja",
        kinds=["umkm"],
        kelurahan="35.76.02.1001",
        home_office=HOME,
        status="active",
        registered_on=date(2026, 1, 2),
        registered_by=HOME,
    ),
    revision=4,
    version=3,
)
CLOSED = replace(BUSINESS, state=BUSINESS.state.model_copy(update={"status": "closed", "closed_on": date(2026, 2, 1)}))


def propose(business: PublicBusiness | None, to: str, *offices: str, reason: str = "Pindah domisili usaha") -> Move:
    return rules.propose(business, MoveForm(to_office=to, reason=reason), offices, new_id(), NOW)


@pytest.mark.parametrize(("mine", "awaits"), [(HOME, OTHER), (OTHER, HOME)])
def test_either_head_proposes_and_the_other_accepts(mine: str, awaits: str) -> None:
    move = propose(BUSINESS, OTHER, mine)
    assert (move.from_office, move.to_office, move.proposed_by, move.awaits) == (HOME, OTHER, mine, awaits)
    moved = rules.accept(move, BUSINESS, 4, [awaits])
    assert (moved.state.home_office, moved.revision, moved.version) == (OTHER, 5, 4)
    assert moved.state == BUSINESS.state.model_copy(update={"home_office": OTHER}), "who registered it stays"
    with pytest.raises(Problem) as own:
        rules.accept(move, BUSINESS, 4, [mine])
    assert own.value.status == 403


@pytest.mark.parametrize(
    ("business", "to", "mine", "status"),
    [
        (None, OTHER, HOME, 404),
        (BUSINESS, THIRD, OTHER, 404),
        (BUSINESS, HOME, OTHER, 404),
        (BUSINESS, HOME, HOME, 422),
        (CLOSED, OTHER, HOME, 409),
    ],
)
def test_what_cannot_move_is_refused(business: PublicBusiness | None, to: str, mine: str, status: int) -> None:
    with pytest.raises(Problem) as wrong:
        propose(business, to, mine)
    assert wrong.value.status == status


def test_what_happened_meanwhile_is_told() -> None:
    move = propose(BUSINESS, OTHER, HOME)
    for business, seen, status in ((CLOSED, 4, 409), (BUSINESS, 3, 412), (BUSINESS, 5, 412)):
        with pytest.raises(Problem) as wrong:
            rules.accept(move, business, seen, [OTHER])
        assert wrong.value.status == status
    for state in set(MoveState) - {MoveState.PROPOSED}:
        decided = replace(move, state=state)
        with pytest.raises(Problem) as accepted:
            rules.accept(decided, BUSINESS, 4, [OTHER])
        with pytest.raises(Problem) as declined:
            rules.decline(decided, [OTHER], NOW)
        assert (accepted.value.status, declined.value.status) == (409, 409)


def test_a_proposal_is_refused_by_the_other_and_withdrawn_by_its_own() -> None:
    move = propose(BUSINESS, OTHER, OTHER)
    assert rules.decline(move, [HOME], NOW).state is MoveState.REFUSED
    assert rules.decline(move, [OTHER], NOW).state is MoveState.WITHDRAWN
    assert rules.decline(move, [OTHER], NOW).decided_at == NOW


@given(st.text(max_size=60))
def test_a_reason_says_something_and_holds_no_number_of_a_person(typed: str) -> None:
    try:
        kept = reason_text(typed)
    except TextError:
        return
    assert len(kept) >= SHORTEST_REASON
    assert reason_text(kept) == kept


@pytest.mark.parametrize("typed", ["x" * 9, "telepon 0812 3456 789 salah", "NIK 3576025509800001 salah", "\u202e" * 12])
def test_a_reason_that_says_too_little_or_too_much_is_refused(typed: str) -> None:
    with pytest.raises(TextError):
        reason_text(typed)
    assert reason_text("x" * 10) == "x" * 10
