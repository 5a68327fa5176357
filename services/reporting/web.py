"""The pages: rendered here, whole without scripts, and moving by themselves with them."""

import json
import time
from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.reporting import answers, store, wording
from services.reporting.answers import Overview
from services.reporting.assets import Assets
from services.reporting.domain import Period, is_stale
from services.reporting.freshness import as_of
from services.reporting.hints import Broadcaster, hints
from services.reporting.login import RETURNS_TO, Gate, LoginRefused
from services.reporting.projections import TOTALS
from services.reporting.projections.office_activity import Activity
from services.reporting.settings import TEMPLATES, ReportingSettings
from services.reporting.store import Login
from shared import days
from shared.auth.policy import Action, may
from shared.auth.principal import PROVINCE_ROLES, Principal
from shared.clock import utc_now
from shared.http.problem import FieldProblem, Problem, at_field
from shared.postgres import UNAVAILABLE
from shared.reference.regions import regencies

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
)
PERIODS = {"hari": Period.DAY, "bulan": Period.MONTH, "tahun": Period.YEAR, "semua": Period.ALL}
PROVINCE = "province"


class Pages:
    """Templates with what all of them need."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = assets.path
        for written in (wording.number, wording.hours, wording.clock, wording.wib_day, days.day, days.month):
            self._environment.filters[written.__name__] = written

    def render(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)

    def answer(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """Returns a page; it is nobody's to keep, for it may hold the figures of one office."""
        html = self.render(template, **values)
        return HTMLResponse(html, status, {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


def routes(settings: ReportingSettings, gate: Gate, broadcaster: Broadcaster) -> APIRouter:
    """Returns the routes of all pages, their files and the change hints."""
    assets = Assets(settings.web_assets)
    site = _Site(gate, broadcaster, Pages(assets))
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", site.overview, methods=["GET"])
    router.add_api_route("/ringkasan", site.figures, methods=["GET"])
    router.add_api_route("/perubahan", site.changes, methods=["GET"])
    router.add_api_route("/status", site.status, methods=["GET"])
    router.add_api_route("/masuk", site.begin_login, methods=["GET"])
    router.add_api_route(RETURNS_TO, site.finish_login, methods=["GET"])
    router.add_api_route("/keluar", site.left, methods=["GET"])
    router.add_api_route("/keluar", site.leave, methods=["POST"])

    async def file(request: Request, digest: str, name: str) -> Response:
        del digest  # only makes the address another one when the content changes
        found = assets.answer(request, name)
        if found is None:
            raise Problem(404, "not-found", "Tidak ditemukan", "Berkas ini tidak ada.", cure="Muat ulang halamannya.")
        return found

    router.add_api_route("/static/{digest}/{name}", file, methods=["GET"])
    return router


def install(app: FastAPI, settings: ReportingSettings, broadcaster: Broadcaster) -> None:
    """Lets browsers read problems as pages, and change hints end when the process does."""
    broadcaster.closing = app.state.stopping
    app.add_middleware(ProblemPages, pages=Pages(Assets(settings.web_assets)))


class _Site:
    """The handlers, with what they share."""

    def __init__(self, gate: Gate, broadcaster: Broadcaster, pages: Pages) -> None:
        self._gate = gate
        self._broadcaster = broadcaster
        self._pages = pages

    async def overview(self, request: Request, periode: str = "bulan") -> Response:
        login = await self._gate.who(request)
        if login is None:
            return RedirectResponse(_login_address(request), 303)
        return await self._show(request, login, periode, "overview.html")

    async def figures(self, request: Request, periode: str = "bulan") -> Response:
        """The part of the overview that moves."""
        login = await self._gate.who(request)
        if login is None:
            return Response(status_code=401, headers={"HX-Redirect": "/masuk"})
        return await self._show(request, login, periode, "figures.html")

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
                now = await store.database_clock(connection)
                fresh = await as_of(connection, await store.live_set(connection), TOTALS)
        except UNAVAILABLE:
            return self._pages.answer("status.html", 503, state="away", as_of=None)
        state = "late" if is_stale(fresh, now) else "fine"
        return self._pages.answer("status.html", state=state, as_of=fresh)

    async def begin_login(self, request: Request, kembali: str = "/") -> Response:
        return await self._gate.begin(request, kembali)

    async def finish_login(self, request: Request) -> Response:
        try:
            return await self._gate.finish(request)
        except LoginRefused as refused:
            return self._refused(str(refused), 400)

    async def leave(self, request: Request) -> Response:
        try:
            return await self._gate.leave(request)
        except LoginRefused as refused:
            return self._refused(str(refused), 403)

    async def left(self) -> Response:
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

    async def _show(self, request: Request, login: Login, periode: str, template: str) -> Response:
        if not may(login.principal, Action.READ_REPORTS):
            return self._no_reports(login.principal)
        if periode not in PERIODS:
            wrong = FieldProblem("periode", "Periode tidak dikenal.", f"Pilih salah satu: {', '.join(PERIODS)}.")
            raise Problem(422, "invalid-input", "Alamat tidak sah", wrong.message, cure=wrong.cure, errors=[wrong])
        async with answers.snapshot(request.app.state.pool, login.principal, answers.OVERVIEW_TOTALS) as seen:
            found = await answers.of_overview(seen)
        return self._pages.answer(template, **_view(found, login.principal, periode))

    def _no_reports(self, who: Principal) -> Response:
        return self._pages.answer(
            "message.html",
            403,
            title="Laporan ini bukan untuk peran Anda",
            detail=f"Anda masuk sebagai {wording.role(who).lower()}. Peran ini tidak melihat laporan kinerja.",
            cure="Kepala kantor, analis provinsi dan auditor melihatnya. Bila peran Anda keliru, minta administrator.",
            link=None,
            leave=True,
        )


def _login_address(request: Request) -> str:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/masuk?kembali={quote(asked, safe='')}"


def _check_scope(who: Principal, scope: str) -> None:
    if scope != PROVINCE and scope not in regencies():
        raise at_field("scope", "Cakupan tidak dikenal.", "Isi `province` atau kode kantor, misalnya 35.76.")
    allowed = who.has(*PROVINCE_ROLES) if scope == PROVINCE else True
    if not (allowed and may(who, Action.READ_REPORTS, None if scope == PROVINCE else scope)):
        raise Problem(
            403,
            "forbidden",
            "Tidak berwenang",
            "Cakupan ini di luar kantor Anda.",
            cure="Minta kode kantor Anda sendiri.",
        )


# What the overview shows


def _view(found: Overview, who: Principal, periode: str) -> dict[str, Any]:
    period = PERIODS[periode]
    whole = who.has(*PROVINCE_ROLES)
    most = max((one.activity[period].sessions for one in found.offices), default=0)
    return {
        "instant": found.instant,
        "stale": is_stale(found.instant.as_of, found.instant.now),
        "heading": "PLUT se-Jawa Timur" if whole else _own_heading(found),
        "scope": PROVINCE if whole else next(iter(who.offices), PROVINCE),
        "role": wording.role(who),
        "periode": periode,
        "periods": _period_names(found.instant.today),
        "sum": found.province(period),
        "active": found.businesses(),
        "kinds": [
            (label, found.businesses(kind=kind))
            for kind, label in (("umkm", "UMKM"), ("ikm", "IKM"), ("cooperative", "Koperasi"))
        ],
        "offices": [
            (one.office, one.activity[period], _share(one.activity[period].sessions, most)) for one in found.offices
        ],
        "busy": sum(1 for one in found.offices if one.activity[period] != Activity()),
        "trend": _bars(found.trend),
        "regions": _regions(found),
    }


def _own_heading(found: Overview) -> str:
    return ", ".join(one.office.name for one in found.offices) or "PLUT"


def _period_names(today: date) -> dict[str, tuple[str, str]]:
    return {
        "hari": ("Hari ini", days.day(today)),
        "bulan": ("Bulan ini", days.month(today)),
        "tahun": ("Tahun ini", str(today.year)),
        "semua": ("Semua", "sejak awal"),
    }


def _share(part: int, whole: int) -> int:
    """Returns the part in percent of the whole, for a bar; something is never drawn as nothing."""
    return max(2, round(100 * part / whole)) if part else 0


def _bars(trend: Sequence[tuple[date, Activity]]) -> list[dict[str, object]]:
    most = max((done.sessions for _, done in trend), default=0)
    return [
        {"x": place * 10, "height": _share(done.sessions, most), "day": at, "sessions": done.sessions}
        for place, (at, done) in enumerate(trend)
    ]


def _regions(found: Overview) -> list[tuple[str, dict[str, int]]]:
    """Each kabupaten/kota with its active businesses by kind, `*` counting each once."""
    counted: dict[str, dict[str, int]] = {code: {} for code in regencies()}
    for one in found.counts:
        if one.status == "active":
            kinds = counted.setdefault(one.regency, {})
            kinds[one.kind] = kinds.get(one.kind, 0) + one.businesses
    named = [(regencies()[code].name if code in regencies() else code, kinds) for code, kinds in counted.items()]
    return sorted(named, key=lambda row: (-row[1].get("*", 0), row[0]))


# Problems as pages


class ProblemPages:
    """Turns problem+json into a page for whoever asks for HTML. Outermost, so that it sees all of them."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Translator(self._pages, send))


class _Translator:
    def __init__(self, pages: Pages, send: Send) -> None:
        self._pages = pages
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._tell(self._start)

    async def _tell(self, start: Message) -> None:
        problem = json.loads(self._body)
        html = self._pages.render(
            "message.html",
            title=problem["title"],
            detail=problem["detail"],
            cure=problem["cure"],
            link=("/", "Ke ringkasan"),
            reference=problem["correlation_id"] if start["status"] >= 500 else None,
        ).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["Content-Type"] = "text/html; charset=utf-8"
        headers["Content-Length"] = str(len(html))
        headers["Content-Security-Policy"] = POLICY
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": html})


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("application/problem+json")
