"""Where reporting's objects are built: one function per role, each importing only what its role needs."""

from typing import TYPE_CHECKING

from services.reporting.settings import MIGRATIONS, SERVICE, TITLE, ReportingSettings
from shared import migrations
from shared.memory import OF_REQUESTS, RareCollector
from shared.postgres import BY_KEY, Pool, create_pool, role_name

if TYPE_CHECKING:
    from fastapi import FastAPI
    from httpx import AsyncBaseTransport

    from shared.auth.tokens import Verifier


async def serve_api(settings: ReportingSettings) -> None:
    """Answers questions over HTTP, to programs and to browsers."""
    from shared.auth.tokens import Verifier
    from shared.http.serve import serve

    pool = await create_pool(settings, role_name(SERVICE, "app"), schema=SERVICE, application=f"{SERVICE}-api")
    await serve(build_api(settings, pool, Verifier(settings)), settings, [RareCollector(OF_REQUESTS)])


def build_api(
    settings: ReportingSettings, pool: Pool, verifier: "Verifier", to_issuer: "AsyncBaseTransport | None" = None
) -> "FastAPI":
    """Returns the application of the role `api`, which closes the pool at its end; `to_issuer` reaches the issuer."""
    from services.reporting import api, maker, web
    from services.reporting.answers.attention import Thresholds
    from services.reporting.hints import Broadcaster
    from services.reporting.lateness import Lateness
    from services.reporting.login import Gate
    from shared.asyncapi import asyncapi_routes
    from shared.http.app import create_app

    broadcaster = Broadcaster(pool)
    thresholds = Thresholds(settings.idle_days, settings.unconfirmed_percent, settings.unconfirmed_least)
    gate = Gate(settings, pool, verifier, to_issuer)
    app = create_app(
        service=SERVICE,
        title=TITLE,
        settings=settings,
        pool=pool,
        verifier=verifier,
        routers=[api.router, web.routes(settings, gate, broadcaster, thresholds), asyncapi_routes(SERVICE, settings)],
        loops=[broadcaster, Lateness(pool)],
    )
    app.state.thresholds = thresholds
    app.state.maker = maker.name_of(thresholds)
    web.install(app, settings, broadcaster)
    return app


async def consume(settings: ReportingSettings) -> None:
    """Follows everybody's events for every set of read models, and files what the relays say of themselves."""
    from services.reporting.rebuild.removal import Sweeper
    from services.reporting.runner import Forgetter, SetRunner
    from shared.consumer.host import ConsumerHost

    pool = await create_pool(
        settings,
        role_name(SERVICE, "worker"),
        schema=SERVICE,
        application=f"{SERVICE}-consume",
        server_settings=BY_KEY,
    )
    host = ConsumerHost(SERVICE, settings, pool)
    await host.file_watermarks()
    await host.run([SetRunner(host, pool), Forgetter(pool), Sweeper(pool)])


async def migrate(settings: ReportingSettings) -> None:
    """Brings the schema up to the migration files."""
    await migrations.migrate(settings, SERVICE, MIGRATIONS)
