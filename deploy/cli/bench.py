"""`plut bench`: measurements, on an installation of their own."""

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli import bench_query
from deploy.cli.options import DataDir, Json, Write, fail, print_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from deploy.bench.owed import Figure
    from deploy.bench.pipeline import Asked, Measured
    from deploy.local.installation import Installation

_STOPPED = "It was told to stop; its installation is stopped and removed."

_bench = typer.Typer(help="Measures the product on an installation of its own.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    _bench.command("query")(bench_query.query)
    app.add_typer(_bench, name="bench")


@_bench.callback()
def _group() -> None:
    """Measures the product on an installation of its own."""


@_bench.command("pipeline")
def pipeline(
    rate: Annotated[float, typer.Option(min=0.1, help="Writes per second, whatever becomes of them.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=1, help="For how long.")] = 30.0,
    backlog: Annotated[
        int, typer.Option(min=0, help="Events of a backlog, sent once for the relays alone and once the whole way.")
    ] = 0,
    commands: Annotated[  # noqa: FBT002  a flag of the command line
        bool,
        typer.Option(
            help="Run the services' own commands, on days of three years. Else what they leave behind is committed: "
            "the pipeline is measured without the rules in front of it, also at rates that commands here do not reach."
        ),
    ] = False,
    messages: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option(help="Clients are asked about the sessions meanwhile, on the same processors.")
    ] = False,
    consumers: Annotated[
        int, typer.Option(min=1, max=12, help="How many of reporting's consumers share the work.")
    ] = 1,
    scattered: Annotated[  # noqa: FBT002  a flag of the command line
        bool,
        typer.Option(
            help="Sessions come in the worst order, no two that follow each other of one office or day. "
            "Else as offices write them: today's, or a backlog's day by day, and some of them late."
        ),
    ] = False,
    rebuild: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option(help="Afterwards the read models are rebuilt.")
    ] = False,
    data_dir: DataDir = None,
    write: Write = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Measures from COMMIT's return until another connection sees the changed total, and how fast a backlog passes.

    It starts an installation of its own below the data directory (else in the user's cache), which is removed at the
    end; what runs beside it takes part in the use of the machine, so measure on a quiet one.
    Exit status: 0 if no event is missing and the check holds afterwards.
    """
    import uvloop

    from deploy.bench.pipeline import Asked
    from deploy.local.supervisor import ERRORS
    from shared.postgres import UNAVAILABLE

    asked = Asked(rate, seconds, commands, backlog, messages, consumers, scattered, rebuild)
    try:
        measured, proven = uvloop.run(_measure(data_dir, asked, _say))
    except asyncio.CancelledError:
        fail(_STOPPED, "Call it again.", status=143)
    except ERRORS as error:
        fail(f"It broke off: {error}", "`plut doctor` looks for what is wrong with this machine.")
    except UNAVAILABLE as error:
        fail(f"Postgres or the pipeline did not answer: {error!r}", "Measure on a machine with less to do.")
    if write is not None:
        from deploy.bench import owed

        _write(write, owed.of_pipeline(asked, measured.as_json()))
    print_json({**measured.as_json(), "proven": proven}) if json else _show(measured, proven=proven)
    raise typer.Exit(0 if proven and measured.missing == 0 else 1)


@_bench.command("api")
def api(
    seconds: Annotated[float, typer.Option(min=1, help="For how long each load is measured.")] = 10.0,
    data_dir: DataDir = None,
    write: Write = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Measures an HTTP command: a registration, authenticated, validated, scoped, idempotent, encrypted, committed.

    Beside it, in the same run, an endpoint that does nothing with the same body, and pgbench; what runs beside it on
    the machine takes part in the use of it.
    """
    from deploy.bench import owed
    from deploy.bench.api import RefusedError, measure

    async def measured(installation: "Installation") -> dict[str, Any]:
        return (await measure(installation, seconds, _say)).as_json()

    try:
        _run_in_scratch(data_dir, measured, owed.of_api, write, json=json)
    except RefusedError as error:
        fail(f"It broke off: {error}", "`plut logs registry` says why.")


@_bench.command("dedupe")
def dedupe(
    data_dir: DataDir = None,
    write: Write = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Registers a labelled set of businesses and says which pairs were taken for one business, rightly or not.

    A pair is found if it is merged or sent to review. All numbers but the pairs are shares.
    """
    from deploy.bench import owed
    from deploy.bench.dedupe import measure

    async def measured(installation: "Installation") -> dict[str, Any]:
        return (await measure(installation)).as_json()

    _run_in_scratch(data_dir, measured, owed.of_dedupe, write, json=json)


@_bench.command("find")
def find(
    businesses: Annotated[int, typer.Option(min=1_000, help="Among how many businesses.")] = 1_000_000,
    data_dir: DataDir = None,
    write: Write = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Measures finding a business, and the search for duplicates of one, among many that Postgres makes first."""
    from deploy.bench import owed
    from deploy.bench.dedupe_find import measure

    async def measured(installation: "Installation") -> dict[str, Any]:
        return (await measure(installation, businesses, _say)).as_json()

    _run_in_scratch(data_dir, measured, owed.of_find, write, json=json)


@_bench.command("import")
def imports(
    rows: Annotated[int, typer.Option(min=100, max=50_000, help="Rows of the sheet.")] = 20_000,
    pipeline: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option(help="Relays and consumers run meanwhile, on the same processors; else they are held.")
    ] = False,
    data_dir: DataDir = None,
    write: Write = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Measures an import of a sheet from its upload to its last row: read, judged, searched for and registered.

    Beside it, bare COPY of the same cells into a table without rules.
    """
    from deploy.bench import owed
    from deploy.bench.imports import ImportFailed, measure
    from deploy.local.import_desk import ImportRefused

    async def measured(installation: "Installation") -> dict[str, Any]:
        return (await measure(installation, rows, _say, held=not pipeline)).as_json()

    try:
        _run_in_scratch(data_dir, measured, partial(owed.of_import, pipeline=pipeline), write, json=json)
    except (ImportFailed, ImportRefused) as error:
        fail(f"It broke off: {error}", "`plut logs registry` says why.")


def _run_in_scratch(
    data_dir: Path | None,
    measured: "Callable[[Installation], Awaitable[dict[str, Any]]]",
    figures: "Callable[[dict[str, Any]], Sequence[Figure]]",
    write: Path | None,
    *,
    json: bool,
) -> None:
    """Measures on an installation of its own and tells what was measured, or says why it broke off."""
    import uvloop

    from deploy.bench.scratch import scratch
    from deploy.local.supervisor import ERRORS
    from shared.postgres import UNAVAILABLE

    async def run() -> dict[str, Any]:
        async with scratch(data_dir, _say) as installation:
            return await measured(installation)

    try:
        rows = uvloop.run(run())
    except asyncio.CancelledError:
        fail(_STOPPED, "Call it again.", status=143)
    except ERRORS as error:
        fail(f"It broke off: {error}", "`plut doctor` looks for what is wrong with this machine.")
    except UNAVAILABLE as error:
        fail(f"Postgres or the registry did not answer: {error!r}", "Measure on a machine with less to do.")
    if write is not None:
        _write(write, figures(rows))
    print_json(rows) if json else _show_rows(rows)


def _write(path: Path, figures: "Sequence[Figure]") -> None:
    from deploy.bench import page
    from shared.clock import utc_now

    page.write(path, figures, utc_now())


def _say(text: str) -> None:
    typer.secho(text, err=True, dim=True)


async def _measure(data_dir: Path | None, asked: "Asked", say: "Callable[[str], None]") -> "tuple[Measured, bool]":
    from deploy.bench.pipeline import measure
    from deploy.bench.scratch import scratch
    from deploy.cli.check import prove, show

    async with scratch(data_dir, say) as installation:
        measured = await measure(installation, asked, say)
        say("the check compares everything")
        report = await prove(installation, None, 60.0, lambda _stage, _number: None)
        if not report.ok:
            show(report)
        return measured, report.ok


def _show(measured: "Measured", *, proven: bool) -> None:
    _show_rows({**measured.as_json(), "check afterwards": "holds" if proven else "does not hold"})


def _show_rows(rows: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, value in rows.items():
        table.add_row(name, "not measured" if value is None else str(value))
    Console().print(table)
