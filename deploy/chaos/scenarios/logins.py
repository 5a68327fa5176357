"""The identity provider is away, changes its keys, or is asked for keys that nobody has."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import ClassVar
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.chaos import caller
from deploy.chaos.failure import Failed
from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage
from deploy.local.issuer.vault import Vault
from deploy.local.state import ProcessState
from shared.auth.principal import Role

_AWAY_SECONDS = (3.0, 8.0)
_FORGERIES = 60
_OK, _UNAUTHORIZED = 200, 401
# An api asks the issuer for its keys once in so many seconds at most, whoever presents what.
_FETCH_PAUSE_SECONDS = 10.0
# What an office head may read of each service.
_PATHS = {"registry": "/v1/businesses?office={}", "mentoring": "/v1/consultants?office={}"}


class IssuerTrouble(Scenario):
    """Whoever has a good token goes on without the issuer; a key that is gone opens nothing any more."""

    name: ClassVar[str] = "issuer-away-and-keys-changed"
    faults: ClassVar[str] = "F21"
    title: ClassVar[str] = "the issuer down; its key replaced and revoked; a storm of tokens of unknown keys"
    bites: ClassVar[Mapping[str, int]] = {
        "stops": 1,
        "writes with the issuer away": 8,
        "keys replaced": 1,
        "apis that took the new key": 4,
        "apis that refused the revoked key": 4,
        "forged tokens refused": _FORGERIES,
    }
    lasts_at_most: ClassVar[float] = 420.0

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            await self._without_issuer(stage)
            await self._new_key(stage)
            await self._forgeries(stage)

    async def _without_issuer(self, stage: Stage) -> None:
        """An api that starts meanwhile knows no key yet, and says 503 until the issuer is back."""
        await stage.hold("issuer")
        before = stage.load.acknowledged
        await stage.writes_go_on(2)
        await stage.restart("mentoring-api-2")
        await stage.rest(stage.dice.uniform(*_AWAY_SECONDS))
        await stage.writes_go_on(2)
        stage.saw("writes with the issuer away", stage.load.acknowledged - before)
        stage.release("issuer")
        await stage.healthy()

    async def _new_key(self, stage: Stage) -> None:
        office = stage.load.offices[0].office.code
        old = caller.token(stage.installation, Role.OFFICE_HEAD, office)
        for api in _apis(stage):
            await stage.until(f"{api.name} to take the key of today", partial(_told, api, office, old, _OK))
        Vault(stage.installation.secrets_dir("issuer", "issuer")).renew_signing_key()
        await stage.restart("issuer")
        await stage.healthy()
        stage.saw("keys replaced")
        stage.load.staff.forget()
        new = caller.token(stage.installation, Role.OFFICE_HEAD, office)
        for api in _apis(stage):
            await stage.until(f"{api.name} to take the new key", partial(_told, api, office, new, _OK), every=0.5)
            stage.saw("apis that took the new key")
            if not await _told(api, office, old, _UNAUTHORIZED):
                raise Failed(f"{api.name} still takes a token of the key that was revoked")
            stage.saw("apis that refused the revoked key")
        await stage.writes_go_on(2)

    async def _forgeries(self, stage: Stage) -> None:
        """Each names another key: the issuer must not be asked for each of them."""
        apis, office = _apis(stage), stage.load.offices[0].office.code
        before, begun = stage.logs.count("jwks_loaded"), time.monotonic()
        for _ in range(_FORGERIES // len(apis)):
            refused = await asyncio.gather(*(_told(api, office, _forged(), _UNAUTHORIZED) for api in apis))
            stage.saw("forged tokens refused", sum(refused))
        fetched = stage.logs.count("jwks_loaded") - before
        allowed = len(stage.processes("*-api*")) * (1 + (time.monotonic() - begun) // _FETCH_PAUSE_SECONDS)
        stage.say(f"{_FORGERIES} forged tokens had the issuer asked {fetched} times")
        if fetched > allowed:
            raise Failed(f"{_FORGERIES} forged tokens had the issuer asked {fetched} times, {allowed:g} at most")


def _apis(stage: Stage) -> list[ProcessState]:
    return [*stage.processes("registry-api*"), *stage.processes("mentoring-api*")]


async def _told(api: ProcessState, office: str, bearer: str, status: int) -> bool:
    """Tells whether an api answers a bearer's request with this status."""
    return await caller.ask(api.url + _PATHS[api.service].format(office), bearer) == status


def _forged() -> str:
    """Returns a token that looks right and is signed with a key that the issuer never had."""
    key = ECKey.generate_key("P-256", {"alg": "ES256", "kid": str(uuid4())})
    return jwt.encode({"alg": "ES256", "kid": key.kid}, {"sub": "nobody"}, key, algorithms=["ES256"])
