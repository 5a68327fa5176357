"""`plut bench query`: what reporting's answers cost when much has happened."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from deploy.cli.options import DataDir, Json, Write, fail, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.bench.asking import Answer
    from deploy.bench.query import Asked


def query(
    events: Annotated[int, typer.Option(min=10_000, help="Events at the top; a tenth and a hundredth before.")] = (
        10_000_000
    ),
    rate: Annotated[float, typer.Option(min=0, help="Events per second that are applied meanwhile.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=0.5, help="For how long each question is asked.")] = 5.0,
    data_dir: DataDir = None,
    write: Write = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Measures what reporting's answers take at 1, 10 and 100 times the events, while events are applied.

    The events are made up, and pass through the product's own rules into the tables of three installations of its own,
    which are asked in turns.
    Exit status: 0 if no question takes more than 1.2 times as long at the top, and 99 of 100 answers take 50 ms.
    """
    import uvloop

    from deploy.bench.asking import UnansweredError
    from deploy.bench.filling import FillingError
    from deploy.bench.query import Asked, NoSpaceError, kept_by
    from deploy.local.supervisor import ERRORS
    from shared.postgres import UNAVAILABLE

    try:
        answers = uvloop.run(_answers(data_dir, Asked(events, rate, seconds)))
    except asyncio.CancelledError:
        fail("It was told to stop; its installations are stopped and removed.", "Call it again.", status=143)
    except NoSpaceError as error:
        fail(f"{error}.", "Ask for fewer with --events, or choose another disk with --data-dir.")
    except UnansweredError as error:
        fail(f"It broke off: {error}", "`plut logs reporting` says why.")
    except FillingError as error:
        fail(f"It broke off: {error}.", "What that process said of it stands above.")
    except ERRORS as error:
        fail(f"It broke off: {error}", "`plut doctor` looks for what is wrong with this machine.")
    except UNAVAILABLE as error:
        fail(f"Postgres or reporting did not answer: {error!r}", "Measure on a machine with less to do.")
    if write is not None:
        from deploy.bench import owed, page
        from shared.clock import utc_now

        page.write(write, owed.of_query(answers, rate), utc_now())
    print_json([each.as_json() for each in answers]) if json else _show(answers)
    raise typer.Exit(0 if kept_by(answers) else 1)


async def _answers(data_dir: Path | None, asked: "Asked") -> "list[Answer]":
    from deploy.bench.query import TIMES, measure
    from deploy.bench.scratch import scratch

    with _Growing() as growing:
        async with AsyncExitStack() as stack:
            installations = [await stack.enter_async_context(scratch(data_dir, growing.say)) for _ in TIMES]
            return await measure(installations, asked, growing.say, growing.tell)


class _Growing:
    """A bar while events are written, on a terminal; lines of text above it or without it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._console = console
        self._task = self._bars.add_task("events written", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()

    def tell(self, done: int, whole: int) -> None:
        self._bars.update(self._task, completed=done, total=whole)

    def say(self, text: str) -> None:
        self._console.print(text, style="dim")


def _show(answers: "Sequence[Answer]") -> None:
    """A line for each question: the middle answer at each amount, the slowest of a hundred, and how flat it is, by the
    clock and by the processor time of the api and Postgres.
    """
    from rich.console import Console
    from rich.table import Column, Table

    from deploy.bench.query import LIMIT_MS, LIMIT_RATIO, ratios

    amounts = [each.events for each in answers if each.query == answers[0].query]
    question = Column("question", overflow="fold")
    table = Table(question, *(f"p50, {events:,}" for events in amounts), "times", "cpu", "times", "slowest p99")
    by_processor = ratios(answers, by=lambda each: each.cpu_ms)
    for query, ratio in ratios(answers).items():
        its = [each for each in answers if each.query == query]
        slowest = max(each.p99_ms for each in its)
        table.add_row(
            query,
            *(f"{each.p50_ms:.2f}" for each in its),
            _marked(f"{ratio:.2f}", broken=ratio > LIMIT_RATIO),
            f"{max(its, key=lambda one: one.events).cpu_ms:.2f}",
            f"{by_processor[query]:.2f}",
            _marked(f"{slowest:.2f}", broken=slowest > LIMIT_MS),
        )
    console = Console()
    console.print(table)
    console.print(f"Limits: {LIMIT_RATIO} times, {LIMIT_MS:.0f} ms.")


def _marked(text: str, *, broken: bool) -> str:
    return f"[bold red]{text} !![/]" if broken else text
