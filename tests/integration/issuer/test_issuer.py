"""The laptop's issuer, driven as a browser, a client and an attacker drive it."""

import base64
import hashlib
import re
import secrets
import stat
import sys
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from subprocess import run
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.local.issuer.app import create_issuer
from deploy.local.issuer.grants import Codes, WrongPasswords
from deploy.local.issuer.mint import Mint
from deploy.local.issuer.people import BY_CLIENT, BY_NAME, OFFICES, person
from deploy.local.issuer.settings import IssuerSettings
from deploy.local.issuer.vault import WEB_CLIENT, Vault
from shared.auth.principal import Role
from shared.auth.tokens import InvalidToken, Verifier
from shared.settings import Environment, Settings
from tests.support.api import client_of

_ADDRESS = "http://issuer.test:9000"
_BACK = "http://127.0.0.1:8003/masuk/selesai"
_VERIFIER = "v" * 64
_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()
_LOGIN = {
    "response_type": "code",
    "client_id": WEB_CLIENT,
    "redirect_uri": _BACK,
    "scope": "openid",
    "state": "state-1",
    "nonce": "nonce-1",
    "code_challenge": _CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "issuer")


@pytest_asyncio.fixture
async def client(vault: Vault) -> AsyncIterator[httpx.AsyncClient]:
    settings = IssuerSettings(env=Environment.LOCAL, issuer_url=_ADDRESS, redirect_uris=_BACK)
    async with client_of(create_issuer(settings, vault)) as open_client:
        yield open_client


@pytest.fixture
def verifier(vault: Vault) -> Verifier:
    settings = Settings(env=Environment.LOCAL, issuer_url=_ADDRESS)
    return Verifier.from_keys(settings, KeySet.import_key_set(vault.public_keys))  # type: ignore[arg-type]


async def _log_in(client: httpx.AsyncClient, vault: Vault, name: str = "office_head.35.76", **changes: str) -> str:
    form = {**_LOGIN, **changes, "username": name, "password": vault.demo_password}
    answer = await client.post("/authorize", data=form)
    assert answer.status_code == 303, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == _BACK
    told = parse_qs(back.query)
    assert told["state"] == ["state-1"]
    assert told["iss"] == [_ADDRESS]
    return told["code"][0]


async def _redeem(client: httpx.AsyncClient, vault: Vault, given: str, **changes: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": given, "redirect_uri": _BACK, "code_verifier": _VERIFIER}
    return await client.post("/token", data={**form, **changes}, auth=(WEB_CLIENT, vault.client_secret(WEB_CLIENT)))


async def test_discovery_leads_to_everything(client: httpx.AsyncClient) -> None:
    found = (await client.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == _ADDRESS
    assert found["code_challenge_methods_supported"] == ["S256"]
    keys = (await client.get(urlsplit(found["jwks_uri"]).path)).json()["keys"]
    assert [(key["kty"], key["alg"]) for key in keys] == [("EC", "ES256")]
    assert all("d" not in key for key in keys)


async def test_a_login_ends_in_tokens_that_services_believe(
    client: httpx.AsyncClient, vault: Vault, verifier: Verifier
) -> None:
    tokens = (await _redeem(client, vault, await _log_in(client, vault))).json()
    principal = await verifier.verify(tokens["access_token"])
    assert principal.roles == {Role.OFFICE_HEAD}
    assert principal.offices == ("35.76",)
    assert tokens["expires_in"] <= 600
    claims = jwt.decode(tokens["id_token"], vault.signing_key, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["nonce"], claims["sub"]) == (WEB_CLIENT, "nonce-1", principal.subject)


async def test_an_id_token_opens_no_service(client: httpx.AsyncClient, vault: Vault, verifier: Verifier) -> None:
    tokens = (await _redeem(client, vault, await _log_in(client, vault))).json()
    with pytest.raises(InvalidToken):
        await verifier.verify(tokens["id_token"])


def test_subjects_are_stable_and_name_nobody(vault: Vault) -> None:
    subjects = {name: vault.subject(name) for name in BY_NAME}
    assert len(set(subjects.values())) == len(BY_NAME)
    assert all(re.fullmatch(r"stf-[0-9a-f]{12}", subject) for subject in subjects.values())
    assert subjects == {name: Vault(vault.directory).subject(name) for name in BY_NAME}


@pytest.mark.parametrize("client_id", sorted(BY_CLIENT))
async def test_simulated_staff_get_their_own_role_and_office(
    client: httpx.AsyncClient, vault: Vault, verifier: Verifier, client_id: str
) -> None:
    answer = await client.post(
        "/token", data={"grant_type": "client_credentials"}, auth=(client_id, vault.client_secret(client_id))
    )
    principal = await verifier.verify(answer.json()["access_token"])
    somebody = BY_CLIENT[client_id]
    assert (set(principal.roles), principal.offices) == ({somebody.role}, somebody.offices)
    assert principal.subject == vault.subject(somebody.name)
    assert answer.headers["cache-control"] == "no-store"


def test_the_provinces_roles_carry_all_offices() -> None:
    for role in (Role.PROVINCE_ANALYST, Role.AUDITOR, Role.ADMINISTRATOR):
        assert person(role, None).offices == OFFICES
        with pytest.raises(ValueError, match="leave the office out"):
            person(role, "35.76")
    with pytest.raises(ValueError, match="give one of"):
        person(Role.FRONT_DESK, None)
    with pytest.raises(ValueError, match="give one of"):
        person(Role.FRONT_DESK, "35.99")


async def test_the_public_has_a_token_without_offices_and_no_login(vault: Vault, verifier: Verifier) -> None:
    anyone = person(Role.PUBLIC, None)
    principal = await verifier.verify(Mint(vault, _ADDRESS + "/", "plut").access_token(anyone))
    assert (principal.roles, principal.offices) == (frozenset({Role.PUBLIC}), ())
    assert anyone.name not in BY_NAME
    assert anyone.client_id not in BY_CLIENT
    with pytest.raises(ValueError, match="leave the office out"):
        person(Role.PUBLIC, "35.76")


async def test_a_code_works_once(client: httpx.AsyncClient, vault: Vault) -> None:
    code = await _log_in(client, vault)
    assert (await _redeem(client, vault, code)).status_code == 200
    again = await _redeem(client, vault, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"code_verifier": _CHALLENGE},
        {"redirect_uri": "http://127.0.0.1:8003/lain"},
        {"redirect_uri": ""},
        {"code": "guess"},
    ],
)
async def test_a_stolen_code_is_worth_nothing(client: httpx.AsyncClient, vault: Vault, changes: dict[str, str]) -> None:
    answer = await _redeem(client, vault, await _log_in(client, vault), **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_of_another_client_is_refused(client: httpx.AsyncClient, vault: Vault) -> None:
    code = await _log_in(client, vault)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _BACK, "code_verifier": _VERIFIER}
    answer = await client.post("/token", data=form, auth=("administrator", vault.client_secret("administrator")))
    assert answer.json()["error"] == "invalid_grant"


async def test_the_web_client_is_nobody_itself(client: httpx.AsyncClient, vault: Vault) -> None:
    auth = (WEB_CLIENT, vault.client_secret(WEB_CLIENT))
    answer = await client.post("/token", data={"grant_type": "client_credentials"}, auth=auth)
    assert answer.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("client_id", ["administrator", WEB_CLIENT, "nobody", ""])
@pytest.mark.parametrize("secret", ["", "wrong", "ä"])
async def test_a_wrong_secret_gets_nothing(client: httpx.AsyncClient, client_id: str, secret: str) -> None:
    for how in ({"auth": (client_id, secret)}, {}):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = await client.post("/token", data=form, **how)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic /w==", "Bearer x", ""])
async def test_an_unreadable_header_gets_nothing(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.post("/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})
    assert answer.status_code == 401


async def test_another_grant_is_refused(client: httpx.AsyncClient, vault: Vault) -> None:
    auth = (WEB_CLIENT, vault.client_secret(WEB_CLIENT))
    answer = await client.post("/token", data={"grant_type": "password"}, auth=auth)
    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": _BACK + "/"},
        {"redirect_uri": _BACK + "?x=1"},
        {"redirect_uri": "http://evil.test/masuk/selesai"},
        {"redirect_uri": "http://127.0.0.1:8003@evil.test/masuk/selesai"},
        {"redirect_uri": ""},
        {"client_id": "administrator"},
        {"client_id": "<script>"},
    ],
)
async def test_a_browser_is_never_sent_elsewhere(client: httpx.AsyncClient, changes: dict[str, str]) -> None:
    for answer in (
        await client.get("/authorize", params={**_LOGIN, **changes}),
        await client.post("/authorize", data={**_LOGIN, **changes, "username": "x", "password": "y"}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "<script>" not in answer.text
        assert "evil.test" not in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"state": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"nonce": "n" * 2000}, "invalid_request"),
    ],
)
async def test_a_wrong_request_goes_back_with_its_error(
    client: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    answer = await client.get("/authorize", params={**_LOGIN, **changes})
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


class _Form(HTMLParser):
    """What a browser sees of a form: labels by field, and the fields' attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.labels: set[str] = set()
        self.inputs: dict[str, dict[str, str | None]] = {}
        self.alert = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: dict[str, Any] = dict(attrs)
        if tag == "label":
            self.labels.add(found["for"])
        if tag == "input":
            self.inputs[found["name"]] = found
        self.alert = self.alert or found.get("role") == "alert"


async def test_the_page_can_be_used_by_everybody(client: httpx.AsyncClient) -> None:
    answer = await client.get("/authorize", params={**_LOGIN, "state": '"><script>alert(1)</script>'})
    assert '<html lang="id">' in answer.text
    assert "<script>" not in answer.text
    form = _Form(answer.text)
    assert form.labels == {"username", "password"}
    assert form.inputs["state"]["value"] == '"><script>alert(1)</script>'
    assert form.inputs["password"]["autocomplete"] == "current-password"
    assert "127.0.0.1:8003" in answer.headers["content-security-policy"]
    assert (await client.get("/static/masuk.css")).status_code == 200


async def test_wrong_passwords_cost_time(client: httpx.AsyncClient, vault: Vault) -> None:
    form = {**_LOGIN, "username": "auditor", "password": "wrong"}
    answers = [await client.post("/authorize", data=form) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert all(_Form(answer.text).alert for answer in answers)
    assert int(answers[-1].headers["retry-after"]) > 200
    right = await client.post("/authorize", data={**form, "password": vault.demo_password})
    assert right.status_code == 429


async def test_nobody_learns_which_logins_exist(client: httpx.AsyncClient) -> None:
    known = await client.post("/authorize", data={**_LOGIN, "username": "auditor", "password": "wrong"})
    unknown = await client.post("/authorize", data={**_LOGIN, "username": "auditur", "password": "wrong"})
    assert known.text == unknown.text.replace("auditur", "auditor")


def test_patience_returns_and_memory_is_bounded() -> None:
    now = 0.0
    wrong = WrongPasswords(lambda: now)
    for _ in range(5):
        wrong.note("as a")
    assert wrong.seconds_to_wait("as a", "as b") == 301
    now = 301.0
    assert wrong.seconds_to_wait("as a") == 0
    for number in range(10_100):
        wrong.note(str(number))
    assert len(wrong._failures) == 10_000


def test_codes_expire_and_their_number_is_bounded() -> None:
    now = 0.0
    codes = Codes(lambda: now)

    def issue() -> str:
        return codes.issue(BY_NAME["auditor"], client_id="c", redirect_uri="r", challenge="x", nonce=None)

    late = issue()
    now = 61.0
    assert codes.redeem(late) is None
    for _ in range(1_100):
        issue()
    assert len(codes._grants) == 1_000


def test_secrets_are_for_their_owner_only(vault: Vault) -> None:
    secret, password = vault.client_secret(WEB_CLIENT), vault.demo_password
    _ = vault.signing_key
    again = Vault(vault.directory)
    assert (again.client_secret(WEB_CLIENT), again.demo_password) == (secret, password)
    assert again.signing_key.kid == vault.signing_key.kid
    for name in ("signing-key.json", "demo-password", "root-secret"):
        assert stat.S_IMODE((vault.directory / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(vault.directory.stat().st_mode) == 0o700


async def test_a_token_can_be_made_for_another_subject(vault: Vault, verifier: Verifier) -> None:
    mint = Mint(vault, _ADDRESS + "/", "plut")
    signed = mint.access_token(person(Role.CONSULTANT, "35.01"), subject="stf-someone")
    assert (await verifier.verify(signed)).subject == "stf-someone"


def test_it_refuses_production(tmp_path: Path) -> None:
    environment = {"PLUT_ENV": "production", "PLUT_ISSUER_URL": _ADDRESS, "PLUT_SECRETS_DIR": str(tmp_path)}
    done = run(
        [sys.executable, "-m", "deploy.local.issuer"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("PLUT_ENV: the demo issuer does not run in production")
    assert not list(tmp_path.iterdir())


async def test_a_body_without_end_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/token", content=secrets.token_bytes(1_100_000))
    assert answer.status_code == 413
