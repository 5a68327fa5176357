"""`plut codes`: the codes that clients would have been sent, for trying the product without a gateway."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import DataDir, Json, fail, print_json

if TYPE_CHECKING:
    from deploy.local.installation import Installation
    from services.registry.domain.identity import Vault
    from services.registry.store.messages import Kept
    from shared.postgres import Connection

_MOST = 50


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("codes")(codes)


def codes(
    office: Annotated[str | None, typer.Option(help="Only of sessions that this office held, such as 35.76.")] = None,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Shows the newest open codes, for trying only: with PLUT_NOTIFIER=log nothing goes out to clients."""
    import os

    from deploy.local.installation import Installation, NotRunningError
    from shared.postgres import UNAVAILABLE
    from shared.settings import Environment

    if os.environ.get("PLUT_ENV") == Environment.PRODUCTION:
        fail("A client's code is the client's alone: not in production.", "Ask the client, or take a signed paper.")
    try:
        found = asyncio.run(_ask(Installation.open(data_dir), office))
    except NotRunningError as error:
        fail(str(error), "Then call this again.")
    except UNAVAILABLE as error:
        fail(f"Postgres does not answer ({type(error).__name__}).", "Start everything with `plut up`.")
    if json:
        print_json({"codes": found})
        return
    typer.echo("For trying only. In production a client's code is known to the client alone.")
    for one in found:
        typer.echo(f"{one['code']}  {one['address']}  {one['trade_name']}, {one['day']}, until {one['expires_at']}")
    if not found:
        typer.echo("No code is open. Complete a session with a business whose owner has a phone.")


async def _ask(installation: "Installation", office: str | None) -> list[dict[str, str]]:
    from services.registry.domain.identity import Vault
    from shared.postgres import connect, role_name
    from shared.privacy.keys import load_keys

    settings = installation.settings("registry", "consume")
    vault = Vault(load_keys(installation.keys_dir))
    worker = role_name("registry", "worker")
    connection = await connect(settings, worker, schema="registry", application="plut-codes")
    try:
        return await open_codes(connection, vault, installation.url("registry"), office)
    finally:
        await connection.close(timeout=5)


async def open_codes(connection: "Connection", vault: "Vault", site: str, office: str | None) -> list[dict[str, str]]:
    """Returns the codes that can be entered now and were not erased because they went out, the newest first."""
    from services.registry.store.messages import kept_secrets
    from shared.clock import utc_now

    return [_shown(each, vault, site) for each in await kept_secrets(connection, office, utc_now(), _MOST)]


def _shown(kept: "Kept", vault: "Vault", site: str) -> dict[str, str]:
    from services.registry.domain.messages import ClientSecret

    one = kept.attestation
    secret = ClientSecret.unpacked(vault.open_message(one.id, kept.person, kept.wrapped, kept.secret))
    return {
        "code": secret.code,
        "address": f"{site}/konfirmasi/{secret.token}",
        "trade_name": one.trade_name,
        "session": str(one.session),
        "office": one.office,
        "day": one.day.isoformat(),
        "expires_at": one.expires_at.isoformat(timespec="seconds"),
    }
