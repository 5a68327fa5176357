"""`plut chaos`: breaks the running product on purpose, and judges what became of the promise."""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import DataDir, Json, fail, print_json

if TYPE_CHECKING:
    from deploy.chaos.campaign import Asked
    from deploy.chaos.result import Result
    from deploy.chaos.scenario import Scenario

_GREATEST_SEED = 1_000_000


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("chaos")(chaos)


def chaos(
    scenario: Annotated[
        list[str] | None, typer.Option(help="A scenario by its name or its faults (F2); may be repeated. Else all.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of the schedule. Else a random one, told.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each fault strikes.")] = 2,
    minutes: Annotated[float, typer.Option(min=0, help="Draw scenarios and seeds again and again for so long.")] = 0.0,
    write: Annotated[
        Path | None, typer.Option(help="A page to write each result into, such as docs/reliability.md.", dir_okay=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the scenarios.")] = False,  # noqa: FBT002  a flag
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Runs two of each process on real Postgres and Kafka, breaks them under load, heals, and compares everything.

    It starts installations of its own below the data directory (else in the user's cache) and touches nothing else.
    What is kept of a failure (writers' histories, logs, tables, topics, the command that repeats it) stays there.
    Exit status: 0 only if every scenario survived; 1 if one failed or its fault did not bite; 3 if one could not be
    run on this machine and all others survived.
    """
    from deploy.chaos.campaign import Asked
    from deploy.chaos.scenarios import all_scenarios, named
    from deploy.local.supervisor import ERRORS

    try:
        chosen = named(scenario) if scenario else all_scenarios()
    except KeyError as unknown:
        fail(f"There is no scenario {unknown}.", "See `plut chaos --list`.", status=2)
    if list_:
        _list(chosen, as_json=json)
        return
    drawn = random.randrange(_GREATEST_SEED) if seed is None else seed  # noqa: S311  a schedule's dice
    try:
        results = asyncio.run(_run(Asked(chosen, drawn, rounds, minutes), data_dir, write, as_json=json))
    except asyncio.CancelledError:
        fail("It was told to stop; its installations are stopped and removed.", "Call it again.", status=143)
    except ERRORS as error:
        fail(f"An installation did not start: {error}", "`plut doctor` looks for what is wrong with this machine.")
    raise typer.Exit(_status(results))


def _list(chosen: "list[Scenario]", *, as_json: bool) -> None:
    if as_json:
        rows = [(each.name, each.faults, each.title, each.cannot_run()) for each in chosen]
        print_json([dict(zip(("name", "faults", "title", "not_run_because"), row, strict=True)) for row in rows])
        return
    for each in chosen:
        why_not = each.cannot_run()
        typer.echo(f"{each.faults:8} {each.name:32} {each.title}{f' (not here: {why_not})' if why_not else ''}")


async def _run(asked: "Asked", data_dir: Path | None, write: Path | None, *, as_json: bool) -> "list[Result]":
    from rich.console import Console

    from deploy.bench.scratch import cancel_on_sigterm, parent_of
    from deploy.chaos import campaign, page, scenarios
    from deploy.chaos.table import cells, drawn
    from shared.clock import utc_now

    cancel_on_sigterm()
    console = Console(stderr=True, highlight=False)
    parent = Path(tempfile.mkdtemp(prefix="chaos-", dir=parent_of(data_dir)))

    def say(text: str) -> None:
        console.print(f"  {text}", style="dim", markup=False)

    results: list[Result] = []

    def tell(result: "Result") -> None:
        results.append(result)
        if write is not None:
            page.write(write, results, utc_now(), [each.name for each in scenarios.all_scenarios()])
        console.print(": ".join(filter(None, (cells(result)[0], cells(result)[-1]))), markup=False)
        for problem in result.problems:
            console.print(f"    {problem}", markup=False)
        if result.kept:
            console.print(f"    kept in {result.kept}", markup=False)

    await campaign.run(asked, parent, say, tell)
    if as_json:
        print_json({"seed": asked.seed, "results": [result.as_json() for result in results]})
    else:
        Console().print(drawn(results))
    return results


def _status(results: "list[Result]") -> int:
    from deploy.chaos.result import Verdict

    verdicts = {result.verdict for result in results}
    if verdicts & {Verdict.FAILED, Verdict.TOOTHLESS}:
        return 1
    return 3 if Verdict.NOT_RUN in verdicts else 0
