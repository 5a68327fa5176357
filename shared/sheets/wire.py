"""How rows travel from the child that reads a sheet to the process that asked for it: a JSON line each."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.sheets.tables import SheetRow

LONGEST_CELL = 4_000
MOST_COLUMNS = 100
LONGEST_LINE = 16 * 1024 * 1024


class SheetRefused(Exception):
    """A file that is not read: `message` says why, `cure` what to do. In Bahasa, with nothing of its content."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def encode_row(row: SheetRow) -> str:
    return json.dumps([row.number, row.cells, row.spread], default=_told)


def decode_row(line: bytes | str) -> SheetRow:
    number, cells, spread = json.loads(line, object_hook=_heard)
    return SheetRow(number, tuple(cells), {int(at): cell for at, cell in spread.items()})


def _told(cell: Any) -> dict[str, Any]:  # noqa: ANN401
    """What JSON has no type for, under a word of its own."""
    match cell:
        case datetime():
            return {"at": cell.isoformat()}
        case date():
            return {"day": cell.isoformat()}
        case time():
            return {"time": cell.isoformat()}
        case timedelta():
            return {"seconds": cell.total_seconds()}
        case _:
            raise TypeError(f"{type(cell).__name__} is no cell")


def _heard(told: dict[str, Any]) -> Any:  # noqa: ANN401
    match told:
        case {"at": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case {"time": text}:
            return time.fromisoformat(text)
        case {"seconds": seconds}:
            return timedelta(seconds=seconds)
        case _:
            return told  # the object of spread cells
