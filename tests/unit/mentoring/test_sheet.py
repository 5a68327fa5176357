"""Rows of sheets of past sessions: what offices type, and what it says."""

from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mentoring.domain.calendar import Occupation
from services.mentoring.domain.sheet import COLUMNS, LABELS, RowFaulty, column_of, lanes_of, read_row
from services.mentoring.domain.words import CHANNELS, FIELDS, SERVICES, Channel, Field, Service
from shared.sheets.cells import Cell
from shared.sheets.tables import SheetRow, find_table

ROW: dict[str, Cell] = {
    "day": "21/11/2025",
    "contact_minutes": 90,
    "consultants": "Rina Wahyuni",
    "businesses": "Batik Sekar",
    "field": "Produksi",
}


def faulty(cells: dict[str, Cell]) -> list[str]:
    with pytest.raises(RowFaulty) as caught:
        read_row(cells)
    return [fault.field for fault in caught.value.faults]


def test_the_least_that_a_row_must_say() -> None:
    said = read_row(ROW)
    assert said.occupation == Occupation(date(2025, 11, 21), None, 90, 0, 0)
    assert (said.field, said.service, said.channel) == (
        Field.PRODUCTION,
        Service.BUSINESS_MENTORING,
        Channel.OFFICE_VISIT,
    )
    assert (said.businesses, said.place, said.outcome, said.follow_up_on) == (["Batik Sekar"], None, None, None)


@pytest.mark.parametrize("missing", ["day", "contact_minutes", "consultants", "businesses", "field"])
@pytest.mark.parametrize("blank", [None, "", " \u00a0 "])
def test_what_is_missing_is_named(missing: str, blank: Cell) -> None:
    assert faulty({**ROW, missing: blank}) == [missing]


@pytest.mark.parametrize(
    ("typed", "minutes"), [(90, 90), ("90 menit", 90), ("1,5 jam", 90), ("1:30", 90), (timedelta(minutes=90), 90)]
)
def test_minutes_as_they_are_typed(typed: Cell, minutes: int) -> None:
    assert read_row({**ROW, "contact_minutes": typed}).occupation.contact_minutes == minutes


@pytest.mark.parametrize("typed", ["09.30-11.00", "09:30 \u2013 11:00 WIB", "9.30 s/d 11", "pukul 9.30 sampai 11.00"])
def test_from_when_until_when(typed: str) -> None:
    said = read_row({**ROW, "start": typed, "contact_minutes": None}).occupation
    assert (said.start, said.contact_minutes) == (time(9, 30), 90)


def test_minutes_outweigh_the_end() -> None:
    assert read_row({**ROW, "start": "09.30-11.00", "contact_minutes": 60}).occupation.contact_minutes == 60


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ({"start": "11.00-09.30", "contact_minutes": None}, ["start"]),
        ({"start": "09.30", "contact_minutes": None}, ["contact_minutes"]),
        ({"start": "pagi"}, ["start"]),
        ({"start": "9-10-11"}, ["start"]),
        ({"day": "31/02/2025"}, ["day"]),
        ({"field": "memasak", "channel": "merpati pos"}, ["field", "channel"]),
        ({"business_ids": "123"}, ["business_ids"]),
        ({"businesses": "; ".join(["Batik"] * 101)}, ["businesses"]),
        ({"follow_up_on": "nanti"}, ["follow_up_on"]),
        ({"place": "x" * 201}, ["place"]),
        ({"outcome": "=A1"}, ["outcome"]),
        ({"place": "a\u202eb"}, ["place"]),
    ],
)
def test_every_faulty_cell_is_named(cells: dict[str, Cell], fields: list[str]) -> None:
    assert faulty({**ROW, **cells}) == fields


@pytest.mark.parametrize(
    "text",
    [
        "NIK 3576 0145 0390 0007",
        "hubungi 0812-3456-7890",
        "WA +62 812 3456 7890",
        "NPWP 01.234.567.8-901.000",
    ],
)
@pytest.mark.parametrize("field", ["place", "outcome", "follow_up"])
def test_numbers_of_clients_are_refused_and_not_repeated(field: str, text: str) -> None:
    with pytest.raises(RowFaulty) as caught:
        read_row({**ROW, field: text})
    [fault] = caught.value.faults
    assert fault.field == field
    assert not any(char.isdigit() for char in fault.message + fault.cure)


@pytest.mark.parametrize(
    "text", ["Omzet naik menjadi Rp 150.000.000", "Rp1.250.000.000", "Rapat 12-11-2024 pukul 10.30", "target 1000 pcs"]
)
def test_amounts_and_dates_are_no_numbers_of_clients(text: str) -> None:
    assert read_row({**ROW, "outcome": text}).outcome == text


def test_businesses_by_id_and_by_name() -> None:
    one, other = uuid4(), uuid4()
    assert read_row({**ROW, "business_ids": f"{one}; {other}"}).businesses == [one, other]
    assert read_row({**ROW, "businesses": "Batik Sekar; Kopi Dua, dan Tiga ;"}).businesses == [
        "Batik Sekar",
        "Kopi Dua, dan Tiga",
    ]


@pytest.mark.parametrize("words", [FIELDS, SERVICES, CHANNELS])
def test_every_code_has_a_name_that_means_it(words: Any) -> None:
    for code in type(next(iter(words._names))):
        assert words.meant(words.label(code)) is code
        assert words.meant(str(code).upper()) is code
        assert words.meant(f"  {words.label(code).upper().replace(' ', '  ')}. ") is code
    assert words.meant("") is None


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("S.D.M", Field.HUMAN_RESOURCES),
        ("Jaringan Kerjasama", Field.COOPERATION_NETWORK),
        ("it", Field.INFORMATION_TECHNOLOGY),
    ],
)
def test_how_people_write_fields(typed: str, field: Field) -> None:
    assert FIELDS.meant(typed) is field


_CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.integers(-10, 10**17),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
)


@given(st.fixed_dictionaries({}, optional={column.field: _CELLS for column in COLUMNS}))
def test_whatever_stands_in_a_row_is_read_or_its_faults_are_told(cells: dict[str, Cell]) -> None:
    """Nothing else is raised, each fault has its column, and rows may be put into lanes without being sound."""
    lanes_of(cells)
    try:
        said = read_row(cells)
    except RowFaulty as error:
        faults = error.faults
    else:
        faults = []
        assert said.businesses
        assert said.consultants
    assert all(column_of(fault.field) == fault.field and fault.cure for fault in faults)


def test_rows_that_may_be_one_session_share_a_lane() -> None:
    later = {**ROW, "day": date(2025, 11, 21), "consultants": "Agus", "businesses": "BATIK  sekar"}
    assert lanes_of(ROW) & lanes_of(later)
    assert not lanes_of(ROW) & lanes_of({**ROW, "day": "22/11/2025"})


def test_an_offices_sheet_is_understood_and_clients_are_left_out() -> None:
    labels = (
        *("No", "Hari/Tanggal", "Waktu", "Nama Pendamping", "Nama Pemilik Usaha", "NIK", "No. HP", "Alamat Usaha"),
        *("Nama UMKM", "Desa/Kelurahan", "Bidang Layanan", "Durasi (menit)", "Keterangan", "RTL", "Tgl RTL"),
    )
    row = (1, "21/11/2025", "09.30", "Rina", "Siti", "3576", "0812", "Jl. Maja", "Batik", "Blooto", "Produksi", 60)
    table = find_table([SheetRow(3, labels), SheetRow(4, row)], COLUMNS, {})
    assert {labels[at]: field for at, field in table.fields.items()} == {
        "Hari/Tanggal": "day",
        "Waktu": "start",
        "Nama Pendamping": "consultants",
        "Nama UMKM": "businesses",
        "Desa/Kelurahan": "kelurahan",
        "Bidang Layanan": "field",
        "Durasi (menit)": "contact_minutes",
        "Keterangan": "outcome",
        "RTL": "follow_up",
        "Tgl RTL": "follow_up_on",
    }


@pytest.mark.parametrize("label", ["Nama Pemilik Usaha", "Nama Pelaku Usaha", "Jenis Usaha", "Alamat Usaha"])
def test_an_owner_is_never_taken_for_a_business(label: str) -> None:
    labels = ("Tanggal", "Konsultan", "Bidang", "ID Usaha", label)
    table = find_table([SheetRow(1, labels), SheetRow(2, ("21/11/2025",))], COLUMNS, {})
    assert "businesses" not in table.fields.values()


def test_the_template_is_understood() -> None:
    rows = [
        SheetRow(1, tuple(column.label for column in COLUMNS)),
        SheetRow(2, tuple(column.example for column in COLUMNS)),
    ]
    table = find_table(rows, COLUMNS, {})
    assert list(table.fields.values()) == [column.field for column in COLUMNS]
    assert table.remarks == ()
    assert read_row(table.cells_of(rows[1])).businesses == ["Batik Sekar Maja"]
    assert set(LABELS) == {column.field for column in COLUMNS}
