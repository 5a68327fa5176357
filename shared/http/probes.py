"""Is it alive, is it ready, and what has it counted: the three questions that every process answers."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared import metrics

Live = Callable[[], str | None]
Ready = Callable[[], Awaitable[str | None]]


def probe_routes(service: str, role: str, *, live: Live, ready: Ready) -> list[Route]:
    """Returns `/live`, `/ready` and `/metrics`. None means fine; a text says what is wrong and makes it a 503."""

    async def answer_live(_request: Request) -> Response:
        return _told(service, role, live())

    async def answer_ready(_request: Request) -> Response:
        return _told(service, role, await ready())

    async def answer_metrics(_request: Request) -> Response:
        return Response(metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})

    return [Route("/live", answer_live), Route("/ready", answer_ready), Route("/metrics", answer_metrics)]


def create_probe_app(service: str, role: str, *, live: Live, ready: Ready) -> Starlette:
    """Returns the HTTP side of a process that serves nobody else: relay and consumer."""
    return Starlette(routes=list(probe_routes(service, role, live=live, ready=ready)))


def _told(service: str, role: str, wrong: str | None) -> Response:
    body = {"status": "ok" if wrong is None else "unavailable", "service": service, "role": role, "reason": wrong}
    return JSONResponse(body, 200 if wrong is None else 503, {"Cache-Control": "no-store"})
