"""`plut up`: starts Postgres, Kafka and every process."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import DataDir, Json, fail, print_json, refuse_containers

if TYPE_CHECKING:
    from deploy.local.installation import Installation


_SECURE = (
    "Reach Postgres by TLS, and Kafka by TLS with a user and rights for each process. "
    "For a data directory in which nothing was started yet, and for good."
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("up")(up)


def up(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Processes that `plut down NAME` stopped, such as kafka or registry-api; else everything."),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once all is healthy, and run on.")] = False,  # noqa: FBT002  a flag of the command line
    secure: Annotated[bool, typer.Option("--secure", help=_SECURE)] = False,  # noqa: FBT002  a flag of the command line
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Starts everything of an installation, and keeps it running until Ctrl-C or `plut down`."""
    from deploy.local.installation import Installation

    installation = Installation.open(data_dir)
    refuse_containers(installation)
    if names:
        _release(installation, names)
    elif installation.is_running:
        fail(
            f"It already runs in {installation.directory}: {_addresses(installation)}.",
            "See `plut status`: it says how to start what was stopped by itself. Stop all with `plut down`, or start"
            " another one with --data-dir.",
        )
    else:
        if secure:
            _secure(installation)
        if detach:
            _launch(installation, as_json=json)
        else:
            _stay(installation)


def _secure(installation: "Installation") -> None:
    from deploy.local.installation import CannotBeSecuredError

    try:
        installation.secure()
    except CannotBeSecuredError as error:
        fail(
            f"It did not start: {error}.", "Choose another --data-dir; what has users from its first start keeps them."
        )


def _release(installation: "Installation", names: list[str]) -> None:
    known = {*(process.name for process in installation.processes()), *installation.server_names}
    for name in names:
        if name not in known:
            fail(f"There is no process {name}.", f"Choose from: {', '.join(sorted(known))}.")
    if not installation.is_running:
        fail(f"Nothing runs in {installation.directory}.", "Start everything: `plut up --detach`.")
    for name in names:
        installation.release(name)
        typer.echo(f"{name} is started")


def _launch(installation: "Installation", *, as_json: bool) -> None:
    from deploy.local.launcher import launch
    from deploy.local.process import StartError
    from deploy.local.supervisor import AlreadyRunningError

    try:
        asyncio.run(launch(installation, lambda text: typer.echo(text, err=as_json)))
    except (StartError, AlreadyRunningError) as error:
        fail(f"It did not start: {error}", "`plut doctor` looks for what is wrong with this machine.")
    if as_json:
        print_json({"data_dir": str(installation.directory), "urls": _urls(installation)})
    else:
        _show(installation)


def _stay(installation: "Installation") -> None:
    from deploy.local import supervisor

    to_log = supervisor.say_to_log(installation)

    def say(text: str) -> None:
        to_log(text)
        typer.echo(text)

    def ready() -> None:
        _show(installation)
        typer.echo("Ctrl-C stops it. `plut logs NAME --follow` shows what a process logs.")

    try:
        asyncio.run(supervisor.supervise(installation, say, ready))
    except supervisor.ERRORS as error:
        fail(f"It did not start: {error}", "`plut doctor` looks for what is wrong with this machine.")


def _urls(installation: "Installation") -> dict[str, str]:
    return {name: installation.url(name) for name in ("registry", "mentoring", "reporting", "issuer")}


def _addresses(installation: "Installation") -> str:
    return ", ".join(f"{name} {url}" for name, url in _urls(installation).items())


def _show(installation: "Installation") -> None:
    """Prints where everything is and who may log in."""
    from rich.console import Console
    from rich.table import Table

    urls = _urls(installation)
    table = Table(title="PLUT runs", title_style="bold green", show_header=False)
    table.add_row("Overview of the province", f"{urls['reporting']}/")
    for name in ("registry", "mentoring", "reporting"):
        table.add_row(f"API of {name}", f"{urls[name]}/docs")
    table.add_row("Issuer of tokens", urls["issuer"])
    table.add_row("Postgres", installation.postgres_address)
    table.add_row("Kafka", installation.kafka_bootstrap)
    table.add_row("Demo logins", "province_analyst, administrator, auditor, office_head.35.76, front_desk.35.76, …")
    table.add_row("Their password", installation.demo_password)
    Console().print(table)
