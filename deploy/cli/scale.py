"""`plut scale`: how many of a consumer or an api run."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.options import DataDir, fail, refuse_containers


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("scale")(scale)


def scale(
    name: Annotated[str, typer.Argument(help="A consumer or an api, such as reporting-consume.")],
    number: Annotated[int, typer.Argument(min=1, help="How many of it share the work, from now on.")],
    data_dir: DataDir = None,
) -> None:
    """Starts further consumers or apis of a service or stops some; also while it runs, and kept for the next start.

    Consumers share the partitions of the log: at most one for each. Each api has an address of its own, which
    `plut status` shows; whoever calls spreads the requests.
    """
    from deploy.local import launcher
    from deploy.local import scale as kept
    from deploy.local.installation import Installation
    from deploy.local.process import StartError
    from deploy.local.table import MOST_CONSUMERS, SCALABLE

    if name not in SCALABLE:
        fail(f"{name} does not share its work with others of its kind.", f"Choose from: {', '.join(SCALABLE)}.", 2)
    if number > MOST_CONSUMERS:
        fail(
            f"{number} of {name} are too many: a topic has {MOST_CONSUMERS} partitions.",
            f"Ask for {MOST_CONSUMERS} at most.",
            2,
        )
    installation = Installation.open(data_dir)
    refuse_containers(installation)
    if not installation.is_running:
        kept.keep(installation.scale_file, name, number)
        typer.echo(f"{number} of {name} will run from the next start")
        return
    try:
        asyncio.run(launcher.scale(installation, name, number))
    except StartError as error:
        fail(f"{error}.", f"`plut logs {name}` says why; they are tried again and again.")
    typer.echo(f"{number} of {name} run")
