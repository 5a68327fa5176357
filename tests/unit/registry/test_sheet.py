"""What a row of an office's sheet says of a business, and what only the whole sheet tells."""

from collections.abc import Mapping
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain.business import Registration, register
from services.registry.domain.columns import COLUMNS, kinds_of
from services.registry.domain.forms import BusinessForm, Kind, OwnerForm
from services.registry.domain.likeness import MOST_PER_PHONE
from services.registry.domain.sheet import Survey, read_row
from shared.http.problem import Problem
from shared.ids import new_id
from shared.imports.rows import Remark, Row
from shared.sheets.cells import Cell
from shared.sheets.columns import known_labels
from shared.sheets.formats import choose_sheet
from shared.sheets.result import write_template
from shared.sheets.tables import SheetRow, find_table

_OFFICE, _TODAY = "35.76", date(2026, 11, 22)
_NIK = "3576015509800001"
_ROW: Mapping[str, Cell] = {
    "trade_name": "Batik Maja",
    "owner_name": "Siti Aminah",
    "nik": _NIK,
    "kelurahan": "Mentikan",
}


def _read(survey: Survey | None = None, /, **cells: Cell) -> Registration | tuple[Remark, ...]:
    return read_row(Row(5, {**_ROW, **cells}), _OFFICE, _TODAY, survey or Survey())


def _registered(**cells: Cell) -> Registration:
    read = _read(**cells)
    assert isinstance(read, Registration), read
    return read


def _faults(**cells: Cell) -> dict[str | None, str]:
    read = _read(**cells)
    assert isinstance(read, tuple)
    assert all(remark.cure for remark in read)
    return {remark.field: remark.message for remark in read}


def _warnings(registration: Registration) -> list[str]:
    return [warning.field for warning in registration.warnings]


def test_a_plain_row_is_a_registration_of_today() -> None:
    registration = _registered()
    business = registration.business
    assert (business.trade_name, business.kelurahan, business.kinds) == ("Batik Maja", "35.76.01.1003", (Kind.UMKM,))
    assert business.registered_on == _TODAY
    assert registration.owners[0].nik.reveal() == _NIK
    assert registration.warnings == []


def test_every_column_is_read() -> None:
    registration = _registered(
        npwp="09.254.294.3-407.000",
        phone="0812-3456-7890",
        address="Jl. Contoh 1",
        kecamatan="Prajurit Kulon",
        regency="Kota Mojokerto",
        kind="UMKM dan IKM",
        nib=9120001234567.0,
        kbli="13134 Batik; 15201",
        capital=50000000.0,
        annual_sales="1,2 M",
        registered_on="21/11/2025",
    )
    business, (owner,) = registration.business, registration.owners
    assert business.kinds == (Kind.UMKM, Kind.IKM)
    assert (business.nib, [each.code for each in business.kbli]) == ("9120001234567", ["13134", "15201"])
    assert (business.capital, business.annual_sales) == (50_000_000, 1_200_000_000)
    assert business.registered_on == date(2025, 11, 21)
    assert (owner.phone, owner.npwp, owner.address) != (None, None, None)
    assert owner.phone is not None
    assert owner.phone.reveal() == "+6281234567890"


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("trade_name", None),
        ("trade_name", "-"),
        ("owner_name", "  "),
        ("nik", None),
        ("nik", "357601550980000"),
        ("nik", 3576015509800000.0),
        ("nik", "3,57602E+15"),
        ("nik", "=B2"),
        ("npwp", "12"),
        ("phone", "8,12E+11"),
        ("phone", "0321-123456"),
        ("kelurahan", None),
        ("kelurahan", "Tidak Dikenal"),
        ("kelurahan", "#REF!"),
        ("kind", "warung kopi"),
        ("nib", "123"),
        ("cooperative_number", "3576010020001"),
        ("kbli", "1313"),
        ("capital", "banyak"),
        ("capital", 1.5),
        ("annual_sales", "-5"),
        ("registered_on", "kemarin"),
        ("registered_on", "23/11/2026"),
        ("registered_on", "31/12/1999"),
        ("trade_name", "x" * 121),
        ("owner_name", "x" * 121),
        ("address", "x" * 301),
    ],
)
def test_what_is_wrong_is_told_at_its_own_cell_and_never_repeated(field: str, cell: Cell) -> None:
    kind = {"kind": "UMKM"} if field == "cooperative_number" else {}
    faults = _faults(**{**kind, field: cell})
    assert list(faults) == [field]
    shown = str(cell)
    assert len(shown) < 3 or shown not in faults[field]


def test_all_that_is_wrong_is_told_at_once_and_each_cell_once() -> None:
    faults = _faults(nik=None, phone="0321", kelurahan="Xyz", capital="banyak", kind="UMKM", cooperative_number="1")
    assert sorted(map(str, faults)) == ["capital", "cooperative_number", "kelurahan", "nik", "phone"]


@pytest.mark.parametrize("day", [date(2000, 1, 1), _TODAY])
def test_the_office_s_own_day_of_registration_is_kept(day: date) -> None:
    assert _registered(registered_on=day).business.registered_on == day


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2026, 11, 23)])
def test_a_day_that_cannot_be_is_refused_by_the_rule_itself(day: date) -> None:
    form = BusinessForm(
        office=_OFFICE,
        trade_name="Batik",
        kinds=[Kind.UMKM],
        kelurahan="35.76.01.1003",
        owners=[OwnerForm(name="Siti", nik=_NIK)],
    )
    with pytest.raises(Problem) as refused:
        register(form, new_id(), _TODAY, day)
    assert [error.field for error in refused.value.errors] == ["registered_on"]


@pytest.mark.parametrize(
    "typed", ["-", "tidak ada", "Belum punya", "dalam proses", "\u2013", "n/a", "...", "Rp -", " "]
)
def test_a_cell_that_says_there_is_nothing_is_blank(typed: str) -> None:
    registration = _registered(nib=typed, npwp=typed, phone=typed, kbli=typed, capital=typed, registered_on=typed)
    assert registration.business.nib is None
    assert registration.business.capital is None


@pytest.mark.parametrize("cell", [81234567890.0, "81234567890", "'081234567890", "+62 812-3456-7890", "0812 3456 7890"])
def test_a_phone_is_read_and_its_lost_zero_mended(cell: Cell) -> None:
    registration = _registered(phone=cell)
    assert registration.owners[0].phone is not None
    assert registration.owners[0].phone.reveal() == "+6281234567890"
    assert _warnings(registration) == (["phone"] if str(cell).startswith("8") else [])


def test_of_two_phones_the_first_is_kept_and_it_is_said() -> None:
    registration = _registered(phone="0812 3456 7890 / 0813 1111 2222")
    assert registration.owners[0].phone is not None
    assert registration.owners[0].phone.reveal() == "+6281234567890"
    assert _warnings(registration) == ["phone"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"kelurahan": "35.76.02.1001"}, "35.76.02.1001"),
        ({"kelurahan": "35.76.02.1001", "kecamatan": "Magersari", "regency": "Kota Mojokerto"}, "35.76.02.1001"),
        ({"kelurahan": "35.76.01.1002"}, "35.76.03.1002"),  # Miji, before Kranggan was split off
        ({"kelurahan": "Kel. Magersari"}, "35.76.02.1003"),
        ({"kelurahan": "Blooto", "kecamatan": "Kec. Prajurit Kulon", "regency": "Mojokerto"}, "35.76.01.1008"),
        ({"kelurahan": "Jagalan"}, "35.76.03.1004"),  # the office's own, of several in the province
        ({"kelurahan": "Meri", "kecamatan": "Magersari"}, "35.76.03.1003"),  # as older sheets have it
        ({"kelurahan": "Kranggan (35.76.03.1001)", "kecamatan": "Kranggan"}, "35.76.03.1001"),
    ],
)
def test_a_kelurahan_is_found_by_its_code_or_by_what_stands_around_its_name(cells: dict[str, Any], code: str) -> None:
    assert _registered(**cells).business.kelurahan == code


def test_a_place_of_another_region_is_not_taken_for_the_office_s_own() -> None:
    named = _registered(kelurahan="Sumberrejo", kecamatan="Batu", regency="Kota Batu")
    assert named.business.kelurahan.startswith("35.79.")


@pytest.mark.parametrize(
    ("typed", "kinds"),
    [
        ("UMKM", [Kind.UMKM]),
        ("usaha mikro", [Kind.UMKM]),
        ("UMKM, IKM", [Kind.UMKM, Kind.IKM]),
        ("ikm/umkm", [Kind.IKM, Kind.UMKM]),
        ("Koperasi", [Kind.COOPERATIVE]),
        ("Calon Wirausaha", [Kind.PROSPECTIVE]),
        ("UMKM dan kuliner", None),
        ("kuliner", None),
        (",", None),
    ],
)
def test_kinds_are_read_in_the_words_of_offices(typed: str, kinds: list[Kind] | None) -> None:
    assert kinds_of(typed) == kinds


def test_a_cooperative_is_known_by_its_number_where_no_kind_is_said() -> None:
    assert _registered(cooperative_number="3576010020001").business.kinds == (Kind.COOPERATIVE,)


def test_a_would_be_entrepreneur_has_no_trade_name() -> None:
    assert _registered(kind="Calon wirausaha", trade_name="-").business.trade_name == ""
    assert list(_faults(kind="Calon wirausaha")) == ["trade_name"]
    assert list(_faults(kind="Calon wirausaha, UMKM", trade_name="-")) == ["kind"]


def _survey(*rows: Mapping[str, Cell]) -> Survey:
    survey = Survey()
    for number, row in enumerate(rows, start=2):
        survey.see(Row(number, row))
    return survey


def _nik(number: int) -> str:
    return f"35760155098{number:05d}"


@pytest.mark.parametrize(("owners", "is_kept"), [(MOST_PER_PHONE, True), (MOST_PER_PHONE + 1, False)])
def test_an_officer_s_own_phone_is_left_out_and_it_is_said(owners: int, is_kept: bool) -> None:  # noqa: FBT001
    phones: list[Cell] = ["0812-3456-7890", 81234567890.0]
    survey = _survey(*({"nik": _nik(each), "phone": phones[each % 2]} for each in range(1, owners + 1)))
    registration = _read(survey, phone="081234567890")
    assert isinstance(registration, Registration)
    assert (registration.owners[0].phone is not None) == is_kept
    assert _warnings(registration) == ([] if is_kept else ["phone"])


def test_the_phone_of_one_owner_with_many_businesses_is_his() -> None:
    survey = _survey(*[{"nik": _NIK, "phone": "081234567890"}] * 50)
    registration = _read(survey, phone="081234567890")
    assert isinstance(registration, Registration)
    assert registration.owners[0].phone is not None


def test_niks_that_excel_has_cut_are_said_and_never_stored() -> None:
    survey = _survey(*({"nik": _nik(each * 10)} for each in range(1, 4)))
    read = _read(survey, nik=_nik(10))
    assert isinstance(read, tuple)
    assert [remark.field for remark in read] == ["nik"]
    assert "Excel" in read[0].message


@pytest.mark.parametrize("numbers", [[10, 20], [10, 20, 31], []])
def test_some_niks_do_end_in_zero(numbers: list[int]) -> None:
    survey = _survey(*({"nik": _nik(each)} for each in numbers))
    assert isinstance(_read(survey, nik=_nik(10)), Registration)


def test_a_column_that_says_what_is_sold_is_no_kind() -> None:
    survey = _survey(*[{"kind": "kuliner"}] * 9, {"kind": "IKM"})
    registration = _read(survey, kind="fashion")
    assert isinstance(registration, Registration)
    assert registration.business.kinds == (Kind.UMKM,)
    assert _warnings(registration) == ["kind"]


_LABELS = [
    (
        "Nama Produk",
        "Nama Pelaku Usaha",
        "No. KTP",
        "No. HP/WA",
        "Alamat Usaha",
        "Desa",
        "Kec.",
        "Kab/Kota",
        "Omset/Tahun",
    ),
    ("Trade name", "Owner", "National ID", "Phone number", "Address", "Village", "District", "City", "Annual sales"),
    (
        "NAMA USAHA",
        "NAMA",
        "NIK (16 digit)",
        "TELP",
        "ALAMAT",
        "KEL/DESA",
        "KECAMATAN",
        "KOTA",
        "Penjualan per tahun",
    ),
]


@pytest.mark.parametrize("labels", _LABELS)
def test_labels_of_offices_are_known_in_both_languages(labels: tuple[str, ...]) -> None:
    fields = find_table([SheetRow(1, labels)], COLUMNS, {}).fields
    assert list(fields.values()) == [
        "trade_name", "owner_name", "nik", "phone", "address", "kelurahan", "kecamatan", "regency", "annual_sales",
    ]  # fmt: skip


def test_columns_stay_where_they_are_though_others_would_fit_there() -> None:
    labels = ("Nama Usaha", "Nama Pemilik", "NIK", "Kelurahan", "Modal", "Tanggal Daftar")
    rows = [SheetRow(at, ("Batik", "Siti 081234567890", _NIK, "Mentikan", 50000.0, "kemarin")) for at in range(2, 9)]
    table = find_table([SheetRow(1, labels), *rows], COLUMNS, {})
    assert list(table.fields.values()) == ["trade_name", "owner_name", "nik", "kelurahan", "capital", "registered_on"]


def test_no_label_stands_for_two_fields() -> None:
    labels = [known_labels([column], {}) for column in COLUMNS]
    assert sum(map(len, labels)) == len(frozenset().union(*labels))


def test_each_column_s_example_is_right() -> None:
    examples = {column.field: column.example for column in COLUMNS if column.field != "cooperative_number"}
    assert isinstance(_read(**examples), Registration)
    for column in COLUMNS:
        assert column.fits is None or column.fits(column.example), column.field


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.floats(),
    st.integers(),
    st.dates(),
    st.booleans(),
    st.just(_NIK),
    st.just("Mentikan"),
)


@given(cells=st.fixed_dictionaries({column.field: _CELLS for column in COLUMNS}))
def test_any_row_is_a_registration_or_says_what_is_wrong(cells: dict[str, Cell]) -> None:
    row, survey = Row(2, cells), Survey()
    survey.see(row)
    read = read_row(row, _OFFICE, _TODAY, survey)
    assert isinstance(read, Registration) or (read and all(remark.field in cells for remark in read))


def test_the_template_has_all_columns_and_its_own_labels_are_known() -> None:
    stream = BytesIO()
    write_template(stream, COLUMNS)
    rows = list(choose_sheet(stream.getvalue(), known_labels(COLUMNS, {})).rows)
    assert list(find_table(rows, COLUMNS, {}).fields.values()) == [column.field for column in COLUMNS]
