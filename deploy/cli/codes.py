"""`plut codes`: the codes that clients would have been sent, for trying the product without a gateway."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.options import WHAT_RUNS, DataDir, Json, fail, fail_for_files, print_json


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

    from deploy.local.codes import read_codes
    from deploy.local.installation import Installation, NotRunningError
    from shared.postgres import UNAVAILABLE
    from shared.settings import Environment

    if os.environ.get("PLUT_ENV") == Environment.PRODUCTION:
        fail("A client's code is the client's alone: not in production.", "Ask the client, or take a signed paper.")
    try:
        found = asyncio.run(read_codes(Installation.open(data_dir), office))
    except NotRunningError as error:
        fail(str(error), "Then call this again.")
    except UNAVAILABLE as error:
        fail_for_files(error)
        fail(f"Postgres does not answer ({type(error).__name__}).", WHAT_RUNS)
    if json:
        print_json({"codes": found})
        return
    typer.echo("For trying only. In production a client's code is known to the client alone.")
    for one in found:
        typer.echo(f"{one['code']}  {one['address']}  {one['trade_name']}, {one['day']}, until {one['expires_at']}")
    if not found:
        typer.echo("No code is open. Complete a session with a business whose owner has a phone.")
