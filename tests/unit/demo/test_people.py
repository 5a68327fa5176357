"""People of the story: of the right form, the same again for the same seed, and of no living person."""

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.people import OFFICES, business, kelurahan_of, nik
from shared.privacy.numbers import parse_nik


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  a story's dice


@given(seed=st.integers(), office=st.sampled_from([office.code for office in OFFICES]))
def test_a_nik_is_of_valid_form_and_of_a_serial_that_no_kecamatan_reaches(seed: int, office: str) -> None:
    number = nik(dice(seed), office)
    parse_nik(number)
    assert number[:4] == office.replace(".", "")
    assert int(number[12:]) >= 9000


@given(seed=st.integers())
def test_the_same_seed_gives_the_same_business(seed: int) -> None:
    assert business(dice(seed), "35.79") == business(dice(seed), "35.79")


@pytest.mark.parametrize("office", OFFICES)
def test_businesses_lie_in_the_offices_own_region(office: object) -> None:
    code = getattr(office, "code", "")
    assert all(each.startswith(code) and each.count(".") == 3 for each in kelurahan_of(code))
    assert business(dice(1), code)["kelurahan"] in kelurahan_of(code)


def test_six_offices_stood_in_december_2023_and_eight_by_august_2024() -> None:
    opened = [date.fromisoformat(office.opened_on) for office in OFFICES]
    assert sum(day < date(2024, 1, 1) for day in opened) == 6
    assert sum(day < date(2024, 8, 2) for day in opened) == 8
