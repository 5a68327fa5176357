"""Whoever looks into a surge of refusals finds which login it was, and nothing else of it."""

import pytest
from structlog.testing import capture_logs

from shared.auth.policy import Action
from shared.auth.principal import Principal, Role
from shared.http.problem import Problem
from shared.http.requests import allow


def test_a_refusal_is_logged_with_the_login_and_the_action() -> None:
    desk = Principal("stf-7", frozenset({Role.FRONT_DESK}), ("35.76",))
    with capture_logs() as logs, pytest.raises(Problem, match="403 forbidden"):
        allow(desk, Action.REGISTER_BUSINESS, "35.01")
    assert logs == [{"event": "denied", "actor": "stf-7", "action": "register_business", "log_level": "warning"}]
