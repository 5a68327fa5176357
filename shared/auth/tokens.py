"""Bearer tokens: verified against the keys of one issuer, found by OpenID Connect discovery."""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from shared import metrics
from shared.auth.principal import Principal, Role
from shared.settings import Settings

ALGORITHMS = ("ES256", "RS256")
LEEWAY_SECONDS = 30
_KEYS_FRESH_SECONDS = 600.0
_FETCH_PAUSE_SECONDS = 10.0
_FETCH_TIMEOUT_SECONDS = 3.0
_CACHED_TOKENS = 4096
_LONGEST_TOKEN = 8192
_OFFICE = re.compile(r"^\d{2}\.\d{2}$")
_SUBJECT = re.compile(r"^[\x21-\x7e]{1,128}$")

FetchKeys = Callable[[], Awaitable[KeySetSerialization]]


class InvalidToken(Exception):
    """The token is not to be believed; the text says why, without repeating any of it."""


class ExpiredToken(InvalidToken):
    """It was right once."""


class IssuerUnavailable(Exception):
    """No key is known yet, and the issuer does not answer."""


@dataclass(frozen=True)
class _Known:
    principal: Principal
    expires_at: float


class Verifier:
    """Tells who stands behind a token. Holds the issuer's keys; they go on working while the issuer is away."""

    def __init__(self, settings: Settings, *, fetch: FetchKeys | None = None) -> None:
        self._issuer = str(settings.issuer_url).rstrip("/") if settings.issuer_url else ""
        self._claims = _claims_registry(self._issuer, settings.audience)
        self._fetch = fetch or (lambda: _fetch_key_set(self._issuer))
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._log = structlog.get_logger()

    @classmethod
    def from_keys(cls, settings: Settings, keys: KeySet) -> "Verifier":
        """Returns a verifier that knows the keys already and asks nobody."""

        async def known() -> KeySetSerialization:
            return keys.as_dict()

        verifier = cls(settings, fetch=known)
        verifier._adopt(keys)
        return verifier

    async def ready(self) -> None:
        """Loads the keys if there are none yet. Raises IssuerUnavailable."""
        if self._keys is None:
            await self._refetch()
        if self._keys is None:
            raise IssuerUnavailable(f"no keys from {self._issuer}")

    async def verify(self, token: str) -> Principal:
        """Returns whom the token names. Raises InvalidToken, ExpiredToken or IssuerUnavailable."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(digest)
        if known is not None:
            if known.expires_at <= time.time():
                del self._known[digest]
                raise ExpiredToken("token has expired")
            self._known.move_to_end(digest)
            return known.principal
        known = await self._verify_signature(token)
        self._known[digest] = known
        if len(self._known) > _CACHED_TOKENS:
            self._known.popitem(last=False)
        return known.principal

    async def _verify_signature(self, token: str) -> _Known:
        if len(token) > _LONGEST_TOKEN:
            raise InvalidToken("token is too long")
        await self.ready()
        if time.monotonic() - self._fetched_at > _KEYS_FRESH_SECONDS:
            self._begin_fetch()
        try:
            return self._decode(token)
        except InvalidKeyIdError:
            await self._refetch()
        try:
            return self._decode(token)
        except InvalidKeyIdError:
            raise InvalidToken("token is signed with an unknown key") from None

    def _decode(self, token: str) -> _Known:
        keys = self._keys
        if keys is None:
            raise IssuerUnavailable(f"no keys from {self._issuer}")
        try:
            claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            self._claims.validate(claims)
            return _Known(_principal(claims), float(claims["exp"]) + LEEWAY_SECONDS)
        except InvalidKeyIdError:
            raise
        except ExpiredTokenError:
            raise ExpiredToken("token has expired") from None
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise InvalidToken(getattr(error, "error", "") or type(error).__name__) from None

    async def _refetch(self) -> None:
        """Asks the issuer once, however many wait, and then pauses: forged key ids must not become a storm."""
        self._begin_fetch()
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    def _begin_fetch(self) -> None:
        if self._fetching is not None and not self._fetching.done():
            return
        self._fetching = None
        if time.monotonic() - self._tried_at >= _FETCH_PAUSE_SECONDS or self._keys is None:
            self._fetching = asyncio.create_task(self._load(), name="jwks")

    async def _load(self) -> None:
        self._tried_at = time.monotonic()
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT_SECONDS):
                self._adopt(KeySet.import_key_set(await self._fetch()))
            self._log.info("jwks_loaded", issuer=self._issuer)
        except Exception as error:  # noqa: BLE001  whatever the issuer sent: the known keys stay
            self._log.warning("jwks_not_loaded", issuer=self._issuer, error=type(error).__name__)
            metrics.JWKS_AWAY.set(1)
        else:
            metrics.JWKS_AWAY.set(0)

    def _adopt(self, keys: KeySet) -> None:
        if keys != self._keys:
            self._known.clear()  # a key that was withdrawn must not live on in what it once signed
        self._keys = keys
        self._fetched_at = time.monotonic()


def _claims_registry(issuer: str, audience: str) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )


def _principal(claims: dict[str, Any]) -> Principal:
    if not _SUBJECT.match(claims["sub"]):
        raise ValueError("sub")
    return Principal(claims["sub"], _roles(claims.get("roles", [])), _offices(claims.get("offices", [])))


def _roles(claim: object) -> frozenset[Role]:
    """Unknown roles give no right: a newer issuer may know more of them than we do."""
    known = {role.value: role for role in Role}
    return frozenset(known[name] for name in _strings(claim) if name in known)


def _offices(claim: object) -> tuple[str, ...]:
    codes = _strings(claim)
    if not all(_OFFICE.match(code) for code in codes):
        raise ValueError("offices")
    return tuple(sorted(set(codes)))


def _strings(claim: object) -> Sequence[str]:
    if not isinstance(claim, list) or not all(isinstance(item, str) for item in claim):
        raise ValueError("claim is not a list of strings")
    return claim


async def _fetch_key_set(issuer: str) -> KeySetSerialization:
    """Asks the issuer's discovery document where its keys are, and fetches them from there only."""
    import httpx

    async with httpx.AsyncClient(timeout=_FETCH_TIMEOUT_SECONDS, follow_redirects=False) as client:
        discovery = (await client.get(f"{issuer}/.well-known/openid-configuration")).raise_for_status().json()
        if str(discovery["issuer"]).rstrip("/") != issuer:
            raise ValueError("the discovery document names another issuer")
        keys: KeySetSerialization = (await client.get(discovery["jwks_uri"])).raise_for_status().json()
        return keys
