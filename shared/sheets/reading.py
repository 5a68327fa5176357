"""Reads an uploaded sheet in a child process: whatever the file does to its reader, this process keeps its memory."""

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from shared.sheets.children import child
from shared.sheets.tables import SheetRow
from shared.sheets.wire import LONGEST_LINE, SheetRefused, decode_row

MOST_BYTES = 20 * 1024 * 1024
_SECONDS_PER_LINE = 90.0  # the first one waits until the whole file is read


@dataclass(frozen=True)
class Sheet:
    """The one sheet that was chosen, being read; `remarks` are in Bahasa."""

    remarks: tuple[str, ...]
    _process: Process

    async def rows(self) -> AsyncIterator[SheetRow]:
        """Yields the rows that are not blank, in order. Raises SheetRefused."""
        while (line := await _line(self._process)) is not None:
            yield decode_row(line)


@asynccontextmanager
async def open_sheet(content: bytes, labels: Collection[str] = ()) -> AsyncIterator[Sheet]:
    """Opens the sheet of a workbook (or CSV) that shows most of the `labels` (see `columns.known_labels`).

    Raises SheetRefused for what is no sheet or is too large; its message and cure are in Bahasa.
    """
    if len(content) > MOST_BYTES:
        raise SheetRefused("Berkas terlalu besar.", "Kirim berkas paling besar 20 MB; bagi menjadi beberapa berkas.")
    async with child("shared.sheets.child", LONGEST_LINE) as process:
        await _hand_over(process, content, labels)
        first = await _line(process)
        if first is None:
            raise _broken()
        yield Sheet(tuple(json.loads(first)["remarks"]), process)


async def _hand_over(process: Process, content: bytes, labels: Collection[str]) -> None:
    assert process.stdin is not None  # noqa: S101  it is piped
    with suppress(BrokenPipeError, ConnectionResetError):  # a child that died is told by its answer
        process.stdin.write(json.dumps(sorted(labels)).encode() + b"\n")
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()


async def _line(process: Process) -> bytes | None:
    """The child's next line; None after the last. A child that ends without saying so was killed by its limits."""
    assert process.stdout is not None  # noqa: S101  it is piped
    try:
        async with asyncio.timeout(_SECONDS_PER_LINE):
            line = await process.stdout.readline()
    except (TimeoutError, ValueError):
        raise _broken() from None
    if line == b"end\n":
        return None
    if not line.endswith(b"\n"):
        raise _broken()
    if line.startswith(b'{"refused"'):
        raise SheetRefused(*json.loads(line)["refused"])
    return line


def _broken() -> SheetRefused:
    return SheetRefused(
        "Berkas ini tidak bisa dibaca: terlalu besar setelah dibuka, atau rusak.",
        "Salin datanya saja ke buku kerja baru (Tempel Khusus: Nilai), hapus lembar lain, lalu simpan sebagai .xlsx.",
    )
