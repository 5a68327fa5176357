"""`plut down`: stops what runs."""

import asyncio
from typing import Annotated

import typer

from deploy.cli.options import DataDir, fail, refuse_containers


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("down")(down)


def down(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Processes to stop until `plut up NAME`, such as kafka or registry-api; else everything."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Stops an installation, or some processes of a running one. Nothing is deleted; safe to run again."""
    from deploy.local.installation import Installation
    from deploy.local.launcher import shut_down

    installation = Installation.open(data_dir)
    refuse_containers(installation)
    if not names:
        typer.echo("stopped" if asyncio.run(shut_down(installation)) else "nothing was running")
        return
    known = {*(process.name for process in installation.processes()), *installation.server_names}
    for name in names:
        if not installation.is_running or name not in known:
            fail(
                f"There is no running process {name} in {installation.directory}.",
                f"Known: {', '.join(sorted(known))}.",
            )
        installation.hold(name)
        typer.echo(f"{name} is stopped until `plut up {name}`")
