"""Who may do what: the whole matrix, so that no right appears or vanishes unnoticed."""

from itertools import product

import pytest

from shared.auth.policy import Action, may
from shared.auth.principal import Principal, Role

# F front desk, C consultant, O field officer, H office head, P province analyst, A auditor, D administrator
_LETTERS = {
    "F": Role.FRONT_DESK,
    "C": Role.CONSULTANT,
    "O": Role.FIELD_OFFICER,
    "H": Role.OFFICE_HEAD,
    "P": Role.PROVINCE_ANALYST,
    "A": Role.AUDITOR,
    "D": Role.ADMINISTRATOR,
    "-": Role.PUBLIC,
}
_MATRIX = {
    Action.OPEN_OFFICE: "D",
    Action.CHANGE_OFFICE: "D",
    Action.READ_OFFICES: "FCOHPAD",
    Action.REGISTER_BUSINESS: "FOH",
    Action.CORRECT_BUSINESS: "FH",
    Action.CLOSE_BUSINESS: "FH",
    Action.REOPEN_BUSINESS: "H",
    Action.PROPOSE_MOVE: "H",
    Action.DECIDE_MOVE: "H",
    Action.READ_MOVES: "HA",
    Action.DISCLOSE_OWNER: "FCH",
    Action.READ_AUDIT: "HA",
    Action.IMPORT_BUSINESSES: "FH",
    Action.READ_ATTESTATIONS: "FCHA",
    Action.ATTEST_ON_PAPER: "F",
    Action.READ_BUSINESSES: "FCOHA",
    Action.FIND_BUSINESSES: "FCOHA",
    Action.REGISTER_CONSULTANT: "H",
    Action.CHANGE_CONSULTANT: "H",
    Action.READ_CONSULTANTS: "FCOHA",
    Action.SCHEDULE_SESSION: "FCH",
    Action.COMPLETE_SESSION: "CH",
    Action.CORRECT_SESSION: "CH",
    Action.CANCEL_SESSION: "FCH",
    Action.MARK_NO_SHOW: "FCH",
    Action.READ_SESSIONS: "FCHA",
    Action.READ_SESSION_HISTORY: "CHA",
    Action.IMPORT_SESSIONS: "H",
    Action.ACCEPT_IMPORT: "H",
    Action.READ_REPORTS: "HPA",
    Action.READ_PUBLIC_REPORTS: "FCOHPAD-",
}


def test_the_matrix_names_every_action_and_role() -> None:
    assert set(_MATRIX) == set(Action)
    assert set(_LETTERS.values()) == set(Role)


@pytest.mark.parametrize(("action", "role"), list(product(Action, Role)))
def test_a_role_may_do_exactly_what_the_matrix_says(action: Action, role: Role) -> None:
    principal = Principal("stf-1", frozenset({role}), ("35.76",))
    allowed = role in {_LETTERS[letter] for letter in _MATRIX[action]}
    assert may(principal, action) is allowed
    assert may(principal, action, "35.76") is allowed
    assert may(principal, action, "35.01") is False


@pytest.mark.parametrize("action", list(Action))
def test_nobody_without_a_role_may_do_anything(action: Action) -> None:
    assert may(Principal("stf-1", frozenset(), ("35.76",)), action) is False


def test_several_roles_add_up() -> None:
    both = Principal("stf-1", frozenset({Role.CONSULTANT, Role.FRONT_DESK}), ("35.76",))
    assert may(both, Action.REGISTER_BUSINESS)
    assert may(both, Action.COMPLETE_SESSION)
