"""Coming, going and listening: the login, the change hints, and how the service is."""

import time

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from services.reporting import store
from services.reporting.domain import is_stale
from services.reporting.freshness import as_of
from services.reporting.hints import Broadcaster, hints
from services.reporting.login import Gate, LoginRefused
from services.reporting.projections import TOTALS
from services.reporting.web.pages import Pages
from shared.auth.policy import Action, may
from shared.auth.principal import Principal
from shared.clock import utc_now
from shared.http.problem import Problem, at_field
from shared.postgres import UNAVAILABLE
from shared.reference.regions import regencies

PROVINCE_SCOPE = "province"


class Visits:
    """The handlers, with what they share."""

    def __init__(self, gate: Gate, broadcaster: Broadcaster, pages: Pages) -> None:
        self._gate = gate
        self._broadcaster = broadcaster
        self._pages = pages

    async def changes(self, request: Request, scope: str) -> Response:
        """Server-sent hints: something changed, fetch it if you like."""
        login = await self._gate.who(request)
        if login is None:
            raise Problem(
                401, "unauthorized", "Belum masuk", "Masa masuk Anda sudah habis.", cure="Masuk lagi di /masuk."
            )
        _check_scope(login.principal, scope)
        until = time.monotonic() + (login.expires_at - utc_now()).total_seconds()
        stream = hints(self._broadcaster, scope, request.headers.get("last-event-id"), until)
        headers = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, headers=headers, media_type="text/event-stream")

    async def status(self, request: Request) -> Response:
        """For officials, in plain words and without figures: it answers whatever is broken behind it."""
        try:
            async with request.app.state.pool.acquire(timeout=3) as connection:
                live, _, now = await store.standing(connection)
                fresh = await as_of(connection, live, TOTALS)
        except UNAVAILABLE:
            return self._pages.answer("status.html", 503, state="away", as_of=None)
        state = "late" if is_stale(fresh, now) else "fine"
        return self._pages.answer("status.html", state=state, as_of=fresh)

    async def begin_login(self, request: Request, kembali: str = "/") -> Response:
        """Sends the browser to the issuer."""
        return await self._gate.begin(request, kembali)

    async def finish_login(self, request: Request) -> Response:
        """Takes the issuer's answer."""
        try:
            return await self._gate.finish(request)
        except LoginRefused as refused:
            return self._refused(str(refused), 400)

    async def leave(self, request: Request) -> Response:
        """Ends the login."""
        try:
            return await self._gate.leave(request)
        except LoginRefused as refused:
            return self._refused(str(refused), 403)

    async def left(self) -> Response:
        """Says that the login has ended."""
        return self._pages.answer(
            "message.html",
            title="Anda sudah keluar",
            detail="Laporan tidak lagi terbuka di peramban ini.",
            cure="Tutup jendela ini, atau masuk lagi.",
            link=("/masuk", "Masuk lagi"),
        )

    def _refused(self, why: str, status: int) -> Response:
        cure, link = "Coba masuk sekali lagi.", ("/masuk", "Masuk")
        return self._pages.answer("message.html", status, title="Belum berhasil", detail=why, cure=cure, link=link)


def _check_scope(who: Principal, scope: str) -> None:
    if scope != PROVINCE_SCOPE and scope not in regencies():
        raise at_field("scope", "Cakupan tidak dikenal.", "Isi `province` atau kode kantor, misalnya 35.76.")
    allowed = who.sees_province if scope == PROVINCE_SCOPE else True
    if not (allowed and may(who, Action.READ_REPORTS, None if scope == PROVINCE_SCOPE else scope)):
        raise Problem(
            403,
            "forbidden",
            "Tidak berwenang",
            "Cakupan ini di luar kantor Anda.",
            cure="Minta kode kantor Anda sendiri.",
        )
