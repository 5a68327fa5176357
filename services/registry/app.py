"""Where the registry's objects are built: one function per role, each importing only what its role needs."""

from typing import TYPE_CHECKING

from services.registry.settings import (
    ATTESTATION_GROUP,
    MIGRATIONS,
    SERVICE,
    TITLE,
    NotifierKind,
    RegistrySettings,
)
from shared import migrations
from shared.bell import Bell
from shared.memory import OF_REQUESTS, RareCollector
from shared.postgres import BY_KEY, Pool, create_pool, role_name
from shared.settings import Environment, refuse

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.registry.domain.identity import Vault
    from services.registry.notifier import Notifier
    from shared.auth.tokens import Verifier


async def serve_api(settings: RegistrySettings) -> None:
    """Takes commands and answers questions over HTTP."""
    from shared.auth.tokens import Verifier
    from shared.http.serve import serve

    pool = await create_pool(settings, role_name(SERVICE, "app"), schema=SERVICE, application=f"{SERVICE}-api")
    await serve(build_api(settings, pool, Verifier(settings)), settings, [RareCollector(OF_REQUESTS)])


def build_api(settings: RegistrySettings, pool: Pool, verifier: "Verifier") -> "FastAPI":
    """Returns the application of the role `api`; it closes the pool at its end. Ends the process without its keys."""
    from services.registry import api
    from services.registry.api import confirmation_page
    from services.registry.api.throttle import Throttle
    from services.registry.commands.imports import BusinessImporter
    from services.registry.commands.registrations import Registrations
    from shared.asyncapi import asyncapi_routes
    from shared.http.app import create_app
    from shared.imports.jobs import ImportWorker
    from shared.imports.result import ResultWriter
    from shared.imports.routes import FILES

    vault = open_vault(settings)
    importer = BusinessImporter(pool, vault)
    routers = [api.router, confirmation_page.router, asyncapi_routes(SERVICE, settings)]
    app = create_app(
        service=SERVICE,
        title=TITLE,
        settings=settings,
        pool=pool,
        verifier=verifier,
        routers=routers,
        loops=[ImportWorker(pool, importer)],
        files=FILES,
        bell=Bell(SERVICE, settings),
    )
    app.state.vault = vault
    app.state.registrations = Registrations(pool, vault)
    app.state.importer = importer
    app.state.result_writer = ResultWriter()
    app.state.throttle = Throttle()
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


async def consume(settings: RegistrySettings) -> None:
    """Follows mentoring's sessions, and sends clients what they are asked.

    One process for both: a few messages a day are no reason for another one that holds the keys; replicas share them.
    """
    from services.registry.handlers import AttestationApplier
    from services.registry.sender import MessageSender
    from shared.consumer.host import ConsumerHost

    vault, notifier, site = open_vault(settings), open_notifier(settings), _confirmation_site(settings)
    pool = await create_pool(
        settings,
        role_name(SERVICE, "worker"),
        schema=SERVICE,
        application=f"{SERVICE}-consume",
        server_settings=BY_KEY,
    )
    host = ConsumerHost(SERVICE, settings, pool)
    await host.add(AttestationApplier(ATTESTATION_GROUP, vault))
    await host.run([MessageSender(pool, vault, notifier, site)])


def open_notifier(settings: RegistrySettings) -> "Notifier":
    """Returns the notifier that PLUT_NOTIFIER names, or ends the process with a message that says what to mend."""
    from services.registry.notifier import HttpNotifier, LogNotifier, Mailbox, SmtpNotifier

    if settings.notifier is NotifierKind.LOG:
        if settings.env is Environment.PRODUCTION:
            refuse("PLUT_NOTIFIER", "is log in production: no client would be asked", "set it to smtp or http")
        return LogNotifier()
    if settings.notifier is NotifierKind.HTTP:
        if settings.gateway_url is None:
            refuse("PLUT_GATEWAY_URL", "is not set", "give the address of the gateway, or choose another PLUT_NOTIFIER")
        return HttpNotifier(
            str(settings.gateway_url), settings.gateway_header, settings.gateway_secret.get_secret_value()
        )
    _require_mail(settings)
    mailbox = Mailbox(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_from,
        to=settings.smtp_to,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        tls=settings.smtp_tls,
    )
    return SmtpNotifier(mailbox)


def _require_mail(settings: RegistrySettings) -> None:
    for name in ("smtp_host", "smtp_from", "smtp_to"):
        if not getattr(settings, name):
            refuse(f"PLUT_{name.upper()}", "is not set", "set it, or choose another PLUT_NOTIFIER")
    if "{phone}" not in settings.smtp_to:
        refuse("PLUT_SMTP_TO", "does not say where the number stands", "write it as {phone}@sms.example")


def _confirmation_site(settings: RegistrySettings) -> str:
    if settings.confirmation_url is None:
        refuse("PLUT_CONFIRMATION_URL", "is not set", "give the address of the registry's api as clients reach it")
    return str(settings.confirmation_url)


async def relay(settings: RegistrySettings) -> None:
    """Carries the outbox to Kafka."""
    from shared.relay.app import build

    await build(SERVICE, settings).run()


async def migrate(settings: RegistrySettings) -> None:
    """Brings the schema up to the migration files."""
    await migrations.migrate(settings, SERVICE, MIGRATIONS)
