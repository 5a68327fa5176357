"""Where a table is, and which column means what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sheets.columns import Own, column_letter
from shared.sheets.tables import SheetRow, TableNotFound, find_table
from tests.unit.sheets.columns import COLUMNS, HEADER, NIK, data, sheet

_FIELDS = {1: "name", 2: "owner", 3: "nik", 4: "phone", 5: "place", 6: "sales"}


def _fields(*labels: str) -> dict[int, str]:
    return dict(find_table(sheet(labels), COLUMNS, {}).fields)


def test_titles_and_blank_lines_stand_above_the_header() -> None:
    table = find_table(sheet(["DATA UMKM"], ["Kota Mojokerto", "2026"], [], HEADER, data(1)), COLUMNS, {})
    assert table.header_rows == (4,)
    assert table.labels == HEADER
    assert table.fields == _FIELDS


@pytest.mark.parametrize(
    "label",
    [
        "nik",
        "NIK (16 digit)",
        "No. KTP",
        "NOMOR KTP PEMILIK",
        "NIK *",
        "NIK\u00a0Pemilik",
        "Nomor KTP\n(sesuai KTP)",
    ],
)
def test_a_label_is_known_however_it_is_dressed(label: str) -> None:
    assert _fields("Nama Produk", "Nama", label)[2] == "nik"


def test_a_label_in_english_is_known() -> None:
    assert _fields("Trade name", "Owner name", "NIK") == {0: "name", 1: "owner", 2: "nik"}


def test_a_slip_of_the_pen_is_no_other_label() -> None:
    assert _fields("Nama Usaha", "Nama Pemlik", "NIK")[1] == "owner"


def test_a_label_of_two_names_for_one_thing_is_that_thing() -> None:
    assert _fields("Nama Usaha", "Nama Pemilik", "NIK", "No. WA / Telepon")[3] == "phone"
    assert 3 not in _fields("Nama Usaha", "Nama Pemilik", "NIK", "Telepon / Omzet")
    assert 3 not in _fields("Nama Usaha", "Nama Pemilik", "NIK", "Telepon / E-mail")


def test_a_longer_name_wins_over_a_shorter_one_inside_it() -> None:
    assert _fields("Nama Usaha", "Nama Pemilik", "NIK", "NIK Koperasi")[3] == "cooperative"


@pytest.mark.parametrize("label", ["Omzet (juta)", "Omzet per bulan", "Omzet (Rp 000)", "Nama Ibu Kandung"])
def test_a_label_that_says_something_else_has_no_field(label: str) -> None:
    assert 3 not in _fields("Nama Usaha", "Nama Pemilik", "NIK", label)


def test_the_office_s_own_labels_are_remembered() -> None:
    table = find_table(sheet(["Merek", "Juragan", "NIK"]), COLUMNS, {"merek": "name", "Juragan": "owner"})
    assert table.fields == {0: "name", 1: "owner", 2: "nik"}


def test_two_header_rows_are_one() -> None:
    rows = sheet(
        ["Data usaha"],
        ["No", "Usaha", None, "Pemilik", None, None],
        [None, "Nama", "Omzet", "Nama", "NIK", "No. HP"],
        data(1),
    )
    table = find_table(rows, COLUMNS, {})
    assert table.header_rows == (2, 3)
    assert table.fields == {1: "name", 2: "sales", 3: "owner", 4: "nik", 5: "phone"}
    assert table.labels[4] == "Pemilik NIK"


_GROUPS = ("Usaha", "Data Usaha", "Pemilik", "Data Pribadi", "Alamat", "Keterangan", None)
_BENEATH = ("Nama", "Nama Usaha", "NIK", "No. HP", "Kelurahan", "Desa", "Omzet", "Jalan", None)


@given(pairs=st.lists(st.tuples(st.sampled_from(_GROUPS), st.sampled_from(_BENEATH)), max_size=6))
def test_joined_labels_mean_the_same_in_our_result_sheet(pairs: list[tuple[str | None, str | None]]) -> None:
    upper, lower = ["No", "Usaha", "Pemilik", None, *(pair[0] for pair in pairs)], [None, "Nama", "Nama", "NIK"]
    first = find_table(sheet(upper, [*lower, *(pair[1] for pair in pairs)], data(1)), COLUMNS, {})
    again = find_table(sheet((*first.labels, "Baris", "Status", "ID Usaha", "Alasan", "Saran"), data(1)), COLUMNS, {})
    assert again.header_rows == (1,)
    assert again.fields == first.fields


def test_a_header_merged_over_two_rows_is_one_label() -> None:
    rows = [
        SheetRow(1, ("Nama Usaha", "Pemilik"), {2: "Pemilik"}),
        SheetRow(2, (None, "Nama", "NIK"), {0: "Nama Usaha"}),
        SheetRow(3, ("Batik", "Siti", NIK)),
    ]
    table = find_table(rows, COLUMNS, {})
    assert table.header_rows == (1, 2)
    assert table.labels == ("Nama Usaha", "Pemilik Nama", "Pemilik NIK")
    assert table.fields == {0: "name", 1: "owner", 2: "nik"}


def test_data_beneath_the_header_is_no_second_header() -> None:
    assert find_table(sheet(HEADER, data(1), data(2)), COLUMNS, {}).header_rows == (1,)


def test_of_two_columns_with_one_label_the_filled_one_counts_and_it_is_said() -> None:
    rows = sheet(["Nama Usaha", "Nama", "NIK", "NIK"], ["Batik", "Siti", None, NIK], ["Roti", "Budi", None, NIK])
    table = find_table(rows, COLUMNS, {})
    assert table.fields == {0: "name", 1: "owner", 3: "nik"}
    assert table.remarks == ("Ada 2 kolom untuk NIK; yang dipakai kolom D.",)


def test_swapped_labels_are_read_by_their_contents_and_it_is_said() -> None:
    rows = sheet(
        ["Nama Usaha", "Nama Pemilik", "No. HP", "NIK"], *[["Batik", "Siti", NIK, f"08123456{n}"] for n in range(3)]
    )
    table = find_table(rows, COLUMNS, {})
    assert table.fields == {0: "name", 1: "owner", 2: "nik", 3: "phone"}
    assert "tertukar" in table.remarks[0]
    assert "C: NIK" in table.remarks[0]


def test_names_beneath_nik_and_niks_beneath_the_name_change_places() -> None:
    rows = sheet(["Nama Usaha", "Nama Pemilik", "NIK"], *[[NIK, "Siti", "Batik"]] * 3)
    assert find_table(rows, COLUMNS, {}).fields == {0: "nik", 1: "owner", 2: "name"}
    rows = sheet(["Nama Usaha", "Nama Pemilik", "NIK"], *[["Batik", NIK, "Siti"]] * 3)
    assert find_table(rows, COLUMNS, {}).fields == {0: "name", 1: "nik", 2: "owner"}


def test_columns_are_not_swapped_because_some_cells_are_wrong() -> None:
    rows = sheet(["Nama Usaha", "Nama Pemilik", "No. HP", "NIK"], *[["Batik", "Siti", NIK, NIK] for _ in range(5)])
    assert find_table(rows, COLUMNS, {}).fields == {0: "name", 1: "owner", 2: "phone", 3: "nik"}


def test_a_required_column_without_a_known_label_is_known_by_its_contents() -> None:
    table = find_table(sheet(["Nama Usaha", "Nama", "Kode X"], *[["Batik", "Siti", NIK]] * 3), COLUMNS, {})
    assert table.fields[2] == "nik"
    assert table.remarks == ("Kolom C dibaca sebagai NIK karena isinya.",)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(TableNotFound) as missing:
        find_table(sheet(["Nama Usaha", "Nama Pemilik", "Catatan"]), COLUMNS, {})
    assert missing.value.message == "Kolom ini tidak ditemukan: NIK."
    assert missing.value.labels == ("Nama Usaha", "Nama Pemilik", "Catatan")


@pytest.mark.parametrize("rows", [[], [["Petunjuk"], ["Isi lembar berikut"]], [["Nama Usaha"]]])
def test_a_sheet_without_a_header_says_so(rows: list[list[str]]) -> None:
    with pytest.raises(TableNotFound):
        find_table(sheet(*rows), COLUMNS, {})


def test_our_result_sheet_is_known_as_ours() -> None:
    labels = (*HEADER, "Baris", "Status", "ID Usaha", "Alasan", "Saran")
    table = find_table(sheet(labels), COLUMNS, {"Status": "sales"})
    assert table.own == {Own.ROW: 7, Own.STATUS: 8, Own.SUBJECT: 9, Own.REASON: 10, Own.CURE: 11}
    assert table.fields == _FIELDS


def test_a_lone_status_is_the_office_s() -> None:
    assert find_table(sheet((*HEADER, "Status")), COLUMNS, {}).own == {}


def test_a_merged_place_holds_for_all_its_rows_and_a_merged_amount_does_not() -> None:
    table = find_table(sheet(HEADER, data(1)), COLUMNS, {})
    covered = SheetRow(3, (2, "Roti", "Budi", NIK), {5: "Mentikan", 6: "50 jt"})
    assert table.filled(covered).cells == (2, "Roti", "Budi", NIK, None, "Mentikan")
    assert table.cells_of(table.filled(covered))["sales"] is None


def test_cells_beside_the_last_label_stay_in_the_sheet() -> None:
    table = find_table(sheet(HEADER, (*data(1), "lunas")), COLUMNS, {})
    assert table.labels == (*HEADER, "")


@given(order=st.permutations(range(len(HEADER))))
def test_columns_are_found_in_any_order(order: list[int]) -> None:
    rows = sheet([HEADER[at] for at in order], *([data(n)[at] for at in order] for n in range(1, 5)))
    table = find_table(rows, COLUMNS, {})
    assert {name: order[at] for at, name in table.fields.items()} == {name: at for at, name in _FIELDS.items()}
    assert table.remarks == ()


@pytest.mark.parametrize(("column", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_called_as_a_spreadsheet_does(column: int, letters: str) -> None:
    assert column_letter(column) == letters
