"""Makes tokens: short-lived, signed with ES256, naming nobody."""

import time
import uuid
from typing import Any

from joserfc import jwt

from deploy.local.issuer.people import Person
from deploy.local.issuer.vault import Vault

LIFETIME_SECONDS = 600


class Mint:
    """Signs for one issuer address; works whether or not the issuer's process runs."""

    def __init__(self, vault: Vault, issuer: str, audience: str) -> None:
        self._vault = vault
        self._issuer = issuer.rstrip("/")
        self._audience = audience

    def access_token(self, person: Person, *, subject: str | None = None) -> str:
        """Returns a bearer token of the person's role and offices; `subject` replaces his own."""
        return self._sign(self._claims(person, self._audience, subject), "at+jwt")

    def id_token(self, person: Person, client_id: str, nonce: str | None, auth_time: int) -> str:
        """Returns the login's own token, for the client alone."""
        claims = self._claims(person, client_id, None) | {"auth_time": auth_time}
        return self._sign(claims | ({"nonce": nonce} if nonce else {}), "JWT")

    def _claims(self, person: Person, audience: str, subject: str | None) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self._issuer,
            "sub": subject or self._vault.subject(person.name),
            "aud": audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
            "roles": [person.role.value],
            "offices": list(person.offices),
        }

    def _sign(self, claims: dict[str, Any], kind: str) -> str:
        key = self._vault.signing_key
        return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": kind}, claims, key, algorithms=["ES256"])
