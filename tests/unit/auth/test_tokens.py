"""Tokens that are not to be believed, and an issuer that comes and goes."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, KeySetSerialization, RSAKey
from joserfc.jws import JWSRegistry

from shared.auth import tokens as auth
from shared.auth.principal import Role
from shared.auth.tokens import ExpiredToken, InvalidToken, IssuerUnavailable, Verifier
from shared.settings import Environment, Settings
from tests.support import tokens
from tests.support.tokens import KEY, claims, token, with_edge


@pytest.fixture
def settings() -> Settings:
    return with_edge(Settings(env=Environment.LOCAL))


@pytest.fixture
def verifier(settings: Settings) -> Verifier:
    return tokens.verifier(settings)


def _signed(key: Any, header: dict[str, Any], body: dict[str, Any], algorithm: str) -> str:
    return jwt.encode({"alg": algorithm, **header}, body, key, algorithms=[algorithm])


def _by_hand(header: dict[str, Any], body: object, sign: Callable[[bytes], bytes]) -> str:
    """What no honest library signs."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, body)]
    message = b".".join(parts)
    return b".".join([message, base64.urlsafe_b64encode(sign(message)).rstrip(b"=")]).decode()


def _unsigned(header: dict[str, Any], body: object) -> str:
    return _by_hand(header, body, lambda _message: b"")


def _with_public_key_as_secret(header: dict[str, Any]) -> str:
    pem = KEY.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return _by_hand(header, _GOOD, lambda message: hmac.digest(pem, message, hashlib.sha256))


def _with_own_key(header: dict[str, Any], body: object = None) -> str:
    return _by_hand(header, body or _GOOD, lambda message: JWSRegistry.algorithms["ES256"].sign(message, KEY))


async def test_a_good_token_names_its_bearer(verifier: Verifier) -> None:
    principal = await verifier.verify(token(Role.FRONT_DESK, offices=("35.76", "35.01"), subject="stf-9"))
    assert principal.subject == "stf-9"
    assert principal.roles == {Role.FRONT_DESK}
    assert principal.offices == ("35.01", "35.76")


_STRANGER = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
_GOOD = claims(Role.ADMINISTRATOR)
_FORGED: dict[str, Callable[[], str]] = {
    "no signature": lambda: _unsigned({"alg": "none"}, _GOOD),
    "no signature, known key": lambda: _unsigned({"alg": "none", "kid": KEY.kid}, _GOOD),
    "the public key as a shared secret": lambda: _with_public_key_as_secret({"alg": "HS256", "kid": KEY.kid}),
    "another key under a known id": lambda: _signed(_STRANGER, {"kid": KEY.kid}, _GOOD, "ES256"),
    "an unknown key": lambda: _signed(_STRANGER, {"kid": _STRANGER.kid}, _GOOD, "ES256"),
    "a key that comes with the token": lambda: _signed(
        _STRANGER, {"kid": _STRANGER.kid, "jwk": _STRANGER.as_dict(private=False)}, _GOOD, "ES256"
    ),
    "a key from another address": lambda: _signed(
        _STRANGER, {"kid": _STRANGER.kid, "jku": "https://evil.test/jwks"}, _GOOD, "ES256"
    ),
    "an algorithm that the key is not for": lambda: _signed(
        RSAKey.generate_key(2048), {"kid": KEY.kid}, _GOOD, "RS256"
    ),
    "claims changed after signing": lambda: _with_other_claims(token(Role.FRONT_DESK)),
    "a signature cut short": lambda: token(Role.FRONT_DESK)[:-8],
    "another issuer": lambda: token(Role.FRONT_DESK, iss="https://evil.test"),
    "the issuer's address and more": lambda: token(Role.FRONT_DESK, iss=tokens.ISSUER + "/evil"),
    "no issuer": lambda: token(Role.FRONT_DESK, iss=None),
    "another audience": lambda: token(Role.FRONT_DESK, aud="plut-web"),
    "no audience": lambda: token(Role.FRONT_DESK, aud=None),
    "no expiry": lambda: token(Role.FRONT_DESK, exp=None),
    "an expiry that is a text": lambda: token(Role.FRONT_DESK, exp="tomorrow"),
    "an expiry beyond any clock": lambda: token(Role.FRONT_DESK, exp=10**400),
    "valid from tomorrow": lambda: token(Role.FRONT_DESK, nbf=int(time.time()) + 86_400),
    "issued tomorrow": lambda: token(Role.FRONT_DESK, iat=int(time.time()) + 86_400),
    "no subject": lambda: token(Role.FRONT_DESK, sub=None),
    "an empty subject": lambda: token(Role.FRONT_DESK, sub=""),
    "a subject with a line break": lambda: token(Role.FRONT_DESK, sub="stf\n1"),
    "a subject that is a list": lambda: token(Role.FRONT_DESK, sub=["stf-1"]),
    "a subject without end": lambda: token(Role.FRONT_DESK, sub="s" * 200),
    "roles that are a text": lambda: token(Role.FRONT_DESK, roles="administrator"),
    "offices that are no codes": lambda: token(Role.FRONT_DESK, offices=()) and token(offices=("35.76' or '1",)),
    "offices with a comma": lambda: token(Role.FRONT_DESK, offices=("35.76,35.01",)),
    "an unknown critical header": lambda: _with_own_key({"alg": "ES256", "kid": KEY.kid, "crit": ["evil"], "evil": 1}),
    "a very long token": lambda: token(Role.FRONT_DESK, padding="x" * 20_000),
    "nothing": lambda: "",
    "two dots": lambda: "..",
    "no token at all": lambda: "plut",
    "letters that are no base64": lambda: "ä.ö.ü",
    "a NUL": lambda: "\x00.\x00.\x00",
    "half a letter": lambda: "\ud800.\ud800.\ud800",
    "claims that are a list": lambda: _with_own_key({"alg": "ES256", "kid": KEY.kid}, ["sub"]),
}


def _with_other_claims(good: str) -> str:
    head, _, signature = good.split(".")
    body = base64.urlsafe_b64encode(json.dumps(_GOOD).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


async def test_what_the_tests_sign_by_hand_is_believed_when_honest(verifier: Verifier) -> None:
    assert (await verifier.verify(_with_own_key({"alg": "ES256", "kid": KEY.kid}))).has(Role.ADMINISTRATOR)


@pytest.mark.parametrize("forgery", sorted(_FORGED))
async def test_a_forged_token_is_not_believed(verifier: Verifier, forgery: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(_FORGED[forgery]())


async def test_an_expired_token_is_told_apart(verifier: Verifier) -> None:
    with pytest.raises(ExpiredToken):
        await verifier.verify(token(Role.FRONT_DESK, exp=int(time.time()) - 60))


async def test_clocks_may_differ_by_less_than_half_a_minute(verifier: Verifier) -> None:
    now = int(time.time())
    await verifier.verify(token(Role.FRONT_DESK, exp=now - 20))
    await verifier.verify(token(Role.FRONT_DESK, nbf=now + 20))


async def test_a_known_token_expires_too(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    good = token(Role.FRONT_DESK, exp=int(time.time()) + 300)
    await verifier.verify(good)
    later = time.time() + 400
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(ExpiredToken):
        await verifier.verify(good)


async def test_unknown_roles_give_no_right(verifier: Verifier) -> None:
    principal = await verifier.verify(token(roles=["front_desk", "emperor"]))
    assert principal.roles == {Role.FRONT_DESK}


async def test_what_is_remembered_is_bounded(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_CACHED_TOKENS", 3)
    for number in range(5):
        await verifier.verify(token(Role.FRONT_DESK, subject=f"stf-{number}"))
    assert len(verifier._known) == 3


class Issuer:
    """An issuer's key set that can be changed and taken away."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.away = False

    async def fetch(self) -> KeySetSerialization:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionRefusedError
        return KeySet(list(self.keys)).as_dict(private=False)


async def test_keys_are_fetched_once_for_many_who_wait(settings: Settings) -> None:
    issuer = Issuer(KEY)
    verifier = Verifier(settings, fetch=issuer.fetch)
    await asyncio.gather(*(verifier.verify(token(Role.FRONT_DESK, subject=f"stf-{n}")) for n in range(20)))
    assert issuer.asked == 1


async def test_an_issuer_that_never_answered_makes_us_unavailable_not_wrong(settings: Settings) -> None:
    issuer = Issuer(KEY)
    issuer.away = True
    verifier = Verifier(settings, fetch=issuer.fetch)
    with pytest.raises(IssuerUnavailable):
        await verifier.verify(token(Role.FRONT_DESK))
    issuer.away = False
    await verifier.verify(token(Role.FRONT_DESK))


async def test_known_keys_work_while_the_issuer_is_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(KEY)
    verifier = Verifier(settings, fetch=issuer.fetch)
    await verifier.ready()
    issuer.away = True
    later = time.monotonic() + 10_000
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert (await verifier.verify(token(Role.FRONT_DESK))).roles == {Role.FRONT_DESK}


async def test_a_new_key_is_asked_for_once_and_then_not_for_a_while(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    issuer = Issuer(KEY)
    verifier = Verifier(settings, fetch=issuer.fetch)
    await verifier.ready()
    issuer.keys.append(_STRANGER)
    of_new_key = _signed(_STRANGER, {"kid": _STRANGER.kid}, claims(Role.FRONT_DESK), "ES256")
    clock += 11
    await verifier.verify(of_new_key)
    assert issuer.asked == 2
    for number in range(20):
        unknown = _signed(_STRANGER, {"kid": f"unknown-{number}"}, claims(Role.FRONT_DESK), "ES256")
        with pytest.raises(InvalidToken):
            await verifier.verify(unknown)
    assert issuer.asked == 2


async def test_what_a_withdrawn_key_signed_is_forgotten(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    issuer = Issuer(KEY, _STRANGER)
    verifier = Verifier(settings, fetch=issuer.fetch)
    stolen = _signed(_STRANGER, {"kid": _STRANGER.kid}, claims(Role.ADMINISTRATOR), "ES256")
    await verifier.verify(stolen)
    issuer.keys.remove(_STRANGER)
    clock += 601
    await verifier.verify(token(Role.FRONT_DESK))
    assert verifier._fetching is not None
    await verifier._fetching
    with pytest.raises(InvalidToken):
        await verifier.verify(stolen)
