"""Where the registry's objects are built: one function per role, each importing only what its role needs."""

from typing import TYPE_CHECKING

from services.registry.settings import MIGRATIONS, SERVICE, TITLE, RegistrySettings
from shared import migrations
from shared.postgres import Pool, create_pool, role_name
from shared.settings import refuse

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.registry.domain.identity import Vault
    from shared.auth.tokens import Verifier


async def serve_api(settings: RegistrySettings) -> None:
    """Takes commands and answers questions over HTTP."""
    from shared.auth.tokens import Verifier
    from shared.http.serve import serve

    pool = await create_pool(settings, role_name(SERVICE, "app"), schema=SERVICE, application=f"{SERVICE}-api")
    await serve(build_api(settings, pool, Verifier(settings)), settings)


def build_api(settings: RegistrySettings, pool: Pool, verifier: "Verifier") -> "FastAPI":
    """Returns the application of the role `api`; it closes the pool at its end. Ends the process without its keys."""
    from services.registry import api
    from shared.asyncapi import asyncapi_routes
    from shared.http.app import create_app

    vault = open_vault(settings)
    routers = [api.router, asyncapi_routes(SERVICE, settings)]
    app = create_app(service=SERVICE, title=TITLE, settings=settings, pool=pool, verifier=verifier, routers=routers)
    app.state.vault = vault
    return app


def open_vault(settings: RegistrySettings) -> "Vault":
    """Returns the vault over PLUT_KEYS_DIR, or ends the process with a message that says what to mend."""
    from services.registry.domain.identity import Vault
    from shared.privacy.keys import KeyDirectoryError, load_keys

    if settings.keys_dir is None:
        refuse("PLUT_KEYS_DIR", "is not set", "point it at the directory of the keys of personal data")
    try:
        return Vault(load_keys(settings.keys_dir))
    except KeyDirectoryError as error:
        refuse("PLUT_KEYS_DIR", str(error), error.cure)


async def relay(settings: RegistrySettings) -> None:
    """Carries the outbox to Kafka."""
    from shared.relay.app import build

    await build(SERVICE, settings).run()


async def migrate(settings: RegistrySettings) -> None:
    """Brings the schema up to the migration files."""
    await migrations.migrate(settings, SERVICE, MIGRATIONS)
