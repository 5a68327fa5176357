"""The FastAPI application of a service: routers, one pool, loops beside it, and one answer to what goes wrong."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI

from shared import migrations, postgres
from shared.auth.tokens import IssuerUnavailable, Verifier
from shared.bell import Bell
from shared.http import errors, openapi
from shared.http.edge import Edge
from shared.http.probes import probe_routes
from shared.loops import BackgroundLoop
from shared.postgres import Pool
from shared.settings import Settings, require_secret

Check = Callable[[], Awaitable[None]]
_SERVICES = Path(__file__).parents[2] / "services"


class NotReady(Exception):
    """A part that requests need is missing; the text says which, without details of the system."""


def create_app(
    *,
    service: str,
    title: str,
    settings: Settings,
    pool: Pool,
    verifier: Verifier,
    routers: Sequence[APIRouter],
    loops: Sequence[BackgroundLoop] = (),
    ready: Sequence[Check] = (),
    files: Mapping[tuple[str, str], int] | None = None,
    bell: Bell | None = None,
) -> FastAPI:
    """Builds the service's edge. `ready` are further checks for `/ready`, which raise; the pool is closed at the end.

    `files` names the routes that take a file, by method and path, with its greatest size. `bell` rings for each write
    that was accepted.

    Raises SystemExit with a message if the secret `idempotency_key` is missing.
    """
    app = FastAPI(
        title=title,
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(pool, [*loops, *([bell] if bell else [])]),
    )
    app.state.pool = pool
    app.state.verifier = verifier
    app.state.secret_key = _derived_key(settings)
    app.state.stopping = asyncio.Event()
    app.add_middleware(Edge, files=files, bell=bell)
    errors.install(app)
    checks = (_migrated(pool, service), _keys_loaded(verifier), *ready)
    app.router.routes.extend(probe_routes(service, "api", live=lambda: None, ready=lambda: _first_failure(checks)))
    for router in routers:
        app.router.routes.extend(router.routes)  # flat: one list to match, one template per route
    openapi.install(app, settings.web_assets)
    return app


def _derived_key(settings: Settings) -> bytes:
    secret = require_secret(settings, "idempotency_key")
    return hmac.digest(secret, b"plut edge", hashlib.sha256)


def _lifespan(pool: Pool, loops: Sequence[BackgroundLoop]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for loop in loops:
            await loop.start()
        try:
            yield
        finally:
            app.state.stopping.set()
            await asyncio.gather(*(loop.stop(5.0) for loop in loops))
            await _close(pool)

    return lifespan


async def _close(pool: Pool) -> None:
    """Closes the pool politely, but not for long: a connection may hang with its server."""
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except postgres.UNAVAILABLE:
        pool.terminate()


def _migrated(pool: Pool, service: str) -> Check:
    async def check() -> None:
        async with asyncio.timeout(3), pool.acquire(timeout=3) as connection:
            if not await migrations.is_migrated(connection, _SERVICES / service / "migrations"):
                raise NotReady("migrations are missing: run the role `migrate`")

    return check


def _keys_loaded(verifier: Verifier) -> Check:
    async def check() -> None:
        try:
            await verifier.ready()
        except IssuerUnavailable as error:
            raise NotReady(str(error)) from None

    return check


async def _first_failure(checks: Sequence[Check]) -> str | None:
    for check in checks:
        try:
            await check()
        except NotReady as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  a probe tells, it does not fail
            return f"not reachable: {type(error).__name__}"
    return None
