"""The results as people read them: a table, and the cells that the page of the documentation has too."""

from collections.abc import Sequence

from rich.table import Table

from deploy.chaos.result import Result, Verdict

_WORDS = {
    Verdict.SURVIVED: "survived",
    Verdict.FAILED: "FAILED",
    Verdict.TOOTHLESS: "FAILED: the fault did not bite",
}
_STYLES = {Verdict.SURVIVED: "green", Verdict.FAILED: "bold red", Verdict.TOOTHLESS: "red", Verdict.NOT_RUN: "yellow"}
_LEFT = ("scenario", "what was seen", "verdict")
COLUMNS = (
    "scenario",
    "what was seen",
    "acknowledged",
    "duplicates",
    "lost",
    "twice",
    "differing",
    "recovery, s",
    "verdict",
)


def drawn(results: Sequence[Result]) -> Table:
    """Returns the table for a terminal."""
    table = Table(title="What was broken, and what became of it", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in _LEFT else "right", ratio=2 if name in _LEFT else None)
    for result in results:
        table.add_row(*cells(result), style=_STYLES[result.verdict])
    return table


def cells(result: Result) -> list[str]:
    """Returns one row; of what was not run there are no figures."""
    name = f"{result.name} ({result.faults})"
    if result.verdict is Verdict.NOT_RUN:
        return [name, *[""] * 7, f"not run, because {' '.join(result.problems)}"]
    counts = (result.acknowledged, result.duplicates, result.lost, result.twice, result.differing_rows)
    recovery = "" if result.recovery_seconds is None else f"{result.recovery_seconds:.1f}"
    return [name, seen(result), *(f"{count:,}" for count in counts), recovery, _WORDS[result.verdict]]


def seen(result: Result) -> str:
    """Returns what of the fault was really seen."""
    return ", ".join(f"{what} {count}" for what, count in sorted(result.seen.items()) if count and what != "duplicates")
