"""`plut token`: a bearer token of the laptop's issuer, signed with its key, whether or not it runs."""

from typing import Annotated

import typer

from deploy.cli.options import DataDir, Json, fail
from shared.auth.principal import Role


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("token")(token)


def token(
    role: Annotated[Role, typer.Argument(help="Role of the caller.")],
    office: Annotated[str | None, typer.Option(help="Office, such as 35.76; not for the province's roles.")] = None,
    subject: Annotated[str | None, typer.Option(help="Subject of the token; else the demo person's own.")] = None,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Prints a bearer token of ten minutes."""
    from deploy.local.installation import Installation
    from deploy.local.issuer.mint import LIFETIME_SECONDS, Mint
    from deploy.local.issuer.people import OFFICE_ROLES, person
    from deploy.local.issuer.vault import Vault

    try:
        somebody = person(role, office)
    except ValueError as error:
        fail(str(error), f"try: plut token {role}" + (" --office 35.76" if role in OFFICE_ROLES else ""))
    installation = Installation.open(data_dir)
    mint = Mint(Vault(installation.secrets_dir("issuer", "issuer")), installation.issuer, "plut")
    signed = mint.access_token(somebody, subject=subject)
    typer.echo(_as_json(signed, LIFETIME_SECONDS) if json else signed)


def _as_json(signed: str, seconds: int) -> str:
    import json

    return json.dumps({"access_token": signed, "token_type": "Bearer", "expires_in": seconds})
