"""How rows travel from the child that reads a sheet to the process that asked for it: a JSON line each."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.sheets.cells import Cell
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
    spread = {str(at): _told(cell) for at, cell in row.spread.items()}
    return json.dumps([row.number, [_told(cell) for cell in row.cells], spread])


def decode_row(line: bytes) -> SheetRow:
    number, cells, spread = json.loads(line)
    return SheetRow(number, tuple(map(_heard, cells)), {int(at): _heard(cell) for at, cell in spread.items()})


def encode_cells(cells: tuple[Cell, ...]) -> str:
    """Returns the same for cells alone, for whoever keeps them."""
    return json.dumps([_told(cell) for cell in cells])


def decode_cells(text: str) -> tuple[Cell, ...]:
    return tuple(map(_heard, json.loads(text)))


def _told(cell: Cell) -> Any:  # noqa: ANN401
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
            return cell


def _heard(told: Any) -> Cell:  # noqa: ANN401
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
            return told  # type: ignore[no-any-return]  # JSON's own types are cells
