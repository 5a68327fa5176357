"""Spellings of one name share their tokens."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.privacy.names import name_tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hj. Siti Aminah, S.E., M.M.", "siti aminah"),
        ("Drs. H. Moeljono", "Muljono"),
        ("Soerjadi", "Surjadi"),
        ("Djoko Soesilo", "Joko Susilo"),
        ("Tjipto", "Cipto"),
        ("Muhammad Ridwan", "M. Muhamad Ridwan, S.Pd"),
        ("H.Ahmad", "Ahmad"),
        ("René", "Rene"),
        ("ÁMINAH", "aminah"),
        ("Bu Ning Sulastri", "Sulastri"),
    ],
)
def test_spellings_meet(one: str, other: str) -> None:
    assert name_tokens(one) == name_tokens(other)


def test_different_people_stay_apart() -> None:
    assert name_tokens("Siti Aminah") != name_tokens("Siti Fatimah")
    assert name_tokens("Siti Aminah") & name_tokens("Siti Fatimah") == {"siti"}


def test_a_name_of_titles_is_a_name_all_the_same() -> None:
    assert name_tokens("Ning") == {"ning"}
    assert name_tokens("H. Gus") == {"h", "gus"}


names = st.text(min_size=1) | st.lists(
    st.sampled_from(["oe", "dj", "tj", "oo", "dd", "o", "e", "d", "j", "t", "a", "Hj.", "S.E.", "é", "ß", "İ", "ﬁ"])
).map("".join)


@given(names)
@example("ooe")
@example("ddj")
@example("İ")
def test_folding_is_idempotent(name: str) -> None:
    tokens = name_tokens(name)
    assert name_tokens(" ".join(sorted(tokens))) == tokens


@given(st.text(min_size=1), st.text(min_size=1))
def test_the_order_of_words_does_not_matter(one: str, other: str) -> None:
    assert name_tokens(f"{one} {other}") == name_tokens(f"{other} {one}")
