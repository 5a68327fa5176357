"""The table of a page that `plut bench` writes itself: a row for each figure, as it was last measured."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from deploy.bench.owed import Figure
from deploy.local import machine
from deploy.local.files import write_whole
from shared.clock import WIB

_BEGINS, _ENDS = "<!-- plut bench writes from here -->", "<!-- to here -->"
_COLUMNS = ("what", "owed", "measured", "ratio to it", "kept", "when, on what", "again by")
# Greater numbers are told without a fraction.
_WHOLE_FROM = 1_000
_TABLE = re.compile(f"{re.escape(_BEGINS)}.*?{re.escape(_ENDS)}", re.DOTALL)


def write(path: Path, figures: Sequence[Figure], now: datetime) -> None:
    """Replaces the rows of these figures in the page's table, and leaves all else as it is.

    A page without such a table, or none at all, gets one at its end.
    """
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    if not _TABLE.search(page):
        page = f"{page.rstrip()}\n\n{_BEGINS}{_ENDS}\n".lstrip()
    rows = {**_rows_of(page), **{figure.what: _row(figure, now) for figure in figures}}
    head = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    table = "\n".join([_BEGINS, "", *head, *(rows[what] for what in sorted(rows)), "", _ENDS])
    write_whole(path, _TABLE.sub(lambda _: table, page))


def _rows_of(page: str) -> dict[str, str]:
    """Returns the table's rows by what they measure."""
    found = _TABLE.search(page)
    lines = found[0].splitlines() if found else []
    rows = [line for line in lines if line.startswith("| ") and not line.startswith((f"| {_COLUMNS[0]} |", "| --- "))]
    return {line.split(" | ")[0].removeprefix("| "): line for line in rows}


def _row(figure: Figure, now: datetime) -> str:
    owed = "" if figure.limit is None else f"{'≥' if figure.at_least else '≤'} {_told(figure.limit, figure.unit)}"
    measured = _told(figure.measured, figure.unit) + (f" ({figure.note})" if figure.note else "")
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    kept = {True: "yes", False: "**no**", None: ""}[figure.is_kept]
    when = f"{now.astimezone(WIB):%Y-%m-%d}, {machine.described()}"
    return "| " + " | ".join([figure.what, owed, measured, ratio, kept, when, f"`{figure.command}`"]) + " |"


def _told(number: float, unit: str) -> str:
    shown = f"{number:.4g}" if number < _WHOLE_FROM else f"{number:,.0f}"
    return f"{shown} {unit}".rstrip()
