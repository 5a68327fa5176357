"""Named faults: read without mercy, told when they strike, and impossible in production."""

import pytest
from structlog.testing import capture_logs

from shared import failpoint, process
from shared.failpoint import InjectedFault
from shared.settings import Environment, Settings


@pytest.fixture(autouse=True)
def _disarmed() -> None:
    failpoint.arm("")


async def test_a_point_does_nothing_unless_it_was_named() -> None:
    failpoint.arm("relay.after_ack=raise")
    await failpoint.point("relay.before_send")
    with capture_logs() as told, pytest.raises(InjectedFault, match=r"relay\.after_ack"):
        await failpoint.point("relay.after_ack")
    failpoint.arm("")
    await failpoint.point("relay.after_ack")
    assert told == [{"event": "failpoint", "failpoint": "relay.after_ack", "act": "raise", "log_level": "warning"}]


async def test_chance_is_kept() -> None:
    failpoint.arm("a=raise@0.0")
    await failpoint.point("a")


@pytest.mark.parametrize("rule", ["a", "a=die", "a=sleep", "a=kill@x", "A=kill"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        failpoint.arm(rule)


def test_a_production_process_that_is_told_to_break_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        process._arm(Settings(env=Environment.PRODUCTION, failpoints="a=kill"))
    assert ended.value.code == 2
    assert "PLUT_FAILPOINTS" in capsys.readouterr().err
    process._arm(Settings(env=Environment.LOCAL, failpoints="a=kill@0.0"))
