"""How this process reaches Postgres and Kafka: in the clear, or by TLS that checks who answers.

Every client of either takes its options from here, so that none of them is forgotten.
"""

import ssl
from pathlib import Path
from typing import Any

from shared.settings import KafkaSecurity, PostgresTls, Settings, refuse


def postgres_tls(settings: Settings) -> ssl.SSLContext | bool:
    """Returns what asyncpg takes as `ssl`: False, or a context that checks chain and host name.

    asyncpg falls back from neither to the other (from None it would). Ends the process if the CA's file is of no use.
    """
    if settings.postgres_sslmode is PostgresTls.DISABLE:
        return False
    return _trusting("PLUT_POSTGRES_CA_FILE", settings.postgres_ca_file)


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Returns the options by which every client of aiokafka connects, addresses included.

    Ends the process if what SASL_SSL needs is missing.
    """
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka_bootstrap.split(",")}
    if settings.kafka_security_protocol is KafkaSecurity.PLAINTEXT:
        return options
    if not settings.kafka_user:
        refuse("PLUT_KAFKA_USER", "is not set", "name this process's own user, see docs/connections.md")
    password = settings.kafka_password.get_secret_value()
    if not password:
        refuse("PLUT_KAFKA_PASSWORD", "is not set", "put it into the file `plut_kafka_password` of PLUT_SECRETS_DIR")
    return {
        **options,
        "security_protocol": settings.kafka_security_protocol.value,
        "ssl_context": _trusting("PLUT_KAFKA_CA_FILE", settings.kafka_ca_file),
        "sasl_mechanism": settings.kafka_sasl_mechanism.value,
        "sasl_plain_username": settings.kafka_user,
        "sasl_plain_password": password,
    }


def _trusting(variable: str, ca_file: Path | None) -> ssl.SSLContext:
    """Returns a context that trusts this CA alone: the machine's own CAs vouch for half the world."""
    if ca_file is None:
        refuse(variable, "is not set", "name the PEM file of the CA that signed the server's certificate")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        refuse(variable, f"{ca_file} cannot be used: {error}", "name a readable PEM file with the CA's certificate")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
