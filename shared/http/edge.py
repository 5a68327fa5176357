"""The outermost layer of every service: trace, limits, metrics, one access line, and headers that browsers obey."""

import time
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, spans
from shared.bell import Bell
from shared.http import errors, tracing
from shared.http.problem import Problem

LARGEST_BODY = 1_048_576
_PAGE_POLICY = "default-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'"
_QUIET = frozenset({"/live", "/ready", "/metrics"})
_access_log = structlog.get_logger()


class Edge:
    """Pure ASGI: the framework's own middleware base would copy every body and context."""

    def __init__(
        self, app: ASGIApp, files: Mapping[tuple[str, str], int] | None = None, bell: Bell | None = None
    ) -> None:
        """`files`: method and path of the routes that take a file instead of JSON → its greatest size."""
        self._app = app
        self._files = files or {}
        self._bell = bell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        largest = self._files.get((scope["method"], scope["path"]))
        await _Exchange(scope, largest, self._bell).run(self._app, receive, send)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, largest_file: int | None, bell: Bell | None) -> None:
        self.scope = scope
        self.bell = bell
        self.takes_file = largest_file is not None
        self.largest = largest_file or LARGEST_BODY
        self.status = 500
        self.started = False
        self.began = time.perf_counter()
        self.headers = Headers(scope=scope)
        self.trace = tracing.begin(self.headers.get("x-correlation-id"), self.headers.get("traceparent"))
        tracing.remember(scope, self.trace)

    async def run(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        bound = structlog.contextvars.bind_contextvars(
            correlation_id=str(self.trace.correlation_id), trace_id=self.trace.trace_id
        )

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status, self.started = message["status"], True
                self._ring()
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._answer(app, receive, send_with_headers)
        finally:
            self._tell()
            structlog.contextvars.reset_contextvars(**bound)

    async def _answer(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        refusal = self._refusal()
        if refusal is not None:
            await errors.render(refusal, Request(self.scope))(self.scope, receive, send)
            return
        try:
            await app(self.scope, self._checked(receive), send)
        except Exception as error:
            if self.started:
                raise
            await errors.answer_bug(Request(self.scope), error)(self.scope, receive, send)

    def _refusal(self) -> Problem | None:
        """What needs no route to be refused: too large by its own word, or a NUL where only text belongs."""
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and int(length[:12]) > self.largest:
            return errors.of_status(413, {"Connection": "close"})
        if "\x00" in self.scope["path"] or b"%00" in self.scope["query_string"]:
            return errors.nul_found("alamat")
        return None

    def _checked(self, receive: Receive) -> Receive:
        """Counts the body as it comes, whatever its head promised; refuses an escaped NUL in JSON before it is read."""
        size = 0
        tail = b""

        async def next_message() -> Message:
            nonlocal size, tail
            message = await receive()
            if message["type"] == "http.request":
                body = message.get("body", b"")
                size += len(body)
                if size > self.largest:
                    raise HTTPException(413)
                if not self.takes_file:
                    _refuse_nul(tail + body)
                    tail = body[-1024:] if message.get("more_body") else b""
            return message

        return next_message

    def _ring(self) -> None:
        """What was accepted stands in the outbox by now."""
        if self.bell is not None and 200 <= self.status < 300 and self.scope["method"] in _WRITES:
            self.bell.ring()

    def _add_headers(self, headers: MutableHeaders) -> None:
        headers["X-Correlation-ID"] = str(self.trace.correlation_id)
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        if headers.get("content-type", "").startswith("text/html"):
            headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
            headers.setdefault("Referrer-Policy", "same-origin")

    def _tell(self) -> None:
        route = route_template(self.scope)
        method = self.scope["method"] if self.scope["method"] in _METHODS else "OTHER"
        seconds = time.perf_counter() - self.began
        metrics.HTTP_REQUESTS.labels(method, route, self.status).inc()
        metrics.HTTP_SECONDS.labels(method, route).observe(seconds)
        if route not in _QUIET:
            if spans.are_on():
                self._record(method, route, seconds)
            _access_log.info("request", method=method, route=route, status=self.status, ms=round(seconds * 1000, 1))

    def _record(self, method: str, route: str, seconds: float) -> None:
        now, trace = time.time_ns(), self.trace
        told: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": self.status,
            "plut.correlation_id": str(trace.correlation_id),
        }
        began = now - int(seconds * 1e9)
        name, kind = f"{method} {route}", spans.Kind.SERVER
        spans.record(
            spans.Span(name, kind, trace.traceparent, trace.parent, began, now, told, failed=self.status >= 500)
        )


_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_template(scope: Scope) -> str:
    """Returns `/v1/businesses/{id}`, never the path itself, which may hold anything."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or "(none)"


def _refuse_nul(chunk: bytes) -> None:
    if b"\\u0000" in chunk and _has_nul(chunk):
        raise errors.NulInBody


def _has_nul(chunk: bytes) -> bool:
    r"""`\\u0000` is a backslash and four digits; only an odd number of backslashes makes it a NUL."""
    at = chunk.find(b"\\u0000")
    while at >= 0:
        before = len(chunk[: at + 1]) - len(chunk[: at + 1].rstrip(b"\\"))
        if before % 2:
            return True
        at = chunk.find(b"\\u0000", at + 6)
    return False
