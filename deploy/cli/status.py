"""`plut status`: how an installation is."""

import asyncio
from typing import TYPE_CHECKING

import typer

from deploy.cli.options import DataDir, Json, fail, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from deploy.local.status import Status


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("status")(status)


def status(
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Shows each process with its health, backlogs, parked events, alarms and the freshness of pages.

    Exit status: 0 if it could be told, also of what is ill: `healthy` and `alarms` say so; 1 if nothing was ever
    started there.
    """
    from deploy.local.installation import Installation
    from deploy.local.status import ask

    installation = Installation.open(data_dir)
    found = asyncio.run(ask(installation))
    if json:
        print_json(found.as_json())
    elif found.processes:
        _show(found)
    if not found.processes:
        fail(
            f"Nothing was ever started in {installation.directory}.", "`plut up` starts it; or name another --data-dir."
        )


def _show(found: "Status") -> None:
    from rich.console import Console

    console = Console()
    console.print(_processes(found))
    console.print(_figures(found))
    for each in found.under_way:
        typer.echo(f"{typer.style('info', fg='yellow', bold=True)} {each}")
    if found.is_well:
        typer.echo(typer.style("Semua berjalan baik.", fg="green"))
    for alarm in found.alarms:
        typer.echo(f"{typer.style('alarm', fg='red', bold=True)} {alarm}")  # whole, also where lines are short


def _processes(found: "Status") -> "Table":
    from rich.table import Table

    table = Table("", "process", "pid", "address", "restarts", title="Processes", title_justify="left")
    for server in found.infrastructure:
        row = (server.state.name, _shown(server.pid), server.state.address, str(server.state.restarts))
        table.add_row(_light(healthy=server.healthy), *row)
    for process in found.processes:
        row = (process.state.name, _shown(process.pid), process.state.url, str(process.state.restarts))
        table.add_row(_light(healthy=process.healthy), *row)
    return table


def _figures(found: "Status") -> "Table":
    from rich.table import Table

    table = Table("", "", title="Events", title_justify="left", show_header=False)
    for name, service in found.services.items():
        table.add_row(f"not yet published by {name}", _shown(service.backlog))
    for group, lag in found.lags.items():
        table.add_row(f"not yet read by {group}", _shown(lag))
    table.add_row("parked", _shown(found.parked))
    for model in (model for service in found.services.values() for model in service.read_models):
        at = model.as_of.astimezone().strftime("%H:%M:%S") if model.as_of else "unknown"
        table.add_row(f"{model.name} is as of", f"{at}, {_shown(model.behind_ms)} ms ago")
    return table


def _light(*, healthy: bool) -> str:
    return "[green]well[/]" if healthy else "[bold red]DOWN[/]"


def _shown(number: int | None) -> str:
    return "-" if number is None else str(number)
