"""What every command shares: options, and how it says that something is wrong."""

import errno
import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from deploy.local.installation import Installation

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Directory of the installation; two of them run side by side.",
        envvar="PLUT_DATA_DIR",
        show_default="./.plut",
        file_okay=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

Write = Annotated[
    Path | None,
    typer.Option(
        "--write", help="A page whose rows of these figures are replaced, such as docs/performance.md.", dir_okay=False
    ),
]


WHAT_RUNS = "`plut status` says what does not run, and how it is started. Then call this again."


def fail(message: str, cure: str, status: int = 1) -> NoReturn:
    """Ends the command: what is wrong and how to mend it, on the error output."""
    typer.secho(message, fg="red", err=True)
    typer.secho(cure, err=True)
    raise typer.Exit(status)


def refuse_containers(installation: "Installation") -> None:
    """Ends a command that starts or stops processes where Docker does that."""
    if described := installation.described:
        fail(
            f"{installation.directory} describes an installation in containers.",
            f"Use `docker compose --project-name {described.project}`: docs/containers.md.",
        )


def fail_for_files(error: BaseException, status: int = 1) -> None:
    """Ends the command if it was no server that is missing, but a file that cannot be read or written."""
    if isinstance(error, OSError) and (error.filename is not None or error.errno == errno.ENOSPC):
        fail(
            f"{error.strerror}: {error.filename or 'the data directory'}",
            "Choose a --data-dir that can be written and has room; `plut doctor` says what is wrong with it.",
            status,
        )


def print_json(content: Any) -> None:  # noqa: ANN401  whatever JSON can hold
    """Prints one document for programs."""
    typer.echo(json_module.dumps(content, ensure_ascii=False, default=str))
