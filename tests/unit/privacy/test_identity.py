"""Types that show masks only."""

import json
import logging
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy.identity import Address, Nik, Npwp, PersonName, Phone, Secret


@given(st.text("0123456789", max_size=30), st.sampled_from([Nik, Npwp, Phone]))
def test_a_mask_shows_at_most_the_last_four_digits(digits: str, kind: type[Secret]) -> None:
    shown = str(kind(digits))
    assert sum(char.isdigit() for char in shown) <= min(4, len(digits) // 2)
    assert digits.endswith("".join(filter(str.isdigit, shown)))
    assert len(shown) == len(digits)


@given(st.text(min_size=1))
def test_a_name_shows_initials_and_an_address_nothing(text: str) -> None:
    assert len(str(PersonName(text)).replace(" ", "").replace(".", "")) <= max(1, len(text.split()))
    assert str(Address(text)) == "***"


def test_no_way_of_printing_shows_more() -> None:
    nik = Nik("3576025509801234")
    ways = [
        str(nik),
        repr(nik),
        f"{nik}",
        f"{nik!r}",
        f"{nik:>20}",
        str([nik]),
        f"{nik}",
        json.dumps({"n": str(nik)}),
    ]
    record = logging.LogRecord("x", logging.INFO, "", 0, "nik %s", (nik,), None)
    for shown in [*ways, record.getMessage()]:
        assert "3576" not in shown
        assert shown.count("1234") == 1
    with pytest.raises(TypeError):
        pickle.dumps(nik)
    with pytest.raises(TypeError):
        json.dumps(nik)
    assert nik.reveal() == "3576025509801234"


def test_two_of_a_kind_are_equal_and_two_kinds_are_not() -> None:
    assert Nik("1") == Nik("1")
    assert len({Nik("1"), Nik("1"), Nik("2")}) == 2
    assert Nik("1") != Npwp("1")
    assert Nik("1") != "1"
