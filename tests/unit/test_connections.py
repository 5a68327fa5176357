"""How a process reaches its servers: what is missing is named before anything begins."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.protection import Protection
from shared.connections import kafka_options, postgres_tls
from shared.settings import Environment, KafkaSecurity, PostgresTls, Settings


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    made = Protection(tmp_path / "tls")
    made.make()
    return made.ca_file


def kafka(ca_file: Path | None, user: str = "registry-relay", password: str = "secret") -> Settings:  # noqa: S107  a test's
    return Settings(
        env=Environment.LOCAL,
        kafka_bootstrap="one:9092,two:9092",
        kafka_security_protocol=KafkaSecurity.SASL_SSL,
        kafka_user=user,
        kafka_password=SecretStr(password),
        kafka_ca_file=ca_file,
    )


def test_in_the_clear_there_is_nothing_but_the_address() -> None:
    settings = Settings(env=Environment.LOCAL, kafka_bootstrap="one:9092,two:9092")
    assert kafka_options(settings) == {"bootstrap_servers": ["one:9092", "two:9092"]}
    assert postgres_tls(settings) is False


def test_by_tls_the_server_is_looked_at_and_the_user_named(ca_file: Path) -> None:
    options = kafka_options(kafka(ca_file))
    context = options.pop("ssl_context")
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1, "nobody else's word counts"
    assert options == {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "registry-relay",
        "sasl_plain_password": "secret",
    }


def test_what_is_missing_is_named_with_its_cure(
    ca_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.crt").touch()
    postgres = Settings(env=Environment.LOCAL, postgres_sslmode=PostgresTls.VERIFY_FULL)
    attempts: dict[str, Callable[[], object]] = {
        "PLUT_KAFKA_USER": lambda: kafka_options(kafka(ca_file, user="")),
        "PLUT_KAFKA_PASSWORD": lambda: kafka_options(kafka(ca_file, password="")),
        "PLUT_KAFKA_CA_FILE: is not set": lambda: kafka_options(kafka(None)),
        "PLUT_KAFKA_CA_FILE: /nowhere cannot be used": lambda: kafka_options(kafka(Path("/nowhere"))),
        "PLUT_KAFKA_CA_FILE": lambda: kafka_options(kafka(tmp_path / "empty.crt")),
        "PLUT_POSTGRES_CA_FILE": lambda: postgres_tls(postgres),
    }
    for variable, attempt in attempts.items():
        with pytest.raises(SystemExit) as ended:
            attempt()
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert told.startswith(variable)
        assert "Cure: " in told
        assert "secret" not in told


@pytest.mark.parametrize("mode", ["require", "prefer", "verify-ca", "allow"])
def test_tls_that_does_not_look_who_answers_cannot_be_asked_for(mode: str) -> None:
    with pytest.raises(ValueError, match="verify-full"):
        Settings.model_validate({"env": "local", "postgres_sslmode": mode})


def test_passwords_in_the_clear_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="SASL_SSL"):
        Settings.model_validate({"env": "local", "kafka_security_protocol": "SASL_PLAINTEXT"})
