"""Who writes: each office's own staff, known to the issuer as confidential clients."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import httpx

from deploy.demo.writer import TRIES, GaveUpError, Token, patience
from deploy.local.installation import Installation
from deploy.local.issuer.people import person
from deploy.local.issuer.vault import Vault
from shared.auth.principal import Role

_RENEW_BEFORE_SECONDS = 60.0


class Staff:
    """Tokens of staff, fetched by client credentials and renewed before they run out."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._vault = Vault(installation.secrets_dir("issuer", "issuer"))
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)
        self._tokens: dict[str, tuple[str, float]] = {}

    async def close(self) -> None:
        await self._client.aclose()

    def subject(self, role: Role, office: str) -> str:
        """Returns the opaque subject that the tokens of a login carry."""
        return self._vault.subject(person(role, office).name)

    def colleague(self, office: str, number: int) -> str:
        """Returns the subject of a consultant who has no demo login."""
        return self._vault.subject(f"colleague {number} of {office}")

    def token_of(self, role: Role, office: str | None = None) -> Token:
        """Returns what gives a valid token of this role whenever it is asked."""
        client_id = person(role, office).client_id

        async def token() -> str:
            known, good_until = self._tokens.get(client_id, ("", 0.0))
            if time.monotonic() > good_until:
                answer = await self._fetch(client_id)
                known = str(answer["access_token"])
                good_until = time.monotonic() + float(str(answer["expires_in"])) - _RENEW_BEFORE_SECONDS
                self._tokens[client_id] = known, good_until
            return known

        return token

    def forget(self) -> None:
        """Drops every token, as a client does whose token was refused."""
        self._tokens.clear()

    async def _fetch(self, client_id: str) -> Mapping[str, object]:
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": self._vault.client_secret(client_id),
        }
        for attempt in range(TRIES):
            with suppress(httpx.TransportError):
                answer = await self._client.post(f"{self._installation.url('issuer')}/token", data=form)
                told: Mapping[str, object] = answer.raise_for_status().json()
                return told
            await asyncio.sleep(patience(attempt))
        raise GaveUpError("no token from the issuer for a minute")
