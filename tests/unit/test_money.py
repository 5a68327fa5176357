"""Rupiah as people type them (domain.md §3.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import MOST, MoneyError, format_rupiah, parse_rupiah

READ = {
    "0": 0,
    "nol": 0,
    "1.500": 1_500,
    "1500": 1_500,
    "50 jt": 50_000_000,
    "50jt": 50_000_000,
    "1,2 M": 1_200_000_000,
    "1.5 jt": 1_500_000,
    "1.500 jt": 1_500_000_000,
    "Rp 50.000.000": 50_000_000,
    "Rp\u00a050.000.000": 50_000_000,
    "Rp. 50.000,-": 50_000,
    "Rp1.250.000,00": 1_250_000,
    "IDR 1,250,000": 1_250_000,
    "Rp 50 000 000": 50_000_000,
    "1\u00a0250\u00a0000,00": 1_250_000,
    "seribu lima ratus": 1_500,
    "2 juta 1.500": 2_001_500,
    "dua juta": 2_000_000,
    "sejuta": 1_000_000,
    "satu setengah juta": 1_500_000,
    "setengah miliar": 500_000_000,
    "seratus dua puluh lima ribu": 125_000,
    "dua belas juta": 12_000_000,
    "2 juta 500 ribu": 2_500_000,
    "Dua juta lima ratus ribu rupiah": 2_500_000,
    "9.223.372.036.854.775.807": MOST,
}
REFUSED = (
    *("", " ", "-", "?", "tidak tahu", "-5", "Rp -5", "-Rp5", "(5)", "minus dua juta"),
    *("1.5", "1,5", "1,500", "1.250,50", "0,5", "12.34.567", "1..5 jt", ",5", "1,", "1.2345 jt"),
    *("9.223.372.036.854.775.808", "9" * 40, "1000000000 triliun", "1e5", "0x10", "NaN", "Infinity"),
    *("juta", "belas juta", "dua dua juta", "5 ribu 2 juta", "2 juta 3 juta", "10 5", "lima belas tujuh", "se"),
    *("dua juta lima ratus", "2 juta 500", "1234 567", "50 00", "1.250 000"),
    *("5 dolar", "$5", "\u0665", "\uff15", "50 jt\x00", "1,0000000000000000000000000000000000001 jt"),
)


@pytest.mark.parametrize(("typed", "amount"), READ.items())
def test_an_amount_is_read_as_it_was_meant(typed: str, amount: int) -> None:
    assert parse_rupiah(typed) == amount


@pytest.mark.parametrize("typed", REFUSED)
def test_what_could_mean_something_else_is_refused_with_a_cure(typed: str) -> None:
    with pytest.raises(MoneyError) as wrong:
        parse_rupiah(typed)
    assert wrong.value.message
    assert wrong.value.cure


@given(st.integers(0, MOST))
def test_what_is_shown_can_be_typed(amount: int) -> None:
    assert parse_rupiah(format_rupiah(amount)) == amount
    assert parse_rupiah(str(amount)) == amount


@given(st.integers(1, MOST))
def test_a_debt_is_shown_and_not_taken(amount: int) -> None:
    assert format_rupiah(-amount) == "-" + format_rupiah(amount)
    with pytest.raises(MoneyError):
        parse_rupiah(format_rupiah(-amount))


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_refused(typed: str) -> None:
    try:
        amount = parse_rupiah(typed)
    except MoneyError:
        return
    assert 0 <= amount <= MOST
