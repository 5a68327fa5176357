"""The numbers that people are known by (domain.md §2.2)."""

from calendar import monthrange
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.privacy.numbers import (
    NumberError,
    holds_identity_number,
    holds_long_number,
    holds_phone,
    holds_tax_or_identity_number,
    nik_warning,
    npwp_warning,
    parse_cooperative_number,
    parse_kbli,
    parse_nib,
    parse_nik,
    parse_npwp,
    parse_phone,
)

birth_dates = st.dates(date(1900, 1, 1), date(2099, 12, 31))


def nik_of(born: date, *, woman: bool, serial: int, place: str = "357602") -> str:
    return f"{place}{born.day + 40 * woman:02d}{born:%m%y}{serial:04d}"


@given(born=birth_dates, woman=st.booleans(), serial=st.integers(1, 9999))
def test_everybody_who_was_ever_born_has_a_valid_nik(*, born: date, woman: bool, serial: int) -> None:
    nik = nik_of(born, woman=woman, serial=serial)
    assert parse_nik(nik).reveal() == nik


@given(day=st.integers(0, 99), month=st.integers(0, 99), year=st.integers(0, 99))
@example(day=29, month=2, year=1)
@example(day=29, month=2, year=0)
@example(day=81, month=1, year=80)
def test_a_day_that_no_calendar_has_is_refused(day: int, month: int, year: int) -> None:
    nik = f"357602{day:02d}{month:02d}{year:02d}0001"
    born = day - 40 if day > 40 else day
    real = 1 <= month <= 12 and any(1 <= born <= monthrange(century + year, month)[1] for century in (1900, 2000))
    if real:
        assert parse_nik(nik).reveal() == nik
    else:
        with pytest.raises(NumberError):
            parse_nik(nik)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "357602550980",
        "35760255098000011",
        "3576025509800000",
        "35760255098O0001",
        "".join(chr(0x0660 + int(digit)) for digit in "3576025509800001"),
        "".join(chr(0xFF10 + int(digit)) for digit in "3576025509800001"),
        "-357602550980001",
        "3576025509800001\x00",
        "3576025509800001\u202e",
    ],
)
def test_what_is_no_nik_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(NumberError) as wrong:
        parse_nik(typed)
    assert typed == "" or typed not in f"{wrong.value.message} {wrong.value.cure}"


def test_a_nik_may_be_grouped() -> None:
    assert parse_nik("35.7602 550980-0001").reveal() == "3576025509800001"


def test_an_unknown_province_is_only_a_warning() -> None:
    assert nik_warning(parse_nik("3576025509800001")) is None
    assert nik_warning(parse_nik("5471015509800001")) is None, "Timor Timur, where people were born too"
    assert nik_warning(parse_nik("0176025509800001")) is not None


@pytest.mark.parametrize("typed", ["08123456789", "+628123456789", "628123456789", "0812-3456-789", "(0812) 345.6789"])
def test_a_phone_number_is_kept_in_one_form(typed: str) -> None:
    assert parse_phone(typed).reveal() == "+628123456789"


@pytest.mark.parametrize("typed", ["", "0321395555", "0812", "+6512345678", "08" * 20, "0012345678", "O8123456789"])
def test_what_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(NumberError):
        parse_phone(typed)


def test_an_npwp_may_be_old_or_new_and_odd() -> None:
    assert npwp_warning(parse_npwp("09.254.294.3-407.000")) is None
    assert npwp_warning(parse_npwp("0092542943407000")) is None
    assert npwp_warning(parse_npwp("3576025509800001")) is None
    assert npwp_warning(parse_npwp("09.254.294.4-407.000")) is not None
    assert npwp_warning(parse_npwp("1000000000000000")) is not None, "an entity registered after Coretax"
    for typed in ("", "12345678901234", "12345678901234567", "09.254.294.3-4O7.000"):
        with pytest.raises(NumberError):
            parse_npwp(typed)


def test_numbers_of_businesses_have_their_lengths() -> None:
    assert parse_nib("9120 0012 34567") == "9120001234567"
    assert parse_cooperative_number("3576010020001") == "3576010020001"
    for rule, typed in [(parse_nib, "912000123456"), (parse_nib, "91200012345678"), (parse_nib, "\u0669" * 13)]:
        with pytest.raises(NumberError):
            rule(typed)
    for typed in ("123456789", "12345678901234567", "KOP-357601"):
        with pytest.raises(NumberError):
            parse_cooperative_number(typed)


@pytest.mark.parametrize("text", ["Batik 3576025509800001", "3576 0255 0980 0001", "35.76.02.550980.0001 Batik"])
def test_a_nik_inside_a_public_text_is_seen(text: str) -> None:
    assert holds_identity_number(text)


@pytest.mark.parametrize("text", ["Batik Maja", "Sentra 9120001234567", "Kios 1, 2, 3", "1.234.567 potong"])
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_identity_number(text)


def test_a_region_of_the_province_that_never_was_is_a_warning() -> None:
    assert nik_warning(parse_nik("3579025509800001")) is None
    assert nik_warning(parse_nik("3530025509800001")) is not None


def test_a_kbli_has_five_digits() -> None:
    assert parse_kbli(" 13134 ") == "13134"
    for typed in ("", "1313", "131344", "13.134", "C1313", "\u0661\u0663\u0661\u0663\u0664"):
        with pytest.raises(NumberError):
            parse_kbli(typed)


@pytest.mark.parametrize("text", ["hubungi 0812-3456-789", "09.254.294.3", "NIK 3576025509800001"])
def test_a_phone_inside_a_reason_is_seen(text: str) -> None:
    assert holds_long_number(text)
    assert not holds_long_number("surat 12/PLUT/2026 tanggal 21-11-26")


@given(
    st.sampled_from(["08", "628", "+628", "+62 8", "(+62) 8"]),
    st.from_regex(r"[1-9][0-9]{7,10}", fullmatch=True),
    st.lists(st.sampled_from(["", " ", "-", ".", ") ", " - "[:2]]), min_size=11, max_size=11),
    st.sampled_from(["", "WA:", "HP.", "hubungi "]),
)
def test_every_phone_that_is_accepted_is_seen_inside_a_text(
    begin: str, digits: str, between: list[str], before: str
) -> None:
    phone = begin + "".join(digit + gap for digit, gap in zip(digits, between, strict=False))
    assert holds_phone(f"{before}{phone} ya")


@pytest.mark.parametrize(
    "text",
    [
        "Rp 150.000.000",
        "Rp1.081.234.567.890",
        "omzet 081 juta",
        "12-11-2024 08.30",
        "9120001234567",
        "KTA 80812345678901",
    ],
)
def test_amounts_and_days_are_no_phone(text: str) -> None:
    assert not holds_phone(text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("NPWP 09.254.294.3-407.888", True),
        ("NIK 3576 0255 0980 0001", True),
        ("Rp 150.000.000.000", False),
        ("NIB 9120001234567", False),
    ],
)
def test_a_tax_number_inside_a_text_is_seen(text: str, *, held: bool) -> None:
    assert holds_tax_or_identity_number(text) is held
