"""What we hand out can be opened, corrected and uploaded again."""

from datetime import date, datetime, time, timedelta
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from shared.sheets.cells import Cell, text_of
from shared.sheets.columns import Own
from shared.sheets.formats import choose_sheet
from shared.sheets.result import ResultRow, write_result, write_template
from shared.sheets.tables import find_table
from tests.unit.sheets.columns import COLUMNS, HEADER, KNOWN, NIK, data

_CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9).map(float),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1, max_size=50),
    st.dates(date(1900, 1, 1), date(2090, 1, 1)),
)


def _written(*rows: ResultRow) -> bytes:
    stream = BytesIO()
    write_result(stream, HEADER, "ID Usaha", rows)
    return stream.getvalue()


def _opened(content: bytes, name: str) -> Worksheet:
    sheet = load_workbook(BytesIO(content))[name]
    assert isinstance(sheet, Worksheet)
    return sheet


def test_the_sheet_is_repeated_with_what_became_of_each_row() -> None:
    faulty = ResultRow(7, data(1), "ditolak", "", "NIK: salah.", "Ketik ulang.", {3: "Harus 16 angka."})
    sheet = _opened(_written(faulty), "Hasil")
    labels, row = ([cell.value for cell in cells] for cells in sheet.iter_rows())
    assert labels == [*HEADER, "Baris", "Status", "ID Usaha", "Alasan", "Saran"]
    assert row == [*data(1), 7, "ditolak", None, "NIK: salah.", "Ketik ulang."]
    assert sheet["D2"].comment is not None
    assert sheet["D2"].comment.text == "Harus 16 angka."
    assert sheet["D2"].fill.fgColor.rgb == "FFFFC7CE"
    assert sheet["C2"].comment is None
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:L2"


def test_a_blank_cell_can_be_faulty() -> None:
    sheet = _opened(_written(ResultRow(2, [1, "Batik"], "ditolak", faults={3: "Belum diisi."})), "Hasil")
    assert sheet["D2"].value is None
    assert sheet["D2"].comment is not None
    assert sheet["D2"].fill.fgColor.rgb == "FFFFC7CE"


def test_a_text_that_looks_like_something_else_stays_a_text() -> None:
    texts: list[Cell] = ["=1+1", "http://contoh.id", "007", "+62", "@SUM(A1)", "{=A1}", NIK]
    (row,) = _opened(_written(ResultRow(2, texts, "ditolak")), "Hasil").iter_rows(min_row=2)
    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in row[:7]] == [(text, "s", None) for text in texts]


@given(cells=st.lists(_CELLS, min_size=1, max_size=len(HEADER)))
@settings(deadline=None, max_examples=40)
def test_what_is_written_reads_back_the_same(cells: list[Cell]) -> None:
    head, *rows = choose_sheet(_written(ResultRow(9, cells, "dibuat", "x", "y", "z")), KNOWN).rows
    assert [text_of(rows[0].at(at)) for at in range(len(cells))] == [text_of(cell) for cell in cells]
    table = find_table([head, *rows], COLUMNS, {})
    assert [rows[0].at(table.own[own]) for own in Own] == [9, "dibuat", "x", "y", "z"]
    assert table.fields == {1: "name", 2: "owner", 3: "nik", 4: "phone", 5: "place", 6: "sales"}


def test_times_are_written_as_times() -> None:
    cells: list[Cell] = [datetime(2026, 11, 21, 9, 30), time(9, 30), timedelta(hours=1, minutes=30), True, 5.5]  # noqa: DTZ001
    _, row = choose_sheet(_written(ResultRow(2, cells, "dibuat")), KNOWN).rows
    assert [text_of(cell) for cell in row.cells[:5]] == ["2026-11-21 09:30", "09:30", "01:30", "YA", "5.5"]


def test_the_template_is_a_sheet_that_an_import_reads() -> None:
    stream = BytesIO()
    write_template(stream, COLUMNS)
    rows = list(choose_sheet(stream.getvalue(), KNOWN).rows)
    table = find_table(rows, COLUMNS, {})
    assert list(table.fields.values()) == [column.field for column in COLUMNS]
    assert table.header_rows == (1,)
