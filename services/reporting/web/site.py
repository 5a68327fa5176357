"""The pages with figures: who may see them, and what they are asked for."""

from collections.abc import Callable
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from services.reporting import wording
from services.reporting.login import Gate
from services.reporting.web.asking import Asked
from services.reporting.web.live import Live, Moving
from services.reporting.web.overview import overview
from shared.auth.policy import Action, may
from shared.auth.principal import PROVINCE_ROLES, Principal
from shared.clock import business_day, utc_now


class Site:
    """The handlers, with what they share."""

    def __init__(self, gate: Gate, live: Live) -> None:
        self._gate = gate
        self._live = live

    async def overview(self, request: Request) -> Response:
        """The province, or the office of its head."""
        return await self._shown(request, self._overview)

    def _overview(self, who: Principal, asked: Asked) -> Moving:
        whole = who.has(*PROVINCE_ROLES)
        return Moving("figures.html", "Kinerja layanan", asked, lambda seen: overview(seen, asked, whole=whole))

    async def _shown(self, request: Request, page: Callable[[Principal, Asked], Moving]) -> Response:
        login = await self._gate.who(request)
        if login is None:
            return _to_login(request)
        if not may(login.principal, Action.READ_REPORTS):
            return self._no_reports(login.principal)
        asked = Asked.of(dict(request.query_params), business_day(utc_now()))
        return await self._live.answer(request, login.principal, page(login.principal, asked))

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


def _to_login(request: Request) -> Response:
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/masuk"})
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/masuk?kembali={quote(asked, safe='')}", 303)
