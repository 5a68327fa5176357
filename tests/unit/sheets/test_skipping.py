"""Which rows are no data: what is skipped in silence is lost, so whatever could be data is data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sheets.cells import Cell
from shared.sheets.skipping import (
    COLUMN_NUMBERS,
    NOTE,
    NUMBER_ONLY,
    REPEATED_HEADER,
    SEPARATOR,
    TOTAL,
    why_skipped,
)
from shared.sheets.tables import SheetRow, find_table
from tests.unit.sheets.columns import COLUMNS, HEADER, NIK, data, sheet

_TABLE = find_table(sheet(HEADER, data(1)), COLUMNS, {})


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([None, "Jumlah", None, None, None, None, "Rp 1.250.000"], TOTAL),
        (["TOTAL", None, None, 25], TOTAL),
        ([None, "Sub Total", "25", "25"], TOTAL),
        ([None, None, None, None, None, "Jumlah omzet", 500.0], TOTAL),
        (["KELURAHAN MENTIKAN"], SEPARATOR),
        ([None, "Kecamatan Magersari"], SEPARATOR),
        (["A. Kecamatan Magersari"], SEPARATOR),
        (["-----", "====="], SEPARATOR),
        (["III", None], NUMBER_ONLY),
        (["I", "KECAMATAN MAGERSARI"], SEPARATOR),
        (HEADER, REPEATED_HEADER),
        (["NO", "NAMA USAHA", "NAMA PEMILIK", "NIK"], REPEATED_HEADER),
        ([1, 2, 3, 4, 5, 6, 7], COLUMN_NUMBERS),
        (["(1)", "(2)", "(3)", "(4)"], COLUMN_NUMBERS),
        ([17], NUMBER_ONLY),
        (["17."], NUMBER_ONLY),
        ([None, "Keterangan: data sementara"], NOTE),
        ([None, None, None, None, None, None, "Mojokerto, 21 November 2026"], NOTE),
        ([None, None, None, None, "Mengetahui", None, "Petugas"], NOTE),
        ([None, None, None, None, "NIP. 19700101"], NOTE),
        (["*) wajib diisi"], NOTE),
    ],
)
def test_what_is_no_data_is_skipped_with_its_reason(cells: list[Cell], reason: str) -> None:
    assert why_skipped(SheetRow(9, tuple(cells)), _TABLE) == reason


@pytest.mark.parametrize(
    "cells",
    [
        data(1),
        [None, "Total Jaya", "Budi", NIK, None, "Mentikan"],
        [None, "Jumlah Makmur", "Budi"],
        [None, "Kelompok Tani Maju", "Budi", NIK],
        [None, "Batik Maja"],
        [4, "Batik Maja"],
        [None, "Sumber Rejeki"],
        [4, "Kepala Muda", "Budi"],
        [None, None, "Siti Aminah"],
        [None, None, None, NIK],
        [4, None, None, None, "081234567890", "Mentikan", "50 jt"],
        [None, "Sumber Rejeki", "Kepala Desa", NIK],
        [1, "2", "3", NIK],
    ],
)
def test_what_could_be_data_is_data(cells: list[Cell]) -> None:
    assert why_skipped(SheetRow(9, tuple(cells)), _TABLE) is None


def test_a_number_beside_a_merged_place_is_a_number_only() -> None:
    assert why_skipped(SheetRow(9, (17,), {5: "Mentikan"}), _TABLE) == NUMBER_ONLY


def test_a_text_merged_over_the_table_parts_it() -> None:
    row = SheetRow(9, ("PERIKANAN",), dict.fromkeys(range(1, 7), "PERIKANAN"))
    assert why_skipped(row, _TABLE) == SEPARATOR


@pytest.mark.parametrize("cells", [[None, "KELURAHAN X"], [17], [None, "Batik"], [None, "Jumlah", None, 5], data(1)])
def test_what_we_wrote_beside_a_row_does_not_make_it_another(cells: list[Cell]) -> None:
    ours = ("Baris", "Status", "ID Usaha", "Alasan", "Saran")
    table = find_table(sheet((*HEADER, *ours), data(1)), COLUMNS, {})
    again = [*cells, *[None] * (len(HEADER) - len(cells)), 9, "dilewati", None, "Bukan baris data: baris jumlah.", "-"]
    assert why_skipped(SheetRow(9, tuple(again)), table) == why_skipped(SheetRow(9, tuple(cells)), _TABLE)


@given(
    name=st.text(min_size=1).filter(lambda text: any(map(str.isalnum, text))),
    owner=st.text(st.characters(categories=["L"]), min_size=3),
)
def test_a_row_with_a_name_an_owner_and_a_nik_is_data_whatever_they_are_called(name: str, owner: str) -> None:
    assert why_skipped(SheetRow(9, (5, name, owner, NIK)), _TABLE) is None
