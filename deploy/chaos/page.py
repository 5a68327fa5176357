"""The page of the documentation that the command writes itself: one row for each scenario, as it was last measured."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from deploy.chaos.result import Result, Verdict
from deploy.chaos.table import cells
from deploy.local import machine
from deploy.local.files import write_whole
from shared.clock import WIB

_COLUMNS = (
    "scenario",
    "what is broken",
    "what was seen of it",
    "acknowledged",
    "without an answer",
    "duplicates in Kafka",
    "lost",
    "twice",
    "rows that differ",
    "recovery, s",
    "verdict",
    "measured",
)
_NAME = re.compile(r"^\| (?P<name>[a-z0-9-]+) \(")
_TEXT = Path(__file__).with_suffix(".md")


def write(path: Path, results: Sequence[Result], now: datetime, known: Sequence[str]) -> None:
    """Writes the page with the rows of these results; rows of scenarios that did not run stay as they were. Of those
    that are `known`, the page names the ones that have no row.
    """
    rows = {**_rows_of(path), **_rows(results, now)}
    head = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    table = "\n".join([*head, *rows.values()])
    left = ", ".join(f"`{name}`" for name in known if name not in rows) or "none"
    write_whole(path, _TEXT.read_text(encoding="utf-8").format(table=table, left=left))


def _rows_of(path: Path) -> dict[str, str]:
    """Returns the rows that the page has, by scenario."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {match["name"]: line for line in lines if (match := _NAME.match(line))}


def _rows(results: Sequence[Result], now: datetime) -> Mapping[str, str]:
    by_name: dict[str, list[Result]] = {}
    for result in results:
        by_name.setdefault(result.name, []).append(result)
    return {name: _row(those, now) for name, those in by_name.items()}


def _row(results: Sequence[Result], now: datetime) -> str:
    whole = results[0] if len(results) == 1 else together(results)
    name, seen, *figures, verdict = cells(whole)
    figures.insert(1, f"{whole.without_answer:,}" if whole.verdict is not Verdict.NOT_RUN else "")
    how = f"{len(results)} seeds" if len(results) > 1 else f"seed {whole.seed}"
    measured = f"{now.astimezone(WIB):%Y-%m-%d}, {how}, {machine.described()}"
    return "| " + " | ".join([name, whole.title, seen, *figures, verdict, measured]) + " |"


def together(results: Sequence[Result]) -> Result:
    """Returns several courses of one scenario as one: sums, the longest recovery, the worst verdict."""
    worst = max(results, key=lambda result: _BADNESS.index(result.verdict))
    recoveries = [result.recovery_seconds for result in results if result.recovery_seconds is not None]
    seen: dict[str, int] = {}
    for result in results:
        for what, times in result.seen.items():
            seen[what] = seen.get(what, 0) + times
    return Result(
        worst.name,
        worst.faults,
        worst.title,
        worst.seed,
        worst.verdict,
        seen,
        acknowledged=sum(result.acknowledged for result in results),
        without_answer=sum(result.without_answer for result in results),
        duplicates=sum(result.duplicates for result in results),
        lost=max(result.lost for result in results),
        twice=max(result.twice for result in results),
        differing_rows=max(result.differing_rows for result in results),
        recovery_seconds=max(recoveries, default=None),
        problems=worst.problems,
    )


_BADNESS = (Verdict.NOT_RUN, Verdict.SURVIVED, Verdict.TOOTHLESS, Verdict.FAILED)
