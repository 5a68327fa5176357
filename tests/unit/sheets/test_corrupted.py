"""No row disappears: whatever has happened to a sheet, every row beneath its header is read once, with its number."""

from hypothesis import given, settings

from shared.sheets.cells import text_of
from shared.sheets.formats import choose_sheet
from shared.sheets.tables import find_table
from shared.sheets.wire import decode_row, encode_row
from tests.unit.sheets.columns import COLUMNS, KNOWN
from tests.unit.sheets.strategies import Uploaded, delimited, workbooks


def _check(uploaded: Uploaded) -> None:
    rows = [decode_row(encode_row(row)) for row in choose_sheet(uploaded.content, KNOWN).rows]
    table = find_table(rows, COLUMNS, {})
    assert table.header_rows == (uploaded.header,)
    beneath = [row for row in rows if row.number > uploaded.header]
    assert [(row.number, [text_of(cell) for cell in row.cells]) for row in beneath] == list(uploaded.beneath.items())
    for row in beneath:
        assert len(row.cells) <= len(table.labels)


@given(uploaded=workbooks())
@settings(max_examples=40, deadline=None)
def test_every_row_of_a_workbook_is_read_once(uploaded: Uploaded) -> None:
    _check(uploaded)


@given(uploaded=delimited())
@settings(max_examples=100, deadline=None)
def test_every_record_of_a_csv_is_read_once(uploaded: Uploaded) -> None:
    _check(uploaded)
