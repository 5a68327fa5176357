"""`plut logs`: what the processes wrote."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import DataDir, fail


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("logs")(logs)


def logs(
    service: Annotated[
        str,
        typer.Argument(help="A service (registry), one process of it (registry-relay), kafka, postgres, supervisor."),
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new lines.")] = False,  # noqa: FBT002  a flag of the command line
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each log to begin with.")] = 50,
    data_dir: DataDir = None,
) -> None:
    """Prints the last lines of the logs of a service."""
    from deploy.local.installation import Installation

    installation = Installation.open(data_dir)
    found = _logs_of(service, installation.logs)
    if not found:
        names = ", ".join(sorted(log.stem for log in installation.logs.glob("*.log"))) or "none yet"
        fail(f"There is no log of {service} in {installation.logs}.", f"Logs are: {names}.")
    _print(found, lines)
    if follow:
        _follow(found)


def _logs_of(service: str, directory: Path) -> list[Path]:
    """Returns the log of that name, else those of all processes of the service."""
    exact = directory / f"{service}.log"
    return [exact] if exact.exists() else sorted(directory.glob(f"{service}-*.log"))


def _print(found: list[Path], lines: int) -> None:
    from deploy.local.logs import last_lines

    for log in found:
        for line in last_lines(log, lines):
            typer.echo(_prefixed(log, line, found))


def _follow(found: list[Path]) -> None:
    from deploy.local.logs import follow_all

    try:
        for log, line in follow_all(found):
            typer.echo(_prefixed(log, line, found))
    except KeyboardInterrupt:
        raise typer.Exit from None


def _prefixed(log: Path, line: str, found: list[Path]) -> str:
    return line if len(found) == 1 else f"{log.stem}: {line}"
