"""Where mentoring's objects are built: one function per role, each importing only what its role needs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.mentoring.settings import MIGRATIONS, REPLICA_GROUP, SERVICE, TITLE
from shared import migrations
from shared.bell import Bell
from shared.memory import OF_REQUESTS, RareCollector
from shared.postgres import BY_KEY, Pool, create_pool, role_name
from shared.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shared.auth.tokens import Verifier


async def serve_api(settings: Settings) -> None:
    """Takes commands and answers questions over HTTP."""
    from shared.auth.tokens import Verifier
    from shared.http.serve import serve

    pool = await _pool(settings, "app", "api")
    await serve(build_api(settings, pool, Verifier(settings)), settings, [RareCollector(OF_REQUESTS)])


def build_api(settings: Settings, pool: Pool, verifier: "Verifier") -> "FastAPI":
    """Returns the application of the role `api`; it closes the pool at its end."""
    from services.mentoring import api
    from services.mentoring.commands import Sessions
    from services.mentoring.commands.imports import SessionImporter
    from shared.asyncapi import asyncapi_routes
    from shared.http.app import create_app
    from shared.imports.jobs import ImportWorker
    from shared.imports.result import ResultWriter
    from shared.imports.routes import FILES
    from shared.privacy.keys import derive_keys
    from shared.settings import require_secret

    keys = derive_keys(require_secret(settings, "idempotency_key"), "mentoring imports")
    importer = SessionImporter(pool, keys)
    app = create_app(
        service=SERVICE,
        title=TITLE,
        settings=settings,
        pool=pool,
        verifier=verifier,
        routers=[api.router, asyncapi_routes(SERVICE, settings)],
        loops=[ImportWorker(pool, importer)],
        files=FILES,
        bell=Bell(SERVICE, settings),
    )
    app.state.sessions = Sessions(pool)
    app.state.importer = importer
    app.state.result_writer = ResultWriter()
    return app


async def relay(settings: Settings) -> None:
    """Carries the outbox to Kafka."""
    from shared.relay.app import build

    await build(SERVICE, settings).run()


async def consume(settings: Settings) -> None:
    """Follows the registry's events."""
    from services.mentoring.handlers import ReplicaApplier
    from shared.consumer.host import ConsumerHost

    host = ConsumerHost(SERVICE, settings, await _pool(settings, "worker", "consume", BY_KEY))
    await host.add(ReplicaApplier(REPLICA_GROUP))
    await host.run()


async def migrate(settings: Settings) -> None:
    """Brings the schema up to the migration files."""
    await migrations.migrate(settings, SERVICE, MIGRATIONS)


async def _pool(settings: Settings, role: str, process: str, server_settings: Mapping[str, str] | None = None) -> Pool:
    return await create_pool(
        settings,
        role_name(SERVICE, role),
        schema=SERVICE,
        application=f"{SERVICE}-{process}",
        server_settings=server_settings,
    )
