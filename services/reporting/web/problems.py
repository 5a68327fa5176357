"""Problems as pages, for whoever asks for HTML."""

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.reporting.web.pages import POLICY, Pages


class ProblemPages:
    """Turns problem+json into a page. Outermost, so that it sees all of them."""

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
