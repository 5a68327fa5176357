"""The issuer's HTTP side: discovery, keys, the code flow with PKCE, and client credentials for simulated staff."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.local.issuer.grants import CHALLENGE, Codes, WrongPasswords
from deploy.local.issuer.mint import LIFETIME_SECONDS, Mint
from deploy.local.issuer.people import BY_CLIENT, BY_NAME, Person
from deploy.local.issuer.settings import IssuerSettings
from deploy.local.issuer.vault import WEB_CLIENT, Vault
from shared.http.edge import Edge
from shared.http.probes import probe_routes

_HERE = Path(__file__).parent
_ASKED = tuple(
    "response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method".split()  # noqa: SIM905  one line
)
_LONGEST_VALUE = 1024


class LoginError(Exception):
    """The client asked wrongly; where it is not known to be ours, the browser is not sent back to it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Login:
    """A client's request to log somebody in, checked."""

    asked: Mapping[str, str]

    @property
    def redirect_uri(self) -> str:
        return self.asked["redirect_uri"]

    def back(self, issuer: str, **answer: str) -> Response:
        """Sends the browser back with the answer, the client's state, and who answers (RFC 9207)."""
        answer["iss"] = issuer
        if "state" in self.asked:
            answer["state"] = self.asked["state"]
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        return RedirectResponse(f"{self.redirect_uri}{separator}{urlencode(answer)}", 303)


class Issuer:
    """Everything that the endpoints share."""

    def __init__(self, settings: IssuerSettings, vault: Vault) -> None:
        self.address = str(settings.issuer_url).rstrip("/")
        self._vault = vault
        self._returns_to = settings.returns_to
        self._mint = Mint(vault, self.address, settings.audience)
        self._codes = Codes()
        self._wrong = WrongPasswords()
        self._pages = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)

    async def discovery(self, _request: Request) -> Response:
        return JSONResponse(_discovery(self.address))

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse(self._vault.public_keys, headers={"Cache-Control": "public, max-age=300"})

    async def show_login(self, request: Request) -> Response:
        return self._checked(request.query_params, self._form)

    async def log_in(self, request: Request) -> Response:
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        caller = request.client.host if request.client else "unknown"
        return self._checked(form, lambda login: self._try_password(login, form, caller))

    async def token(self, request: Request) -> Response:
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        client_id = self._client(request, form)
        if client_id is None:
            return _oauth_error(401, "invalid_client", "unknown client or wrong secret")
        if form.get("grant_type") == "client_credentials":
            return self._give_staff(client_id)
        if form.get("grant_type") == "authorization_code":
            return self._redeem(client_id, form)
        return _oauth_error(400, "unsupported_grant_type", "use authorization_code or client_credentials")

    def _checked(self, asked: Mapping[str, str], act: Any) -> Response:  # noqa: ANN401  a function of Login
        known = {name: asked[name] for name in _ASKED if name in asked}
        if known.get("client_id") != WEB_CLIENT or known.get("redirect_uri") not in self._returns_to:
            return self._page("gagal.html", 400)
        login = Login(known)
        try:
            _check(known)
        except LoginError as refused:
            return login.back(self.address, error=refused.error, error_description=refused.description)
        response: Response = act(login)
        return response

    def _form(self, login: Login, *, status: int = 200, wrong: str = "", username: str = "", wait: int = 0) -> Response:
        page = self._page(
            "masuk.html", status, request=login.asked, wrong=wrong, username=username, accounts=sorted(BY_NAME)
        )
        if wait:
            page.headers["Retry-After"] = str(wait)
        return page

    def _try_password(self, login: Login, form: Mapping[str, str], caller: str) -> Response:
        username = form.get("username", "").strip()[:100]
        who = (f"from {caller}", f"as {username}")
        wait = self._wrong.seconds_to_wait(*who)
        if wait:
            wrong = f"Terlalu banyak percobaan. Tunggu {wait} detik, lalu coba lagi."
            return self._form(login, status=429, wrong=wrong, username=username, wait=wait)
        person = BY_NAME.get(username)
        given = form.get("password", "").encode()
        if not hmac.compare_digest(given, self._vault.demo_password.encode()) or person is None:
            self._wrong.note(*who)
            wrong = "Nama akun atau kata sandi salah. Periksa keduanya, lalu coba lagi."
            return self._form(login, status=401, wrong=wrong, username=username)
        self._wrong.forgive(*who)
        return login.back(self.address, code=self._code_for(person, login))

    def _code_for(self, person: Person, login: Login) -> str:
        return self._codes.issue(
            person,
            client_id=login.asked["client_id"],
            redirect_uri=login.redirect_uri,
            challenge=login.asked["code_challenge"],
            nonce=login.asked.get("nonce"),
        )

    def _client(self, request: Request, form: Mapping[str, str]) -> str | None:
        client_id, secret = _basic(request.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if client_id != WEB_CLIENT and client_id not in BY_CLIENT:
            return None
        right = hmac.compare_digest(secret.encode(), self._vault.client_secret(client_id).encode())
        return client_id if right else None

    def _give_staff(self, client_id: str) -> Response:
        person = BY_CLIENT.get(client_id)
        if person is None:
            return _oauth_error(400, "unauthorized_client", "this client logs people in and is nobody itself")
        return _token_answer(access_token=self._mint.access_token(person))

    def _redeem(self, client_id: str, form: Mapping[str, str]) -> Response:
        grant = self._codes.redeem(form.get("code", ""))
        if grant is None or grant.client_id != client_id or grant.redirect_uri != form.get("redirect_uri"):
            return _oauth_error(400, "invalid_grant", "the code is unknown, used, expired, or of another login")
        if not grant.answers(form.get("code_verifier", "")):
            return _oauth_error(400, "invalid_grant", "code_verifier does not belong to code_challenge")
        return _token_answer(
            access_token=self._mint.access_token(grant.person),
            id_token=self._mint.id_token(grant.person, client_id, grant.nonce, grant.logged_in_at),
            scope="openid",
        )

    def _page(self, name: str, status: int, **values: object) -> Response:
        # Browsers hold the redirect that follows a form to form-action too.
        targets = " ".join(sorted({f"{urlsplit(uri).scheme}://{urlsplit(uri).netloc}" for uri in self._returns_to}))
        policy = f"default-src 'none'; style-src 'self'; form-action 'self' {targets}; frame-ancestors 'none'"
        html = self._pages.get_template(name).render(**values)
        return HTMLResponse(html, status, {"Content-Security-Policy": policy})


def create_issuer(settings: IssuerSettings, vault: Vault) -> Starlette:
    """Returns the issuer's application."""
    issuer = Issuer(settings, vault)

    async def ready() -> str | None:
        return None

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", issuer.discovery),
            Route("/jwks", issuer.jwks),
            Route("/authorize", issuer.show_login, methods=["GET"]),
            Route("/authorize", issuer.log_in, methods=["POST"]),
            Route("/token", issuer.token, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
            *probe_routes("issuer", "issuer", live=lambda: None, ready=ready),
        ],
        middleware=[Middleware(Edge)],
    )


def _discovery(address: str) -> dict[str, Any]:
    return {
        "issuer": address,
        "authorization_endpoint": f"{address}/authorize",
        "token_endpoint": f"{address}/token",
        "jwks_uri": f"{address}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "roles", "offices"],
        "authorization_response_iss_parameter_supported": True,
    }


def _check(asked: Mapping[str, str]) -> None:
    if any(len(value) > _LONGEST_VALUE for value in asked.values()):
        raise LoginError("invalid_request", "a parameter is too long")
    if asked.get("response_type") != "code":
        raise LoginError("unsupported_response_type", "response_type must be code")
    if "openid" not in asked.get("scope", "").split():
        raise LoginError("invalid_scope", "scope must contain openid")
    if not asked.get("state"):
        raise LoginError("invalid_request", "state is required")
    if asked.get("code_challenge_method") != "S256" or not CHALLENGE.match(asked.get("code_challenge", "")):
        raise LoginError("invalid_request", "PKCE with code_challenge_method S256 is required")


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _token_answer(**tokens: str) -> Response:
    return JSONResponse(
        {**tokens, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS}, headers={"Pragma": "no-cache"}
    )


def _oauth_error(status: int, error: str, description: str) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="plut"'} if status == 401 else {}
    return JSONResponse({"error": error, "error_description": description}, status, headers)
