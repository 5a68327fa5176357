"""Settings that every process needs. From the environment (`PLUT_…`); secrets from files, the environment second."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic import Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict


class Environment(StrEnum):
    LOCAL = "local"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    AUTO = "auto"  # pretty on a terminal, JSON lines elsewhere
    JSON = "json"
    PRETTY = "pretty"


class PostgresTls(StrEnum):
    """There is nothing between: TLS that does not look who answers keeps nobody out."""

    DISABLE = "disable"
    VERIFY_FULL = "verify-full"


class KafkaSecurity(StrEnum):
    """There is nothing between here either: a password goes through TLS only, TLS says who asks."""

    PLAINTEXT = "PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class KafkaMechanism(StrEnum):
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Settings(BaseSettings):
    """Everything that a process of ours is told. Unset what it does not use; a wrong value stops it at the start."""

    model_config = SettingsConfigDict(env_prefix="PLUT_", extra="ignore", frozen=True)

    env: Environment = Field(
        Environment.PRODUCTION, description="`local` or `production`; the demo issuer refuses `production`"
    )
    log_format: LogFormat = Field(LogFormat.AUTO, description="`auto`, `json` or `pretty`")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="the least level that is logged")

    secrets_dir: Path | None = Field(
        None, description="directory with one file per secret, named like the variable in lower case"
    )

    postgres_host: str = Field("127.0.0.1", description="host of Postgres")
    postgres_port: int = Field(5432, ge=1, le=65535, description="port of Postgres")
    postgres_database: str = Field("plut", description="database that holds the services' schemas")
    postgres_password: SecretStr = Field(SecretStr(""), description="password of this process's own role; a secret")
    postgres_pool: int = Field(10, ge=1, le=200, description="connections that one process may hold")
    postgres_sslmode: PostgresTls = Field(
        PostgresTls.DISABLE,
        description="`verify-full`: only by TLS, and only a server that the CA vouches for by its host name; "
        "or `disable`",
    )
    postgres_ca_file: Path | None = Field(None, description="PEM file of the CA of Postgres, for `verify-full`")

    kafka_bootstrap: str = Field("127.0.0.1:9092", description="`host:port`, comma-separated")
    kafka_security_protocol: KafkaSecurity = Field(
        KafkaSecurity.PLAINTEXT,
        description="`SASL_SSL`: by TLS, with a user; or `PLAINTEXT`; relay and consume only, as the four below",
    )
    kafka_sasl_mechanism: KafkaMechanism = Field(
        KafkaMechanism.SCRAM_SHA_512, description="how the user proves its password: `SCRAM-SHA-512` or `-256`"
    )
    kafka_user: str = Field("", description="this process's own user, such as `registry-relay`")
    kafka_password: SecretStr = Field(SecretStr(""), description="password of that user; a secret")
    kafka_ca_file: Path | None = Field(None, description="PEM file of the CA of Kafka, for `SASL_SSL`")
    kafka_replication: int = Field(1, ge=1, le=5, description="copies of each record; 3 in production")
    topic_prefix: str = Field("", pattern=r"^[a-z0-9.]*$", description="put before every topic and group; for tests")

    http_host: str = Field("127.0.0.1", description="address that the process listens on")
    http_port: int = Field(
        8000, ge=0, le=65535, description="port that the process listens on; 0 lets the system choose"
    )
    issuer_url: HttpUrl | None = Field(None, description="OpenID Connect issuer; found by discovery")
    audience: str = Field("plut", description="audience that tokens must name")
    idempotency_key: SecretStr = Field(
        SecretStr(""),
        description="at least 32 characters for comparing repeated writes, equal on every api of a service; a secret",
    )
    web_assets: Path | None = Field(None, description="directory of the installed browser packages (node_modules)")

    traces_to: HttpUrl | None = Field(
        None,
        description="OpenTelemetry collector that takes traces (OTLP over HTTP), such as"
        " `http://collector:4318/v1/traces`; unset: none are made",
    )
    traces_ratio: float = Field(
        1.0, ge=0, le=1, description="part of the traces that are recorded, of those that begin at this process"
    )

    failpoints: str = Field(
        "", description="named faults for tests, such as `relay.after_ack=kill@0.2`; refused in production"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Files before the environment, which other processes of the same user can read."""
        del dotenv_settings, file_secret_settings
        directory = env_settings().get("secrets_dir")
        readable = directory and Path(directory).is_dir()
        files = (SecretsSettingsSource(settings_cls, secrets_dir=str(directory)),) if readable else ()
        return (init_settings, *files, env_settings)


S = TypeVar("S", bound=Settings)
_SHORTEST_SECRET = 32


def load(kind: type[S]) -> S:
    """Returns the process's settings, or ends it with status 2 and a message that names each wrong variable."""
    try:
        return kind()
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_input=False):
            name = "PLUT_" + "_".join(str(part) for part in wrong["loc"]).upper()
            description = kind.model_fields[str(wrong["loc"][0])].description if wrong["loc"] else ""
            _say(name, wrong["msg"], f"set it to: {description}" if description else "see docs/settings.md")
        raise SystemExit(2) from None


def require_secret(settings: Settings, name: str) -> bytes:
    """Returns a secret that this process cannot do without, or ends it with status 2 and a message."""
    secret: SecretStr = getattr(settings, name)
    value = secret.get_secret_value().encode()
    if len(value) < _SHORTEST_SECRET:
        wrong = f"is missing or shorter than {_SHORTEST_SECRET} characters"
        refuse(f"PLUT_{name.upper()}", wrong, f"put a random value into the file `plut_{name}` of PLUT_SECRETS_DIR")
    return value


def refuse(variable: str, wrong: str, cure: str) -> NoReturn:
    """Ends the process before it has begun: status 2, one line, no traceback."""
    _say(variable, wrong, cure)
    raise SystemExit(2)


def _say(variable: str, wrong: str, cure: str) -> None:
    sys.stderr.write(f"{variable}: {wrong}. Cure: {cure}.\n")
