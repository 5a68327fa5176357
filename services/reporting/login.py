"""Logging in with a browser: code flow with PKCE on the server, an opaque cookie, and no token in the browser."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.reporting import store
from services.reporting.settings import ReportingSettings
from services.reporting.store import Login
from shared.auth.tokens import InvalidToken, IssuerUnavailable, Verifier
from shared.clock import utc_now
from shared.postgres import Pool
from shared.settings import Environment, refuse, require_secret

RETURNS_TO = "/masuk/selesai"
_ATTEMPT_SECONDS = 600
_ISSUER_SECONDS = 5.0
_log = structlog.get_logger()


class LoginRefused(Exception):
    """The browser came back without what it was sent for; the text says why, in Bahasa."""


@dataclass(frozen=True)
class _Attempt:
    """What a login remembers in the browser, signed, while the person is at the issuer."""

    state: str
    verifier: str
    returns_to: str


class Gate:
    """Knows who stands behind a browser's cookie, and sends the others to the issuer."""

    def __init__(
        self,
        settings: ReportingSettings,
        pool: Pool,
        verifier: Verifier,
        to_issuer: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if settings.env is Environment.PRODUCTION and settings.public_url is None:
            refuse("PLUT_PUBLIC_URL", "is not set", "set it to the address of the pages as browsers see it")
        self._settings = settings
        self._pool = pool
        self._verifier = verifier
        self._to_issuer = to_issuer
        self._secret = require_secret(settings, "web_client_secret").decode()
        self._seal = URLSafeTimedSerializer(self._secret, salt="plut login attempt")
        self._issuer = str(settings.issuer_url or "").rstrip("/")

    async def who(self, request: Request) -> Login | None:
        """Returns the login of the browser that asks, or None if it has none that is still good."""
        cookie = request.cookies.get(self._cookie(request))
        if not cookie:
            return None
        async with self._pool.acquire(timeout=5) as connection:
            return await store.find_login(connection, _digest(cookie), utc_now())

    async def begin(self, request: Request, returns_to: str) -> Response:
        """Sends the browser to the issuer. Raises IssuerUnavailable."""
        attempt = _Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(48), local_path(returns_to))
        address = prepare_grant_uri(
            (await self._discover())["authorization_endpoint"],
            self._settings.web_client_id,
            "code",
            redirect_uri=self._redirect_uri(request),
            scope="openid",
            state=attempt.state,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        response = RedirectResponse(address, 303)
        sealed = self._seal.dumps([attempt.state, attempt.verifier, attempt.returns_to])
        self._set(response, request, self._attempt_cookie(request), sealed, _ATTEMPT_SECONDS)
        return response

    async def finish(self, request: Request) -> Response:
        """Redeems the code and sends the browser where it wanted to go. Raises LoginRefused, IssuerUnavailable."""
        attempt = self._attempt(request)
        token = await self._redeem(request, attempt, request.query_params.get("code", ""))
        try:
            principal = await self._verifier.verify(token)
        except InvalidToken as error:
            _log.warning("login_token_refused", reason=str(error))
            raise LoginRefused("Jawaban layanan masuk tidak dapat dipercaya.") from None
        now = utc_now()
        lifetime = timedelta(minutes=self._settings.login_minutes)
        cookie = secrets.token_urlsafe(32)
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            await store.remember_login(connection, _digest(cookie), Login(principal, now + lifetime), now)
        response = RedirectResponse(attempt.returns_to, 303)
        self._set(response, request, self._cookie(request), cookie, int(lifetime.total_seconds()))
        response.delete_cookie(self._attempt_cookie(request), path="/", secure=self._is_https(request), httponly=True)
        return response

    async def leave(self, request: Request) -> Response:
        """Ends the login here. Raises LoginRefused for a request that another site had the browser send."""
        if not self._is_own(request):
            raise LoginRefused("Permintaan keluar datang dari situs lain.")
        cookie = request.cookies.get(self._cookie(request))
        if cookie:
            async with self._pool.acquire(timeout=5) as connection:
                await store.forget_login(connection, _digest(cookie))
        response = RedirectResponse("/keluar", 303)
        response.delete_cookie(self._cookie(request), path="/", secure=self._is_https(request), httponly=True)
        return response

    def _attempt(self, request: Request) -> _Attempt:
        if "error" in request.query_params:
            raise LoginRefused("Layanan masuk menolak permintaan ini.")
        try:
            remembered = self._seal.loads(
                request.cookies.get(self._attempt_cookie(request), ""), max_age=_ATTEMPT_SECONDS
            )
        except BadSignature:
            raise LoginRefused("Waktu untuk masuk sudah habis, atau cookie dimatikan di peramban ini.") from None
        attempt = _Attempt(*remembered)
        if not secrets.compare_digest(attempt.state, request.query_params.get("state", "")):
            raise LoginRefused("Jawaban ini milik percobaan masuk yang lain.")
        return attempt

    async def _redeem(self, request: Request, attempt: _Attempt, code: str) -> str:
        endpoint = (await self._discover())["token_endpoint"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri(request),
            "code_verifier": attempt.verifier,
        }
        answer = await self._ask("POST", endpoint, data=form, auth=(self._settings.web_client_id, self._secret))
        token = answer.get("access_token")
        if not isinstance(token, str):
            _log.warning("login_code_refused", error=answer.get("error"))
            raise LoginRefused("Kode masuk sudah dipakai atau tidak berlaku lagi.")
        return token

    async def _discover(self) -> dict[str, Any]:
        found = await self._ask("GET", f"{self._issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self._issuer:
            raise IssuerUnavailable("the discovery document names another issuer")
        return found

    def _transport(self) -> httpx.AsyncBaseTransport:
        return self._to_issuer or httpx.AsyncHTTPTransport()

    async def _ask(self, method: str, address: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401  httpx's own
        try:
            async with httpx.AsyncClient(transport=self._transport(), timeout=_ISSUER_SECONDS) as client:
                answer = await client.request(method, address, **content)
                found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise IssuerUnavailable(f"{method} {address}: {type(error).__name__}") from None
        if answer.is_server_error or not isinstance(found, dict):
            raise IssuerUnavailable(f"{method} {address}: {answer.status_code}")
        return found

    # What depends on the address that browsers see

    def _address(self, request: Request) -> str:
        return str(self._settings.public_url or request.base_url).rstrip("/")

    def _redirect_uri(self, request: Request) -> str:
        return self._address(request) + RETURNS_TO

    def _is_https(self, request: Request) -> bool:
        return self._address(request).startswith("https:")

    def _is_own(self, request: Request) -> bool:
        """Origin is missing where neither scheme nor script sent it; then SameSite has kept the cookie away."""
        origin = request.headers.get("origin")
        ours = urlsplit(self._address(request))
        return origin is None or origin == f"{ours.scheme}://{ours.netloc}"

    def _cookie(self, request: Request) -> str:
        return "__Host-plut" if self._is_https(request) else "plut"

    def _attempt_cookie(self, request: Request) -> str:
        return f"{self._cookie(request)}-masuk"

    def _set(self, response: Response, request: Request, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self._is_https(request), httponly=True, samesite="lax"
        )


def local_path(address: str) -> str:
    """Returns the address if it is a path of ours, else `/`: nobody is sent to another site after logging in."""
    plain = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if plain and address.isprintable() and len(address) <= 512 else "/"


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
