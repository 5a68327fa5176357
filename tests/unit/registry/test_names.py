"""Trade names folded and compared: what is one name spelt twice, and what are two names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain.names import fold_trade_name, name_likeness, read_trade_name
from tests.support.names import ONE_NAME, SPELLINGS, TWO_NAMES

NAMES = st.text(alphabet="abdejoctu 0123.,-éóUDCVTK", min_size=1, max_size=40)


@pytest.mark.parametrize(("typed", "folded"), SPELLINGS)
def test_spellings_meet(typed: str, folded: str) -> None:
    assert fold_trade_name(typed) == folded


@pytest.mark.parametrize(("one", "other"), ONE_NAME)
def test_one_name_spelt_twice_is_alike(one: str, other: str) -> None:
    assert name_likeness(read_trade_name(one), read_trade_name(other)) >= 0.85


@pytest.mark.parametrize(("one", "other"), TWO_NAMES)
def test_two_names_are_not_alike(one: str, other: str) -> None:
    assert name_likeness(read_trade_name(one), read_trade_name(other)) < 0.7


@given(NAMES, NAMES)
def test_likeness_is_a_share_and_the_same_from_both_sides(one: str, other: str) -> None:
    there, back = read_trade_name(one), read_trade_name(other)
    assert 0 <= name_likeness(there, back) <= 1.000001
    assert name_likeness(there, back) == pytest.approx(name_likeness(back, there))
    assert name_likeness(there, there) == pytest.approx(1)


def test_a_name_is_read_in_its_parts() -> None:
    name = read_trade_name("UD. Kripik Maju 02")
    assert name.folded == "keripik maju 02"
    assert name.trades == {"keripik"}
    assert name.numbers == {"2"}
    assert read_trade_name("BAT1K Maju").trades == {"batik"}
    assert read_trade_name("Kosmetk Ayu").trades == {"kosmetik"}
