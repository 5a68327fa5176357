"""`plut import`: a sheet of an office, through the API."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deploy.cli.options import WHAT_RUNS, DataDir, Json, fail, print_json

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from deploy.local.import_desk import ImportDesk, Progress


class What(StrEnum):
    """What stands in the sheet."""

    BUSINESSES = "businesses"
    SESSIONS = "sessions"


_SERVICE = {What.BUSINESSES: "registry", What.SESSIONS: "mentoring"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("import")(import_sheet)


def import_sheet(
    file: Annotated[
        Path | None, typer.Argument(help="The sheet, .xlsx or CSV.", exists=True, dir_okay=False, readable=True)
    ] = None,
    office: Annotated[str, typer.Option(help="Whose sheet it is, such as 35.76.")] = "",
    what: Annotated[What, typer.Option(help="What stands in it.")] = What.BUSINESSES,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row and save nothing.")] = False,  # noqa: FBT002
    result: Annotated[
        Path | None, typer.Option(help="Where to write the result sheet, to be corrected and imported again.")
    ] = None,
    template: Annotated[Path | None, typer.Option(help="Write the template there instead.")] = None,
    follow: Annotated[str | None, typer.Option(help="Follow an import that was begun, by its id.")] = None,
    cancel: Annotated[str | None, typer.Option(help="Stop an import that was begun, by its id.")] = None,
    accept: Annotated[
        str | None, typer.Option(help="Let the past sessions of an import count, by its id, as the office's head.")
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Imports a sheet of an office and says what became of its rows.

    The service works it through by itself: interrupted, this command only stops to look. Exit status: 0 once all rows
    are done, whatever became of each; 1 if the sheet is refused or the import was cancelled.
    """
    import httpx

    from deploy.local.import_desk import ImportDesk, ImportRefused
    from deploy.local.installation import Installation

    if sum(each is not None for each in (file, template, follow, cancel, accept)) != 1:
        fail(
            "Name one thing to do.",
            "Try: plut import FILE --office 35.76, or --template, --follow, --cancel or --accept.",
        )
    if accept is not None and what is not What.SESSIONS:
        fail("Only past sessions wait to be accepted.", "Add --what sessions.")
    installation = Installation.open(data_dir)
    try:
        desk = ImportDesk.of(installation, _SERVICE[what], office)
    except ValueError as error:
        fail(str(error), "Try: plut import FILE --office 35.76")
    errand = _Errand(desk, file, dry_run, result, template, follow, cancel, accept)
    try:
        ended = asyncio.run(errand.run())
    except ImportRefused as refused:
        fail(refused.message, refused.cure)
    except httpx.TransportError as error:
        fail(f"{_SERVICE[what]} does not answer ({type(error).__name__}).", WHAT_RUNS)
    except KeyboardInterrupt:
        _interrupted(errand.begun, office, what)
    if ended is not None:
        _tell(ended, json=json)


class _Errand:
    """What was asked for. `begun` is the import's id, once there is one."""

    def __init__(
        self,
        desk: "ImportDesk",
        file: Path | None,
        dry_run: bool,  # noqa: FBT001  as it stands on the command line
        result: Path | None,
        template: Path | None,
        follow: str | None,
        cancel: str | None,
        accept: str | None,
    ) -> None:
        self.begun = follow
        self._desk = desk
        self._file = file
        self._dry_run = dry_run
        self._result = result
        self._template = template
        self._cancel = cancel
        self._accept = accept

    async def run(self) -> "Progress | None":
        """Returns how an import ended; None if there was none to wait for."""
        async with self._desk:
            if self._template is not None:
                _write(self._template, await self._desk.template())
                return None
            if self._cancel is not None:
                await self._desk.cancel(self._cancel)
                return None
            if self._accept is not None:
                typer.echo(f"{await self._desk.accept(self._accept):>8,}  accepted")
                return None
            if self._file is not None:
                self.begun = await self._desk.upload(self._file.read_bytes(), dry_run=self._dry_run)
            return await self._followed(str(self.begun))

    async def _followed(self, import_id: str) -> "Progress":
        with _bar() as bar:
            task = bar.add_task("rows", total=None)
            async for progress in self._desk.follow(import_id):
                total = progress.counts["rows"] or None
                bar.update(task, completed=progress.finished, total=total, description=progress.state)
        if self._result is not None and progress.state != "failed":
            _write(self._result, await self._desk.result(import_id))
        return progress


def _write(target: Path, content: bytes) -> None:
    target.write_bytes(content)


def _bar() -> "Bar":
    """On a terminal a bar, else nothing; on the error output, so that JSON stays alone."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _tell(ended: "Progress", *, json: bool) -> None:
    if ended.failure is not None:
        fail(ended.failure["message"], ended.failure["cure"])
    if json:
        print_json(ended.counts)
    else:
        for name, count in ended.counts.items():
            typer.echo(f"{count:>8,}  {name.replace('_', ' ')}")
    if ended.state == "cancelled":
        fail("The import was cancelled.", "What was created before stays; import the sheet again to go on.")


def _interrupted(begun: str | None, office: str, what: What) -> NoReturn:
    if begun is None:
        fail("It was interrupted before the sheet had arrived.", "Call it again.", status=130)
    options = f"{begun} --office {office}" + f" --what {what}"
    fail(
        f"The service goes on with import {begun}.",
        f"Look again: plut import --follow {options}\nStop it:    plut import --cancel {options}",
        status=130,
    )
