"""Somebody who asks one address once, with a token made here: for seeing what is answered, not for load."""

import httpx

from deploy.local.installation import Installation
from deploy.local.issuer.mint import Mint
from deploy.local.issuer.people import person
from deploy.local.issuer.vault import Vault
from shared.auth.principal import Role

_SECONDS = 10.0


def token(installation: Installation, role: Role, office: str | None = None) -> str:
    """Returns a token signed with the issuer's key as it is now, whether or not the issuer runs."""
    vault = Vault(installation.secrets_dir("issuer", "issuer"))
    return Mint(vault, installation.url("issuer"), "plut").access_token(person(role, office))


async def ask(url: str, bearer: str) -> int:
    """Returns the status that a GET is answered with; 0 if there is no answer."""
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
        try:
            return (await client.get(url, headers={"Authorization": f"Bearer {bearer}"})).status_code
        except httpx.TransportError:
            return 0
