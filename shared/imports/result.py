"""The result sheet of an import: written by a child process, so that a long sheet holds up nobody's request."""

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence

from shared.imports.content import Found, Seal
from shared.imports.importer import Importer
from shared.imports.rows import LABELS, RowOutcome
from shared.imports.store import SealedRow
from shared.sheets.children import child
from shared.sheets.tables import SheetRow
from shared.sheets.wire import encode_row

_CHUNK = 65_536
_SECONDS = 60.0


class ResultFailed(Exception):
    """The child that writes the sheet has ended before its time."""


class ResultSheet:
    """The uploaded table with what became of each row; of an uploaded result sheet, without our older columns."""

    def __init__(self, importer: Importer, seal: Seal, found: Found) -> None:
        self._seal = seal
        self._fields = {name: at for at, name in found.fields.items()}
        shown = found.fields if not importer.keeps_all_columns else range(len(found.labels))
        self._shown = sorted(set(shown) - set(found.own.values()))
        self._place = {at: place for place, at in enumerate(self._shown)}
        self._header = {"labels": [found.labels[at] for at in self._shown], "subject": importer.subject_label}

    def header(self) -> bytes:
        return json.dumps(self._header).encode() + b"\n"

    def lines(self, rows: Sequence[SealedRow]) -> bytes:
        """Returns rows as the child reads them."""
        return b"".join(self._line(row).encode() + b"\n" for row in rows)

    def _line(self, row: SealedRow) -> str:
        assert row.outcome is not None  # noqa: S101  the import has ended
        sheet_row = self._seal.open_row(row.number, row.content)
        cells = tuple(sheet_row.at(at) for at in self._shown)
        return json.dumps({"row": encode_row(SheetRow(row.number, cells)), **self._told(row.outcome)})

    def _told(self, outcome: RowOutcome) -> dict[str, object]:
        faults: dict[int, list[str]] = {}
        for remark in outcome.remarks:
            column = self._place.get(self._fields.get(remark.field or "", -1))
            if column is not None:
                faults.setdefault(column, []).append(f"{remark.message} {remark.cure}".strip())
        return {
            "status": LABELS[outcome.status],
            "subject": str(outcome.subject or ""),
            "reason": " ".join(remark.message for remark in outcome.remarks),
            "cure": " ".join(dict.fromkeys(remark.cure for remark in outcome.remarks if remark.cure)),
            "faults": {column: "\n".join(texts) for column, texts in faults.items()},
        }


class ResultWriter:
    """Writes one result sheet at a time."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(1)

    async def write(self, lines: AsyncIterator[bytes]) -> list[bytes]:
        """Returns the workbook in pieces. Raises ResultFailed."""
        async with self._free, child("shared.imports.writing") as process:
            try:
                await _hand_over(process, lines)
                async with asyncio.timeout(_SECONDS):
                    return await _pieces(process)
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                raise ResultFailed from None


async def _hand_over(process: Process, lines: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101  it is piped
    async for some in lines:
        process.stdin.write(some)
        await process.stdin.drain()
    process.stdin.close()


async def _pieces(process: Process) -> list[bytes]:
    """A workbook that ends well is whole: the child makes it in memory before it hands it over."""
    assert process.stdout is not None  # noqa: S101  it is piped
    pieces = [piece async for piece in _read(process.stdout)]
    if await process.wait() != 0:
        raise ResultFailed
    return pieces


async def _read(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await stream.read(_CHUNK):
        yield piece
