"""No line of a log names anybody."""

import pytest

from shared.log import mask, masked

_HIDDEN = "[disembunyikan]"


@pytest.mark.parametrize(
    "text",
    [
        "3578010101010001",
        "3578 0101 0101 0001",
        "35-78-0101-0101-0001",
        "3578.0101.0101.0001",
        "012345678901234",
        "081234567890",
        "0812-3456-7890",
        "0812 3456 789",
        "+6281234567890",
        "+62 812-3456-7890",
        "6281234567890",
    ],
)
def test_a_number_of_a_person_is_hidden_wherever_it_stands(text: str) -> None:
    assert masked(text) == _HIDDEN
    assert masked(f"a {text}, b") == f"a {_HIDDEN}, b"
    assert masked({"a": [text]}) == {"a": [_HIDDEN]}
    assert masked(ValueError(text)) == _HIDDEN


@pytest.mark.parametrize(
    "text",
    [
        "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f",
        "35781234-0101-7000-8000-123456789012",
        "2026-11-21T22:57:14.528566Z",
        "35.76.02.1001",
        "127.0.0.1:15432",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "registry.business.v1",
        "seq 123456789",
    ],
)
def test_what_names_no_person_stays(text: str) -> None:
    assert masked(text) == text


def test_a_number_of_a_person_is_hidden_as_a_number_too() -> None:
    assert masked(3578010101010001) == _HIDDEN
    assert masked(1795302128) == 1795302128


@pytest.mark.parametrize("key", ["nik", "NPWP", "phone", "address", "owners", "password", "authorization", "token"])
def test_some_keys_hide_whatever_they_hold(key: str) -> None:
    assert mask(None, "info", {key: "x", "inner": {key: 5}}) == {key: _HIDDEN, "inner": {key: _HIDDEN}}


def test_what_postgres_repeats_of_a_row_is_hidden() -> None:
    told = "duplicate key value\nDETAIL:  Key (name)=(Siti\nAminah) already exists.\nHINT:  Look."
    assert masked(told) == f"duplicate key value\nDETAIL: {_HIDDEN}\nHINT:  Look."
