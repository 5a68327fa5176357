"""What leaves the house, read back with other libraries: typed, explained, and no formula anywhere."""

import csv
import gc
import io
import json
import re
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from starlette.responses import StreamingResponse

from services.reporting.answers.snapshots import Instant
from services.reporting.domain import Period, Position
from services.reporting.exports import (
    Cell,
    Classification,
    Column,
    Format,
    Report,
    Row,
    Separator,
    Type,
    listed,
    render,
)
from services.reporting.exports import workbook as workbook_module
from services.reporting.exports.chunks import ROWS
from services.reporting.exports.delimited import harmless
from services.reporting.indicators import INDICATORS
from services.reporting.periods import EVER, PeriodAsked
from services.reporting.small_cells import Bounds
from shared.http.problem import Problem

NOW = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)  # already the twenty-second in WIB
COLUMNS = (
    Column("office", "Kantor"),
    Column("day", "Hari", Type.DAY),
    Column.of("sessions"),
    Column.of("confirmed_share"),
    Column("told_at", "Saat", Type.MOMENT),
)
# Names that people could type, and what they would do in a spreadsheet of the province.
HOSTILE = [
    '=HYPERLINK("http://jahat.example";"Klik")',
    "+62 Kopi",
    "-Batik-",
    "@Tahu",
    "\tTahu",
    "\rTahu",
    " =1+1",
    "\uff1d1+1",
    "\u2a751",
    '"Tahu"; =1+1',
]


def _report(rows: Iterable[Row] | AsyncIterator[Row], **changes: Any) -> Report:
    told: dict[str, Any] = {
        "name": "kegiatan-kantor",
        "title": "Kegiatan kantor PLUT",
        "columns": COLUMNS,
        "rows": rows if isinstance(rows, AsyncIterator) else listed(rows),
        "instant": Instant(Position(1, 0, 42), NOW, NOW),
        "asked_by": "Analis provinsi",
        "periods": [PeriodAsked(Period.QUARTER, date(2026, 10, 1))],
        "filters": {"Kantor": "35.76 Kota Mojokerto"},
        "notes": ["Angka provinsi bukan jumlah kantor."],
        **changes,
    }
    return Report(**told)


def _row(name: str = "PLUT Batu", sessions: Cell = 1250) -> Row:
    return (name, date(2026, 11, 20), sessions, Decimal("66.7"), NOW)


async def _body(
    report: Report, form: Format, separator: Separator = Separator.COMMA
) -> tuple[StreamingResponse, bytes]:
    response = await render(report, form, {"ETag": "x"}, separator)
    assert isinstance(response, StreamingResponse)
    assert response.headers["etag"] == "x"
    parts = [part async for part in response.body_iterator]
    return response, b"".join(part for part in parts if isinstance(part, bytes))


async def _csv(report: Report, separator: Separator = Separator.COMMA) -> list[list[str]]:
    _, body = await _body(report, Format.CSV, separator)
    text = body.decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=separator.sign))


async def _sheets(report: Report) -> Any:
    _, body = await _body(report, Format.XLSX)
    return load_workbook(io.BytesIO(body))


async def test_csv_has_the_table_first_and_beneath_what_must_be_known_of_it() -> None:
    rows = await _csv(_report([_row(), ("PLUT Malang", None, None, None, None)]))
    assert rows[:3] == [
        ["Kantor", "Hari", "Sesi tercatat", "Bagian sesi dikonfirmasi", "Saat"],
        ["PLUT Batu", "2026-11-20", "1250", "66.7", "2026-11-22T00:30:00+07:00"],
        ["PLUT Malang", "", "", "", ""],
    ]
    assert rows[3] == []
    assert all(row[0].startswith("# ") for row in rows[4:])
    about = {row[0][2:]: row[1] for row in rows[4:]}
    assert about["Klasifikasi"] == "TERBATAS – tanpa data pribadi"
    assert about["Periode"] == "Triwulan IV 2026 (masih berjalan)"
    assert about["Kantor"] == "35.76 Kota Mojokerto"
    assert about["Data s.d."] == "22 November 2026 pukul 00:30:00 WIB"
    assert (about["Posisi"], about["Diminta oleh"]) == ("1.0.42", "Analis provinsi")
    assert about["Catatan"] == "Angka provinsi bukan jumlah kantor."
    assert about["Sesi tercatat: Rumus"] == INDICATORS["sessions"].formula
    assert about["Banyaknya baris"] == "2"


async def test_csv_for_excel_in_bahasa_has_semicolons_and_decimal_commas() -> None:
    rows = await _csv(_report([_row("Tahu; Tempe", sessions=-3)]), Separator.SEMICOLON)
    assert rows[1][:4] == ["Tahu; Tempe", "2026-11-20", "-3", "66,7"]


@pytest.mark.parametrize("separator", list(Separator))
async def test_no_name_becomes_a_formula_in_csv(separator: Separator) -> None:
    rows = await _csv(_report([_row(name) for name in HOSTILE], filters={"Kantor": "=1+1"}), separator)
    for name, row in zip(HOSTILE, rows[1:], strict=False):
        risky = name != '"Tahu"; =1+1'
        assert row[0] == (f"'{name}" if risky else name)
        assert row[2] == "1250", "numbers stay numbers"
    assert ["# Kantor", "'=1+1"] in rows


@given(st.text())
def test_whatever_is_typed_a_spreadsheet_takes_it_for_a_text(text: str) -> None:
    told = harmless(text)
    assert told in (text, f"'{text}")
    assert not told.lstrip().startswith(("=", "+", "-", "@"))
    assert not told.startswith(("\t", "\r", "\n"))


async def test_a_workbook_is_typed_filtered_and_explained() -> None:
    book = await _sheets(_report([_row(), _row(sessions=None)]))
    sheet, about = book["Data"], book["Keterangan"]
    assert book.sheetnames == ["Data", "Keterangan"]
    assert [cell.value for cell in sheet[1]] == [column.label for column in COLUMNS]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:E3")
    values = [cell.value for cell in sheet[2]]
    assert values == ["PLUT Batu", datetime(2026, 11, 20), 1250, 66.7, datetime(2026, 11, 22, 0, 30)]  # noqa: DTZ001  cells have no zone
    assert [cell.data_type for cell in sheet[2]] == ["s", "d", "n", "n", "d"]
    assert sheet["C3"].value is None
    told = {row[0].value: row[1].value for row in about.iter_rows()}
    assert told["Klasifikasi"] == "TERBATAS – tanpa data pribadi"
    assert (told["Kantor"], told["Posisi"]) == ("35.76 Kota Mojokerto", "1.0.42")
    texts = [row[1].value for row in about.iter_rows() if row[1].value]
    for code in ("sessions", "confirmed_share"):
        assert {text for _, text in INDICATORS[code].told()} <= set(texts)


async def test_no_name_becomes_a_formula_or_a_link_in_a_workbook() -> None:
    names = [*HOSTILE, "http://jahat.example", "1250", "x" * 40_000]
    book = await _sheets(_report([_row(name) for name in names], filters={"Kantor": "=1+1"}))
    cells = [row[0] for row in book["Data"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
    # openpyxl reads a carriage return as the escape that Excel writes for it
    assert [cell.value.replace("_x000D_", "\r") for cell in cells] == [name[:32_767] for name in names]
    assert all(cell.data_type != "f" for row in book["Keterangan"].iter_rows() for cell in row)


async def test_json_has_rows_by_key_with_the_cards_of_what_is_shown() -> None:
    rows = [_row(), ("PLUT Malang", None, Bounds(6, 9), None, None), ("PLUT Jember", None, Bounds(7, 7), None, None)]
    response, body = await _body(_report(rows, classification=Classification.PUBLIC), Format.JSON)
    told = json.loads(body)
    assert response.media_type == "application/json"
    assert "content-disposition" not in response.headers
    assert told["rows"][0] == {
        "office": "PLUT Batu",
        "day": "2026-11-20",
        "sessions": 1250,
        "confirmed_share": 66.7,
        "told_at": "2026-11-22T00:30:00+07:00",
    }
    assert [row["sessions"] for row in told["rows"][1:]] == [{"at_least": 6, "at_most": 9}, 7]
    assert (told["classification"], told["position"], told["asked_by"]) == ("PUBLIK", "1.0.42", "Analis provinsi")
    assert told["periods"] == [
        {
            "period": "2026-Q4",
            "label": "Triwulan IV 2026",
            "first": "2026-10-01",
            "last": "2026-12-31",
            "running": True,
        }
    ]
    assert [card["code"] for card in told["indicators"]] == ["sessions", "confirmed_share"]
    assert told["indicators"][0]["events"] == list(INDICATORS["sessions"].events)
    assert told["columns"][2] == {
        "key": "sessions",
        "label": "Sesi tercatat",
        "type": "number",
        "unit": "sesi",
        "indicator": "sessions",
    }


async def test_all_time_has_no_last_day() -> None:
    _, body = await _body(_report([], periods=[EVER]), Format.JSON)
    period = json.loads(body)["periods"][0]
    assert (period["period"], period["last"], period["running"]) == ("all", None, True)


@pytest.mark.parametrize("form", list(Format))
async def test_an_empty_report_is_a_report(form: Format) -> None:
    _, body = await _body(_report([]), form)
    if form is Format.JSON:
        assert json.loads(body)["rows"] == []
    elif form is Format.CSV:
        assert body.decode().splitlines()[1] == ""
    else:
        assert load_workbook(io.BytesIO(body))["Data"].auto_filter.ref == "A1:E1"


async def test_what_is_not_told_exactly_is_written_so_that_excel_takes_it_for_no_date() -> None:
    rows = [_row(sessions=Bounds(1, 4)), _row(sessions=Bounds(10, 12)), _row(sessions=Bounds(7, 7))]
    assert [row[2] for row in (await _csv(_report(rows)))[1:4]] == ["<5", "10 s.d. 12", "7"]
    sheet = (await _sheets(_report(rows)))["Data"]
    assert [sheet.cell(row, 3).value for row in (2, 3, 4)] == ["<5", "10 s.d. 12", 7]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "plut-kegiatan-kantor-2026-q4-20261122.csv"),
        ({"periods": []}, "plut-kegiatan-kantor-20261122.csv"),
        ({"name": '../Siti "Aminah"\r\n'}, "plut-..-siti-aminah-2026-q4-20261122.csv"),
    ],
)
async def test_a_file_is_called_after_what_it_holds_in_harmless_letters(changes: dict[str, Any], name: str) -> None:
    response, _ = await _body(_report([], **changes), Format.CSV)
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert re.fullmatch(r"[a-z0-9.-]+", name)


def _many(number: int, made: list[int] | None = None) -> AsyncIterator[Row]:
    async def rows() -> AsyncIterator[Row]:
        for at in range(number):
            if made is not None:
                made.append(at)
            yield _row(f"PLUT {at}", at)

    return rows()


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON])
async def test_rows_are_made_as_the_reader_takes_them(form: Format) -> None:
    made: list[int] = []
    response = await render(_report(_many(10 * ROWS, made)), form, {})
    assert isinstance(response, StreamingResponse)
    parts = response.body_iterator
    assert made == []
    read: Sequence[Any] = [await anext(aiter(parts)), await anext(aiter(parts))]
    assert len(made) == ROWS
    assert all(read)


async def test_the_memory_of_a_workbook_does_not_grow_with_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def peak(rows: int) -> int:
        gc.collect()
        tracemalloc.start()
        response = await render(_report(_many(rows)), Format.XLSX, {})
        assert isinstance(response, StreamingResponse)
        async for _ in response.body_iterator:
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    monkeypatch.setattr("services.reporting.exports.chunks.ROWS", 50)
    few, many = await peak(50), await peak(1000)
    assert many < few + 100_000, (few, many)


def _left_in(place: Path) -> list[Path]:
    return list(place.iterdir())


async def test_a_workbook_too_long_for_excel_is_refused_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(workbook_module, "MOST_ROWS", 3)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert (await _sheets(_report(_many(3))))["Data"].max_row == 4
    with pytest.raises(Problem) as refused:
        await render(_report(_many(4)), Format.XLSX, {})
    assert (refused.value.status, refused.value.kind) == (422, "export-too-long")
    assert "CSV" in refused.value.cure
    assert _left_in(tmp_path) == [], "nothing is left lying about"
