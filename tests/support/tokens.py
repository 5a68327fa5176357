"""A key of the tests' own: tokens that a Verifier believes without any network."""

import time
from typing import Any, TypeVar

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from shared.auth.principal import Role
from shared.auth.tokens import Verifier
from shared.settings import Settings

SettingsT = TypeVar("SettingsT", bound=Settings)
ISSUER = "https://issuer.test"
KEY = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
KEYS = KeySet([KEY])

_SECRETS = {name: f"for-tests-only-{name}-0123456789abcdef" for name in ("idempotency_key", "web_client_secret")}


def with_edge(settings: SettingsT) -> SettingsT:
    """Returns the settings with what an api needs besides: an issuer and secrets."""
    return type(settings).model_validate({**settings.model_dump(), "issuer_url": ISSUER, **_SECRETS})


def verifier(settings: Settings) -> Verifier:
    """Returns a verifier that knows the tests' key; `settings` come from `with_edge`."""
    return Verifier.from_keys(settings, KeySet([ECKey.import_key(KEY.as_dict(private=False))]))


def claims(
    *roles: Role, offices: tuple[str, ...] = ("35.76",), subject: str = "stf-test", **changes: Any
) -> dict[str, Any]:
    """Returns the claims of a good token; `changes` replace some, None removes one."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": "plut",
        "sub": subject,
        "iat": now,
        "exp": now + 3600,  # a test run may take longer than a real token lasts
        "roles": [role.value for role in roles],
        "offices": list(offices),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def token(*roles: Role, offices: tuple[str, ...] = ("35.76",), subject: str = "stf-test", **changes: Any) -> str:
    """Returns a signed token of these roles in these offices."""
    header = {"alg": "ES256", "kid": KEY.kid}
    return jwt.encode(header, claims(*roles, offices=offices, subject=subject, **changes), KEY, algorithms=["ES256"])


def bearer(*roles: Role, offices: tuple[str, ...] = ("35.76",), subject: str = "stf-test") -> dict[str, str]:
    """Returns the Authorization header of such a person."""
    return {"Authorization": f"Bearer {token(*roles, offices=offices, subject=subject)}"}
