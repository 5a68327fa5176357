"""A process that is told something wrong says so before it begins."""

import pytest
from pydantic import SecretStr

from shared.settings import Environment, Settings, load, require_secret


def test_a_wrong_variable_is_named_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLUT_POSTGRES_PORT", "many")
    monkeypatch.setenv("PLUT_ENV", "space")
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "PLUT_POSTGRES_PORT:" in told
    assert "PLUT_ENV:" in told
    assert told.count("Cure:") == 2
    assert "many" not in told


def test_a_missing_secret_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        require_secret(Settings(env=Environment.LOCAL), "idempotency_key")
    assert ended.value.code == 2
    assert "PLUT_IDEMPOTENCY_KEY" in capsys.readouterr().err


def test_a_good_secret_is_returned() -> None:
    settings = Settings(env=Environment.LOCAL, idempotency_key=SecretStr("x" * 32))
    assert require_secret(settings, "idempotency_key") == b"x" * 32
