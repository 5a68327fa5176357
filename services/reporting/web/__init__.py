"""The pages: rendered here, whole without scripts, and moving by themselves with them."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from services.reporting.answers.attention import Thresholds
from services.reporting.assets import Assets
from services.reporting.hints import Broadcaster
from services.reporting.login import RETURNS_TO, Gate
from services.reporting.settings import ReportingSettings
from services.reporting.web.live import Live
from services.reporting.web.pages import Pages
from services.reporting.web.problems import ProblemPages
from services.reporting.web.site import Site
from services.reporting.web.visits import Visits
from shared.http.problem import Problem

__all__ = ["install", "routes"]


def routes(settings: ReportingSettings, gate: Gate, broadcaster: Broadcaster, thresholds: Thresholds) -> APIRouter:
    """Returns the routes of all pages, their files and the change hints."""
    assets = Assets(settings.web_assets)
    pages = Pages(assets)
    site, visits = Site(gate, Live(pages, broadcaster), thresholds), Visits(gate, broadcaster, pages)
    router = APIRouter(include_in_schema=False)
    for path, answer in (
        ("/", site.overview),
        ("/wilayah/{code}", site.region),
        ("/kantor/{code}", site.office),
        ("/bukti/{code}", site.evidence),
        ("/perubahan", visits.changes),
        ("/status", visits.status),
        ("/masuk", visits.begin_login),
        (RETURNS_TO, visits.finish_login),
        ("/keluar", visits.left),
    ):
        router.add_api_route(path, answer, methods=["GET"])
    router.add_api_route("/keluar", visits.leave, methods=["POST"])
    router.add_api_route("/static/{digest}/{name}", _files(assets), methods=["GET"])
    return router


def _files(assets: Assets) -> Callable[[Request, str, str], Awaitable[Response]]:
    async def file(request: Request, digest: str, name: str) -> Response:
        del digest  # only makes the address another one when the content changes
        found = assets.answer(request, name)
        if found is None:
            raise Problem(404, "not-found", "Tidak ditemukan", "Berkas ini tidak ada.", cure="Muat ulang halamannya.")
        return found

    return file


def install(app: FastAPI, settings: ReportingSettings, broadcaster: Broadcaster) -> None:
    """Lets browsers read problems as pages, and change hints end when the process does."""
    broadcaster.closing = app.state.stopping
    app.add_middleware(ProblemPages, pages=Pages(Assets(settings.web_assets)))
