"""Whatever goes wrong below the edge becomes a problem: the caller's own fault, ours, or a system that is away."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from shared import commands, postgres
from shared.auth.tokens import IssuerUnavailable
from shared.http import tracing
from shared.http.bahasa import field_problems
from shared.http.problem import MEDIA_TYPE, FieldProblem, Problem, written

RETRY_AFTER_SECONDS = 2
_log = structlog.get_logger()
Handler = Callable[[Request, Exception], Awaitable[Response]]


class NulInBody(HTTPException):
    """Raised while the body is read; the framework passes on no other exception than its own from there."""

    def __init__(self) -> None:
        super().__init__(422)


def install(app: FastAPI) -> None:
    """Registers the answer of every kind of exception."""
    answers: list[tuple[type[Exception], Handler]] = [
        (Problem, _answer_problem),
        (RequestValidationError, _answer_invalid),
        (HTTPException, _answer_http),
        (commands.KeyReused, _answer_key_reused),
        (commands.Busy, _answer_busy),
        (IssuerUnavailable, _answer_issuer_away),
        (json.JSONDecodeError, _answer_unreadable),
        (UnicodeDecodeError, _answer_unreadable),
        (RecursionError, _answer_unreadable),
        (asyncpg.DataError, _answer_out_of_range),
        (NulInBody, _answer_nul),
        (MemoryError, _answer_out_of_memory),
        *((kind, _answer_unavailable) for kind in postgres.UNAVAILABLE),
    ]
    for kind, handler in answers:
        app.add_exception_handler(kind, handler)


def render(problem: Problem, request: Request) -> Response:
    """Returns the problem as an answer; texts are escaped, so that no letter can break it."""
    return Response(document(problem, request), problem.status, problem.headers, media_type=MEDIA_TYPE)


def document(problem: Problem, request: Request) -> bytes:
    """Returns the problem's JSON document, as it belongs to this request."""
    return written(problem, str(tracing.of(request.scope).correlation_id))


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  tells the type checker what Starlette has looked up
    return render(error, request)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  the same
    errors = error.errors()
    if any(entry["type"] == "json_invalid" for entry in errors):
        return await _answer_unreadable(request, error)
    return render(invalid_input(errors), request)


def invalid_input(errors: Any) -> Problem:  # noqa: ANN401  pydantic's own list
    """Returns the 422 Problem for what pydantic found."""
    return Problem(
        422,
        "invalid-input",
        "Isian tidak sah",
        "Ada isian yang tidak sah.",
        cure="Perbaiki isian yang disebut di errors, lalu kirim lagi.",
        errors=field_problems(errors),
    )


async def _answer_unreadable(request: Request, _error: Exception) -> Response:
    return render(
        Problem(
            400,
            "unreadable-body",
            "Kiriman tidak terbaca",
            "Isi kiriman bukan JSON yang sah.",
            cure="Kirim satu dokumen JSON dalam UTF-8 dengan Content-Type: application/json.",
        ),
        request,
    )


async def _answer_key_reused(request: Request, _error: Exception) -> Response:
    return render(
        Problem(
            422,
            "idempotency-key-reused",
            "Kunci permintaan sudah dipakai",
            "Idempotency-Key ini sudah dipakai untuk kiriman lain.",
            cure="Pakai kunci baru untuk kiriman yang berbeda; kunci lama hanya untuk mengulang kiriman yang sama.",
        ),
        request,
    )


async def _answer_busy(request: Request, _error: Exception) -> Response:
    return render(
        Problem(
            409,
            "busy",
            "Sedang diproses",
            "Kiriman lain dengan kunci atau data yang sama masih diproses.",
            cure="Ulangi kiriman yang sama, dengan Idempotency-Key yang sama, beberapa detik lagi.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        ),
        request,
    )


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    _log.warning("database_unavailable", error=type(error).__name__)
    return render(unavailable("Basis data sedang tidak dapat dihubungi."), request)


async def _answer_issuer_away(request: Request, _error: Exception) -> Response:
    return render(unavailable("Layanan masuk (login) sedang tidak dapat dihubungi."), request)


async def _answer_out_of_memory(request: Request, _error: Exception) -> Response:
    _log.error("out_of_memory")
    return render(unavailable("Server sedang kehabisan memori."), request)


def unavailable(detail: str) -> Problem:
    """Returns the 503 Problem. Whether a write got through is unknown then; the same key finds out."""
    return Problem(
        503,
        "unavailable",
        "Layanan sedang tidak tersedia",
        detail,
        cure="Ulangi beberapa detik lagi. Untuk penulisan pakai Idempotency-Key yang sama supaya tidak tercatat ganda.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


async def _answer_out_of_range(request: Request, error: Exception) -> Response:
    _log.warning("value_refused_by_database", error=type(error).__name__)
    return render(
        Problem(
            422,
            "invalid-input",
            "Isian tidak sah",
            "Ada nilai yang tidak dapat disimpan.",
            cure="Periksa angka yang terlalu besar dan huruf yang tidak lazim.",
        ),
        request,
    )


async def _answer_nul(request: Request, _error: Exception) -> Response:
    return render(nul_found("body"), request)


def nul_found(where: str) -> Problem:
    """Returns the 422 Problem for a NUL, which Postgres cannot store."""
    return Problem(
        422,
        "invalid-input",
        "Isian tidak sah",
        "Ada karakter NUL di dalam kiriman.",
        cure="Hapus karakter NUL (kode 0) dari teks, lalu kirim lagi.",
        errors=[FieldProblem(where, "Memuat karakter NUL.", "Hapus karakter NUL.")],
    )


def answer_bug(request: Request, error: Exception) -> Response:
    """Logs what nobody foresaw and returns the 500 that says how to report it."""
    _log.error("unexpected_error", exc_info=error)
    return render(
        Problem(
            500,
            "unexpected",
            "Terjadi kesalahan di pihak kami",
            "Permintaan ini gagal karena kesalahan sistem.",
            cure="Laporkan correlation_id ini kepada pengelola. Mengulang dengan Idempotency-Key yang sama aman.",
        ),
        request,
    )


_HTTP_TEXTS: Mapping[int, tuple[str, str, str, str]] = {
    400: (
        "unreadable-body",
        "Kiriman tidak terbaca",
        "Isi kiriman tidak terbaca.",
        "Kirim satu dokumen JSON yang sah dalam UTF-8.",
    ),
    404: ("not-found", "Tidak ditemukan", "Alamat ini tidak ada.", "Periksa alamatnya di /docs."),
    405: (
        "method-not-allowed",
        "Cara tidak dikenal",
        "Alamat ini tidak menerima cara (method) itu.",
        "Pakai cara yang disebut di Allow.",
    ),
    413: (
        "too-large",
        "Kiriman terlalu besar",
        "Isi kiriman melebihi 1 MB; lembar impor boleh sampai 20 MB.",
        "Kirim dalam beberapa bagian yang lebih kecil.",
    ),
}


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  tells the type checker what Starlette has looked up
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request)) or headers.get("Allow", "")
    return render(of_status(error.status_code, headers), request)


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Returns the Problem for a status that the framework chose."""
    phrase = HTTPStatus(status).phrase
    kind, title, detail, cure = _HTTP_TEXTS.get(
        status, (phrase.lower().replace(" ", "-"), phrase, phrase, "Lihat /docs.")
    )
    return Problem(status, kind, title, detail, cure=cure, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Every method of every route at this path: Starlette's own header tells of the first one only."""
    methods: set[str] = set()
    for route in request.app.routes:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            match, _ = route.matches({**request.scope, "method": method})
            if match is Match.FULL:
                methods.add(method)
    return sorted(methods)
