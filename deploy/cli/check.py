"""`plut check`: proves on the running system that nothing acknowledged is lost or counted twice."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import WHAT_RUNS, DataDir, Json, fail, fail_for_files

if TYPE_CHECKING:
    from deploy.check.findings import Report
    from deploy.check.proof import Progress
    from deploy.local.installation import Installation

_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  typer makes it a flag
    writers: Annotated[
        Path | None,
        typer.Option(
            help='Directory of writers\' logs: JSON lines {"key", "status" (null = unknown), "answer", "at"}.',
            exists=True,
            file_okay=False,
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, help="Seconds that events on their way may take to arrive before it gives up on them."),
    ] = 60.0,
) -> None:
    """Proves that what was acknowledged is stored, and what is stored is shown once. Offices may write meanwhile.

    acknowledged: accepted commands that left events, and keys that writers were told of and no service knows.
    stored: events in the outboxes. applied: those whose aggregate has come as far in every table that follows it
    (equal to stored once the pipeline is quiet; acknowledged is never more than stored unless something is lost).
    lost: accepted without its event, or stored and passed by. twice: two effects of one key, or totals above the sum.
    differing_rows: rows of facts, replicas, totals or answers that are not what the outbox history says.
    restored_away: taken away by a restore to an earlier point. waiting (in --json): not through the pipeline in time.

    Exit status: 0 only if nothing is lost, twice, different or still waiting; 1 otherwise; 2 if it could not look.
    """
    from deploy.local.installation import Installation, NotRunningError
    from shared.postgres import UNAVAILABLE

    try:
        report = asyncio.run(_prove(Installation.open(data_dir), writers, wait, quiet=json))
    except NotRunningError as error:
        fail(str(error), "plut up", status=2)
    except UNAVAILABLE as error:
        fail_for_files(error, status=2)
        fail(
            f"Postgres did not answer: {type(error).__name__}: {error}",
            WHAT_RUNS,
            status=2,
        )
    typer.echo(_as_json(report)) if json else show(report)
    raise typer.Exit(0 if report.ok else 1)


async def prove(installation: "Installation", writers: Path | None, wait: float, progress: "Progress") -> "Report":
    """Runs the whole check against an installation; raises what UNAVAILABLE names, and NotRunningError."""
    from deploy.check.proof import prove as compare_everything
    from deploy.check.reader import SERVICES, open_readers

    settings = {service: installation.settings(service, "worker") for service in SERVICES}
    async with open_readers(settings) as readers:
        return await compare_everything(readers, writers=writers, wait_seconds=wait, progress=progress)


async def _prove(installation: "Installation", writers: Path | None, wait: float, *, quiet: bool) -> "Report":
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task("reading")
        counted: dict[str, int] = {}

        def progress(stage: str, number: int) -> None:
            counted[stage] = counted.get(stage, 0) + number
            bar.update(task, description=", ".join(f"{name} {total}" for name, total in counted.items()))

        return await prove(installation, writers, wait, progress)


def show(report: "Report") -> None:
    """Prints the counts, and each finding with what to do."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(show_header=False, box=None)
    counts = {name: value for name, value in report.as_json().items() if name not in ("details", "ok")}
    for name, value in counts.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    for finding in report.details[:_SHOWN]:
        console.print(f"[bold]{finding.kind}[/bold] {finding.where}", highlight=False)
        console.print(f"  {finding.what}\n  -> {finding.cure}", highlight=False, markup=False)
    left = sum(report.counts.values()) - min(len(report.details), _SHOWN)
    if left > 0:
        console.print(f"and {left} more; `plut check --json` lists the first thousand")
    console.print("The promise holds." if report.ok else "The promise is not proven.", style="bold")


def _as_json(report: "Report") -> str:
    import json

    return json.dumps(report.as_json())
