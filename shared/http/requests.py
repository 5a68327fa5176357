"""What a handler asks of a request: who it is, what he may do, under which key, and against which revision."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import Request as HttpRequest
from starlette.responses import Response

from shared import commands, metrics
from shared.auth.policy import Action, may
from shared.auth.principal import Principal
from shared.auth.tokens import ExpiredToken, InvalidToken, Verifier
from shared.clock import utc_now
from shared.http import tracing
from shared.http.cursors import PageCursors
from shared.http.problem import FieldProblem, Problem

_log = structlog.get_logger()
_KEY = re.compile(r"^[\x21-\x7e]{8,128}$")
_REVISION = re.compile(r'^"(?P<revision>[1-9][0-9]{0,17})"$')


class Secured:
    """What both dependencies below have in common: a caller who may do this action somewhere."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def _caller(self, request: HttpRequest) -> Principal:
        principal = await _authenticate(request)
        if not may(principal, self.action):
            raise _forbidden(principal, self.action)
        _refuse_unknown_query(request)
        return principal


class PrincipalFor(Secured):
    """A dependency: the caller. Whether he may do it in this office, the handler asks `allow`."""

    async def __call__(self, request: HttpRequest) -> Principal:
        return await self._caller(request)


class WriteFor(Secured):
    """A dependency: what a command must know of its request. Bodies are compared by HMAC, for they may hold a NIK."""

    async def __call__(self, request: HttpRequest) -> commands.Request:
        principal = await self._caller(request)
        return _write(request, principal, _idempotency_key(request), await _digest(request))


@dataclass(frozen=True)
class Upload:
    """A file, and what its command must know of its request."""

    write: commands.Request
    content: bytearray


class IncomingUpload:
    """A file on its way. It is read once its sender is known to be allowed to send it."""

    def __init__(self, request: HttpRequest, principal: Principal, key: str) -> None:
        self.principal = principal
        self._request = request
        self._key = key

    @asynccontextmanager
    async def received(self) -> AsyncIterator[Upload]:
        """Yields the file; all that are held at once share a bound. Raises a 503 Problem beyond it."""
        content = bytearray()
        digest = _file_digest(self._request)
        try:
            async for chunk in self._request.stream():
                _files_in_memory.take(len(chunk))
                content += chunk
                digest.update(chunk)
            yield Upload(_write(self._request, self.principal, self._key, digest.digest()), content)
        finally:
            _files_in_memory.release(len(content))


class UploadFor(Secured):
    """A dependency: a file that somebody wants to send. Files are compared by HMAC, for they may hold NIKs."""

    async def __call__(self, request: HttpRequest) -> IncomingUpload:
        principal = await self._caller(request)
        return IncomingUpload(request, principal, _idempotency_key(request))


class _Bound:
    """So many bytes at once in this process."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            self._left += size
            raise Problem(
                503,
                "too-many-uploads",
                "Sedang banyak unggahan",
                "Berkas-berkas lain masih diterima.",
                cure="Tunggu sebentar, lalu kirim lagi dengan Idempotency-Key yang sama.",
                headers={"Retry-After": "10", "Connection": "close"},
            )

    def release(self, size: int) -> None:
        self._left += size


_files_in_memory = _Bound(64 * 1_048_576)


def principal_for(action: Action) -> PrincipalFor:
    """Returns a dependency giving the Principal; it answers 401 without a good token, 403 without the right role."""
    return PrincipalFor(action)


def write_for(action: Action) -> WriteFor:
    """Returns a dependency giving the commands.Request; it answers 401, 403, and 400 without an Idempotency-Key."""
    return WriteFor(action)


def upload_for(action: Action) -> UploadFor:
    """Returns a dependency giving the IncomingUpload; it answers 401, 403, and 400 without an Idempotency-Key."""
    return UploadFor(action)


def allow(principal: Principal, action: Action, office: str) -> None:
    """Raises a 403 Problem unless the principal may do this to rows of the office."""
    if not may(principal, action, office):
        raise _forbidden(principal, action)


def offices_to_read(principal: Principal, action: Action, office: str | None) -> Sequence[str]:
    """Returns the offices whose rows are asked for: one that is named, or all of the caller's. Else a 403 Problem."""
    if office is None:
        return principal.offices
    allow(principal, action, office)
    return [office]


async def required_revision(request: HttpRequest) -> int:
    """A dependency: the revision that the caller has seen. Answers 428 without If-Match, 400 for a malformed one."""
    await _authenticate(request)  # a stranger is told so first, whatever else he left out
    header = request.headers.get("if-match")
    if header is None:
        raise Problem(
            428,
            "revision-required",
            "Versi data harus disebut",
            "Perubahan tanpa If-Match bisa menimpa perubahan orang lain.",
            cure='Baca dulu datanya, lalu kirim If-Match: "<revision>" sesuai ETag yang diterima.',
        )
    match = _REVISION.match(header.strip())
    if match is None:
        raise Problem(
            400,
            "revision-malformed",
            "If-Match tidak terbaca",
            "If-Match harus berisi satu nomor revisi di dalam tanda kutip.",
            cure='Kirim misalnya If-Match: "3", persis seperti ETag yang diterima.',
        )
    return int(match["revision"])


async def page_cursors(request: HttpRequest) -> PageCursors:
    """A dependency: encodes and decodes the page cursors of this route's list."""
    return PageCursors(request.app.state.secret_key, request.scope["route"].path)


def reply(answer: commands.Answer, *, location: str | None = None) -> Response:
    """Returns a command's answer: its revision as ETag, the new thing's place, and whether it was given before."""
    headers = {}
    if "revision" in answer.body:
        headers["ETag"] = etag(answer.body["revision"])
    if location is not None:
        headers["Location"] = location
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    body = json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, answer.status, headers, media_type="application/json")


def etag(revision: int) -> str:
    """Returns the ETag of an aggregate's revision."""
    return f'"{revision}"'


async def _authenticate(request: HttpRequest) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("Permintaan ini tidak membawa token.", "")
    verifier: Verifier = request.app.state.verifier
    try:
        return await verifier.verify(token.strip())
    except ExpiredToken:
        raise _unauthorized(
            "Masa berlaku token sudah habis.", ', error="invalid_token", error_description="expired"'
        ) from None
    except InvalidToken:
        raise _unauthorized("Token tidak sah.", ', error="invalid_token"') from None


def _unauthorized(detail: str, why: str) -> Problem:
    return Problem(
        401,
        "unauthorized",
        "Belum masuk",
        detail,
        cure="Masuk lagi, lalu kirim Authorization: Bearer <token> yang baru.",
        headers={"WWW-Authenticate": f'Bearer realm="plut"{why}'},
    )


def _forbidden(principal: Principal, action: Action) -> Problem:
    """Told with the id of the login, which is opaque: whoever looks into a surge must know which one to withdraw."""
    metrics.AUTHZ_DENIED.labels(action.value).inc()
    _log.warning("denied", actor=principal.subject, action=action.value)
    return Problem(
        403,
        "forbidden",
        "Tidak berwenang",
        "Peran atau kantor Anda tidak mengizinkan tindakan ini.",
        cure="Minta kepala kantor yang bersangkutan melakukannya, atau minta admin memperbaiki peran Anda.",
    )


def _idempotency_key(request: HttpRequest) -> str:
    key = request.headers.get("idempotency-key", "")
    if not _KEY.match(key):
        raise Problem(
            400,
            "idempotency-key-required",
            "Kunci permintaan tidak ada atau tidak sah",
            "Setiap penulisan memerlukan Idempotency-Key: 8 sampai 128 huruf, angka atau tanda baca tanpa spasi.",
            cure="Buat satu kunci baru (misalnya UUID) untuk setiap isian; pakai lagi kunci itu bila mengulang.",
        )
    return key


def _write(request: HttpRequest, principal: Principal, key: str, digest: bytes) -> commands.Request:
    trace = tracing.of(request.scope)
    return commands.Request(
        principal=principal,
        key=key,
        body_digest=digest,
        correlation_id=trace.correlation_id,
        traceparent=trace.traceparent,
        now=utc_now(),
    )


def _file_digest(request: HttpRequest) -> "hmac.HMAC":
    """Also tells apart where to and with which parameters a file is sent."""
    begun = f"{request.method}\n{request.scope['path']}\n{request.url.query}\n"
    return hmac.new(request.app.state.secret_key, begun.encode(), hashlib.sha256)


async def _digest(request: HttpRequest) -> bytes:
    """Equal for equal JSON, however it is spaced or ordered; also tells apart method, path and If-Match."""
    body = await request.body()
    canonical = json.dumps(await request.json(), sort_keys=True, separators=(",", ":")) if body else ""
    if_match = request.headers.get("if-match", "")
    text = f"{request.method}\n{request.scope['path']}\n{if_match}\n{canonical}"
    return hmac.digest(request.app.state.secret_key, text.encode(), hashlib.sha256)


def _refuse_unknown_query(request: HttpRequest) -> None:
    """A 422 Problem for a query parameter that the route does not know: a misspelt filter must not show everything."""
    if not request.scope["query_string"]:
        return
    known = _query_names(request.scope["route"].dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise Problem(
            422,
            "invalid-input",
            "Isian tidak sah",
            "Ada parameter alamat yang tidak dikenal.",
            cure=f"Parameter yang dikenal: {', '.join(sorted(known)) or 'tidak ada'}.",
            errors=[
                FieldProblem(name[:100], "Parameter tidak dikenal.", "Hapus parameter ini.") for name in unknown[:20]
            ],
        )


def _query_names(dependant: Any) -> set[str]:  # noqa: ANN401  FastAPI's own tree
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(child) for child in dependant.dependencies))
