"""The OpenAPI document and its page: every answer that can be given stands in it; it works offline."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from shared.http import links, problem
from shared.http.requests import Secured, UploadFor, WriteFor, required_revision

_PAGE = """<!doctype html>
<html lang="id">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dokumentasi API {title}</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """window.ui = SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
});
"""
# Swagger UI sets styles and small pictures from its own script.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

_MEANINGS = {
    "400": "Kiriman, kunci atau header tidak terbaca",
    "401": "Token tidak ada, tidak sah, atau habis masa berlakunya",
    "403": "Peran atau kantor tidak mengizinkan",
    "404": "Tidak ditemukan",
    "405": "Alamat ini tidak menerima cara (method) itu",
    "409": "Bentrok dengan data lain, atau kiriman yang sama masih diproses",
    "412": "Data sudah diubah orang lain",
    "413": "Kiriman terlalu besar: lebih dari 1 MB, atau lembar lebih dari 20 MB",
    "422": "Isian tidak sah",
    "428": "If-Match tidak ada",
    "503": "Sedang tidak tersedia; ulangi dengan kunci yang sama",
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "cure", "errors", "correlation_id"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Nama tetap dari jenis masalah",
            "example": "urn:plut:problem:invalid-input",
        },
        "title": {"type": "string", "example": "Isian tidak sah"},
        "status": {"type": "integer", "example": 422},
        "detail": {"type": "string", "description": "Apa yang salah"},
        "cure": {"type": "string", "description": "Cara memperbaikinya"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "cure"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}, "cure": {"type": "string"}},
            },
        },
        "correlation_id": {"type": "string", "format": "uuid"},
    },
}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Token dari penerbit OpenID Connect",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Satu kunci baru untuk setiap isian; kunci yang sama bila mengulang kiriman yang sama",
    "schema": {"type": "string", "minLength": 8, "maxLength": 128, "pattern": "^[!-~]{8,128}$"},
    "example": "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "Revisi yang terakhir dibaca, sama dengan ETag",
    "schema": {"type": "string", "pattern": '^"[1-9][0-9]{0,17}"$'},
    "example": '"3"',
}


def install(app: FastAPI, web_assets: Path | None) -> None:
    """Serves `/openapi.json` and, where Swagger UI's files are installed, `/docs`."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    async def document(_request: Request) -> Response:
        return JSONResponse(describe())

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way
    app.add_route("/openapi.json", document, include_in_schema=False)
    if web_assets is not None and (web_assets / "swagger-ui-dist").is_dir():
        _install_page(app, web_assets / "swagger-ui-dist")


def _install_page(app: FastAPI, assets: Path) -> None:
    async def page(_request: Request) -> Response:
        return HTMLResponse(_PAGE.format(title=app.title), headers={"Content-Security-Policy": _POLICY})

    async def start(_request: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    app.add_route("/docs", page, include_in_schema=False)
    app.add_route("/docs/start.js", start, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=assets), name="swagger-ui")


def _describe(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    components.setdefault("securitySchemes", {})["bearer"] = _BEARER
    for operation, dependencies in _operations(schema, app):
        _complete(operation, dependencies)
    links.link(schema)
    return schema


def _operations(schema: dict[str, Any], app: FastAPI) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Yields every operation of the document with the dependencies behind it."""
    for route in app.routes:
        if not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            operation = schema["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                yield operation, list(_calls(route.dependant))


def _calls(dependant: Any) -> Iterator[Any]:  # noqa: ANN401  FastAPI's own tree
    for child in dependant.dependencies:
        yield child.call
        yield from _calls(child)


def _complete(operation: dict[str, Any], dependencies: list[Any]) -> None:
    secured = any(isinstance(call, Secured) for call in dependencies)
    written = any(isinstance(call, WriteFor | UploadFor) for call in dependencies)
    edited = required_revision in dependencies
    statuses = {"404", "405", "413", "422", "503", "400"}
    if secured:
        operation["security"] = [{"bearer": []}]
        statuses |= {"401", "403"}
    if written:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        statuses |= {"409"}
    if edited:
        operation.setdefault("parameters", []).append(_IF_MATCH)
        statuses |= {"412", "428"}
    for status in sorted(statuses):
        operation["responses"][status] = _problem_response(status)


def _problem_response(status: str) -> dict[str, Any]:
    return {
        "description": _MEANINGS[status],
        "content": {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
