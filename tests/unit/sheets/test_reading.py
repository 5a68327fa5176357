"""A file is read by a child process under limits; what cannot be read is refused with a cure."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook

from shared.sheets import child, reading
from shared.sheets.cells import Cell, text_of
from shared.sheets.reading import open_sheet
from shared.sheets.tables import SheetRow, find_table
from shared.sheets.wire import SheetRefused
from tests.unit.sheets import files
from tests.unit.sheets.columns import COLUMNS, HEADER, KNOWN, NIK, data

_MIB = 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)


async def _read(content: bytes) -> tuple[list[SheetRow], tuple[str, ...]]:
    async with open_sheet(content, KNOWN) as sheet:
        return [row async for row in sheet.rows()], sheet.remarks


async def _refused(content: bytes) -> str:
    with pytest.raises(SheetRefused) as refused:
        await _read(content)
    assert refused.value.cure
    return refused.value.message


def _saved(workbook: Workbook) -> bytes:
    stream = BytesIO()
    workbook.save(stream)
    return stream.getvalue()


async def test_cells_of_every_type_arrive_as_they_were() -> None:
    workbook = Workbook()
    cells: list[Cell] = [
        "Batik",
        35.5,
        True,
        date(2026, 11, 21),
        datetime(2026, 11, 21, 9, 30),  # noqa: DTZ001  as a cell has it
        time(9, 30),
        timedelta(hours=30),
    ]
    workbook.active.append(HEADER)  # type: ignore[union-attr]
    workbook.active.append(cells)  # type: ignore[union-attr]
    rows, _ = await _read(_saved(workbook))
    assert rows == [SheetRow(1, HEADER), SheetRow(2, tuple(cells))]


async def test_formulas_are_never_calculated() -> None:
    workbook = Workbook()
    for row in (HEADER, [1, "=1+1", "Siti", NIK], ["=A2"]):
        workbook.active.append(row)  # type: ignore[union-attr]
    rows, _ = await _read(_saved(workbook))
    assert [row.cells for row in rows[1:]] == [(1.0, "=1+1", "Siti", NIK), ("=A2",)]


async def test_a_formula_beside_an_empty_cell_is_told_at_its_own_place() -> None:
    empty, formula = b'<c r="H2" s="1"/>', b'<c r="I2"><f>A2&amp;B2</f></c><c r="J2" t="str"><f>""</f><v></v></c>'
    shared = b'<c r="K2"><f t="shared" si="0"/><v></v></c><c r="L2" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    content = files.replaced(files.workbook(1), b"<v>5</v></c>", b"<v>5</v></c>" + empty + formula + shared)
    rows, _ = await _read(content)
    assert rows[1].cells[6:] == (5.0, None, "=A2&B2", None, "=", "#DIV/0!")


async def test_printing_a_row_tells_nobody_s_number() -> None:
    rows, _ = await _read(files.workbook(1))
    assert repr(rows[1]) == "SheetRow(number=2)"


async def test_a_number_beyond_all_numbers_is_an_error_like_excel_s() -> None:
    content = files.replaced(files.workbook(1), b"<v>5</v>", b"<v>1e999</v>")
    rows, _ = await _read(content)
    assert rows[1].cells[-1] == "#NUM!"


async def test_the_sheet_with_the_header_is_read_and_others_are_named() -> None:
    workbook = Workbook()
    workbook.active.append(["Petunjuk pengisian"])  # type: ignore[union-attr]
    for title in ("Mentikan", "Kauman"):
        sheet = workbook.create_sheet(title)
        sheet.append(HEADER)
        sheet.append(data(1))
    workbook.create_sheet("Rahasia").append(["NIK", NIK])
    rows, remarks = await _read(_saved(workbook))
    assert [row.number for row in rows] == [1, 2]
    assert remarks == (
        "Dibaca: lembar ke-2 dari 4.",
        "Lembar ke-3 juga berisi tabel dan tidak ikut dibaca; unggah masing-masing sendiri.",
    )


async def test_a_hidden_sheet_does_not_win_over_a_visible_one() -> None:
    workbook = Workbook()
    workbook.active.append(HEADER)  # type: ignore[union-attr]
    workbook.active.sheet_state = "hidden"  # type: ignore[union-attr]
    sheet = workbook.create_sheet("Data")
    sheet.append([])
    sheet.append(HEADER)
    assert [row.number for row in (await _read(_saved(workbook)))[0]] == [2]


async def test_csv_counts_records_and_keeps_breaks_in_cells() -> None:
    text = 'DATA UMKM\r\n\r\nNama Usaha;Nama;NIK\r\n"Warung\r\nIbu";Siti;1\r\n\r\n"Kios ""A""";Budi;2'
    rows, _ = await _read(text.encode())
    assert [row.number for row in rows] == [1, 3, 4, 6]
    assert [text_of(row.cells[0]) for row in rows[2:]] == ["Warung Ibu", 'Kios "A"']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
async def test_csv_is_read_in_every_dress(encoding: str, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["Nama Usaha", "Nama", "NIK"], ["Caf\u00e9", "Siti", NIK]))
    rows, _ = await _read(text.encode(encoding))
    assert rows[1].cells == ("Caf\u00e9", "Siti", NIK)


@pytest.mark.parametrize("quoted", ['\n"Batik;Siti', '\n"Batik' + ";Siti\nBatik;Siti" * 200, '\n"' + "x" * 200_000])
async def test_a_quote_that_nobody_closes_swallows_no_rows(quoted: str) -> None:
    assert "petik" in await _refused(f"Nama Usaha;Nama{quoted}".encode())


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "kosong"),
        (b"  \r\n ", "kosong"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (_OLE, ".xls"),
        (_OLE + "EncryptedPackage".encode("utf-16-le"), "kata sandi"),
        (b"<html><table><tr><td>NIK</td></tr></table></html>", "halaman web"),
        (b"PK\x03\x04 broken", "rusak"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "bukan lembar kerja"),
        (_saved(Workbook()), "kosong"),
        (files.with_part("word/document.xml", b"").replace(b"xl/workbook.xml", b"xl/notabook.xml"), "bukan buku kerja"),
    ],
)
async def test_what_is_no_sheet_is_refused(content: bytes, word: str) -> None:
    assert word in await _refused(content)


@pytest.mark.parametrize(
    "content",
    [
        files.bomb(65),
        files.with_part("xl/media/x", bytes(60 * _MIB), parts=3),
        files.with_part("xl/media/x", b"x", parts=200),
        files.with_part("xl/media/x", bytes(2 * _MIB)),
    ],
    ids=["entry", "total", "entries", "ratio"],
)
async def test_a_bomb_is_refused_by_what_its_directory_promises(content: bytes) -> None:
    assert await _refused(content) == "Isi berkas ini terlalu besar setelah dibuka."


@pytest.mark.parametrize(
    "content",
    [
        files.understated(files.many_rows(1_000_000), 1_000_000),
        files.workbook(1, last=(1_048_575, 16_383)),
        files.workbook(1, last=(1_048_575, 900)),
    ],
    ids=["lying size", "far corner", "far row"],
)
async def test_a_bomb_that_lies_is_stopped_by_the_child_s_limits(content: bytes) -> None:
    """The child's own peak is what the kernel counted for it, and its limit is the kernel's too."""
    asking = json.dumps(sorted(KNOWN)).encode() + b"\n" + content
    peak = await asyncio.to_thread(_peak_of_child, asking)
    assert peak < child.MOST_MEMORY
    assert await _refused(content)


def _peak_of_child(asking: bytes) -> int:
    """Run by a small process: a child counts the memory of the one that it was forked from as its own."""
    script = (
        "import resource, subprocess, sys;"
        f"subprocess.run([{sys.executable!r}, '-m', 'shared.sheets.child'], stdout=subprocess.DEVNULL,"
        "stderr=subprocess.DEVNULL, env={});"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script], input=asking, capture_output=True, check=True)
    return int(done.stdout)


async def test_more_rows_than_an_import_takes_are_refused() -> None:
    assert "50.000" in await _refused(files.many_rows(60_000))


async def test_blank_rows_with_a_format_cost_nothing() -> None:
    rows, _ = await _read(files.workbook(2, formatted=50_000))
    assert [row.number for row in rows] == [1, 2, 3]


async def test_too_many_columns_are_refused() -> None:
    assert "kolom" in await _refused(files.workbook(1, last=(0, 100)))
    assert "kolom" in await _refused(files.workbook(1, last=(0, 16_000)))


async def test_a_cell_that_is_too_long_is_told_by_its_row() -> None:
    assert "baris 2" in await _refused(b"Nama Usaha;Nama\nBatik;" + b"x" * 5000)


async def test_a_file_beyond_the_limit_is_not_even_handed_over() -> None:
    assert await _refused(bytes(reading.MOST_BYTES + 1)) == "Berkas terlalu besar."


async def test_a_child_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_SECONDS_PER_LINE", 0.0)
    assert "tidak bisa dibaca" in await _refused(files.workbook(1))
    assert _children() == []


async def test_who_stops_reading_leaves_no_child() -> None:
    async with open_sheet(files.workbook(5000), KNOWN) as sheet:
        async for row in sheet.rows():
            assert row.number == 1
            break
    assert _children() == []


async def test_the_child_knows_no_secret_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limits are those that the kernel holds it to, as the kernel tells them."""
    monkeypatch.setenv("PLUT_DATABASE_PASSWORD", "rahasia")
    async with open_sheet(files.workbook(5000), KNOWN) as sheet:
        (pid,) = _children()
        environment, limits = await asyncio.to_thread(_seen_by_kernel, pid)
        assert sum([1 async for _ in sheet.rows()]) == 5001
    assert environment == b""
    assert limits["Max core file size"] == limits["Max file size"] == "0"
    assert limits["Max address space"] == str(child.MOST_MEMORY)
    assert limits["Max cpu time"] == str(child.MOST_SECONDS)


async def test_a_table_is_found_in_what_was_read() -> None:
    rows, _ = await _read(files.workbook(3))
    assert find_table(rows, COLUMNS, {}).header_rows == (1,)


def _children() -> list[int]:
    """The children that read sheets; other tests' servers are children too."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return [child for child in children if b"shared.sheets.child" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _seen_by_kernel(pid: int) -> tuple[bytes, dict[str, str]]:
    process = Path(f"/proc/{pid}")
    limits = (process / "limits").read_text().splitlines()[1:]
    return (process / "environ").read_bytes(), {line[:26].strip(): line[26:].split()[0] for line in limits}
