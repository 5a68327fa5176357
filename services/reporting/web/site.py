"""The pages with figures: who may see them, and what they are asked for."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from services.reporting import answers, wording
from services.reporting.answers import Snapshot
from services.reporting.answers.attention import Thresholds
from services.reporting.login import Gate
from services.reporting.projections import TOTALS
from services.reporting.web import tables
from services.reporting.web.asking import Asked, period_of
from services.reporting.web.evidence import Question, evidence
from services.reporting.web.live import Live, Moving
from services.reporting.web.office import office
from services.reporting.web.overview import overview
from services.reporting.web.region import region, region_asked
from shared.auth.policy import Action, may
from shared.auth.principal import Principal
from shared.clock import business_day, utc_now
from shared.http.problem import Problem
from shared.http.requests import allow
from shared.reference.regions import regencies

Page = Callable[[Principal, Mapping[str, str]], Moving]


class Site:
    """The handlers, with what they share."""

    def __init__(self, gate: Gate, live: Live, thresholds: Thresholds) -> None:
        self._gate = gate
        self._live = live
        self._thresholds = thresholds

    async def overview(self, request: Request) -> Response:
        """The province, or the office of its head."""
        return await self._shown(request, self._overview)

    async def region(self, request: Request, code: str) -> Response:
        """A kabupaten, kota or kecamatan: the businesses there that the caller's offices look after."""
        return await self._shown(request, lambda who, told: _region(code, who, told))

    async def office(self, request: Request, code: str) -> Response:
        """One office."""
        return await self._shown(request, lambda who, told: _office(code, who, told))

    async def evidence(self, request: Request, code: str) -> Response:
        """The events behind a figure."""
        who = await self._reader(request)
        if isinstance(who, Response):
            return who
        asked = Question.of(code, request.query_params)
        if asked.kantor:
            allow(who, Action.READ_REPORTS, asked.kantor)
        period = period_of(asked.periode, business_day(utc_now())) if asked.periode else None
        whole, key = who.sees_province, request.app.state.secret_key
        async with answers.snapshot(request.app.state.pool, who, TOTALS) as seen:
            told = await evidence(seen, asked, period, key, whole=whole)
        return self._live.pages.answer("evidence.html", role=wording.role(who), **told)

    def _overview(self, who: Principal, told: Mapping[str, str]) -> Moving:
        asked, whole = _asked(told), who.sees_province

        async def view(seen: Snapshot) -> Mapping[str, Any]:
            return await overview(seen, asked, self._thresholds, whole=whole)

        return Moving("figures.html", "Kinerja layanan", asked, view, tables.of_overview)

    async def _shown(self, request: Request, page: Page) -> Response:
        who = await self._reader(request)
        if isinstance(who, Response):
            return who
        shown = page(who, request.query_params)
        wanted = request.query_params.get("unduh")
        if wanted:
            return await self._live.download(request, who, shown, wanted)
        return await self._live.answer(request, who, shown)

    async def _reader(self, request: Request) -> Principal | Response:
        """Returns who asks, or what is answered to somebody who may not see reports."""
        login = await self._gate.who(request)
        if login is None:
            return _to_login(request)
        if not may(login.principal, Action.READ_REPORTS):
            return self._no_reports(login.principal)
        return login.principal

    def _no_reports(self, who: Principal) -> Response:
        return self._live.pages.answer(
            "message.html",
            403,
            title="Laporan ini bukan untuk peran Anda",
            detail=f"Anda masuk sebagai {wording.role(who).lower()}. Peran ini tidak melihat laporan kinerja.",
            cure="Kepala kantor, analis provinsi dan auditor melihatnya. Bila peran Anda keliru, minta administrator.",
            link=None,
            leave=True,
        )


def _region(code: str, who: Principal, told: Mapping[str, str]) -> Moving:
    place, asked, whole = region_asked(code), _asked(told), who.sees_province
    return Moving(
        "region.html", "Wilayah", (code, asked), lambda seen: region(seen, place, asked, whole=whole), tables.of_region
    )


def _office(code: str, who: Principal, told: Mapping[str, str]) -> Moving:
    if code not in regencies():
        raise Problem(
            404, "not-found", "Kantor tidak dikenal", "Kode ini bukan kode kantor.", cure="Pilih kantor dari ringkasan."
        )
    allow(who, Action.READ_REPORTS, code)
    asked = _asked(told)
    return Moving("office.html", "Kantor PLUT", (code, asked), lambda seen: office(seen, code, asked), tables.of_office)


def _asked(told: Mapping[str, str]) -> Asked:
    return Asked.of(told, business_day(utc_now()))


def _to_login(request: Request) -> Response:
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/masuk"})
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/masuk?kembali={quote(asked, safe='')}", 303)
