"""Which kelurahan somebody meant (domain.md §2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reference.places import MOST_CANDIDATES, PlaceUnknown, find_kelurahan, full_name, may_mean, replaced_codes
from shared.reference.regions import is_kelurahan, regions

KELURAHAN = sorted(code for code in regions() if is_kelurahan(code))
MEANT = {
    "mentikan prajurit kulon mojokerto": "35.76.01.1003",
    "Kel. Blooto, Kota Mojokerto": "35.76.01.1008",
    "kelurahan bloto kota mojokerto": "35.76.01.1008",
    "Gunung Gedangan": "35.76.02.1001",
    "GUNUNGGEDANGN, Magersari": "35.76.02.1001",
    "Kranggan Kota Mojokerto": "35.76.03.1001",
    "Kel. Mentikan, Kec. Prajurit Kulon, Kota Mojokerto, Prov. Jawa Timur": "35.76.01.1003",
    "Sumberejo kec. Batu kota Batu": "35.79.01.2005",
    "Kauman, Prajurit Kulon": "35.76.01.1004",
    "Meri, Magersari, Kota Mojokerto": "35.76.03.1003",  # the kecamatan of before the split
}


@pytest.mark.parametrize(("typed", "code"), MEANT.items())
def test_a_name_typed_badly_is_the_one_place_that_was_meant(typed: str, code: str) -> None:
    place = find_kelurahan(typed)
    assert place.code == code
    assert full_name(regions()[code]) in (place.note or ""), "and that is said"


@pytest.mark.parametrize(
    ("typed", "among"),
    [("Kauman Mojokerto", "35.76.01.1004"), ("Kranggan", None), ("Jalan", None)],
)
def test_what_could_be_several_places_is_asked_back(typed: str, among: str | None) -> None:
    with pytest.raises(PlaceUnknown) as unknown:
        find_kelurahan(typed)
    found = [place.code for place in unknown.value.candidates]
    assert 0 < len(found) <= MOST_CANDIDATES
    assert among is None or among in found


@pytest.mark.parametrize("typed", ["", " ", "35.76", "35.76.99.9999", "31.71.01.1001", "zzzz", "🙂", "12345"])
def test_what_is_no_place_has_no_candidates(typed: str) -> None:
    with pytest.raises(PlaceUnknown) as unknown:
        find_kelurahan(typed)
    assert unknown.value.candidates == []


@given(st.sampled_from(KELURAHAN))
def test_a_code_is_that_place_and_nothing_is_said(code: str) -> None:
    for typed in (code, code.replace(".", ""), code.replace(".", " "), f" {code} "):
        place = find_kelurahan(typed)
        assert (place.code, place.note) == (code, None)


def test_the_six_codes_of_before_the_split_lead_to_those_of_today() -> None:
    assert len(replaced_codes()) == 6
    for old, new in replaced_codes().items():
        place = find_kelurahan(old)
        assert (place.code, is_kelurahan(old), is_kelurahan(new)) == (new, False, True)
        assert place.note


@pytest.mark.parametrize(("old", "new"), replaced_codes().items())
def test_so_does_a_name_with_the_kecamatan_of_before_the_split(old: str, new: str) -> None:
    for kecamatan in (regions()[old[:8]].name, regions()[new[:8]].name):
        assert find_kelurahan(f"{regions()[new].name}, Kec. {kecamatan}, Kota Mojokerto").code == new


@pytest.mark.parametrize("typed", ["Wetan, Magersari, Kota Mojokerto", "Mari, Kranggan, Kota Mojokerto"])
def test_what_stands_behind_a_name_does_not_make_up_for_it(typed: str) -> None:
    with pytest.raises(PlaceUnknown):
        find_kelurahan(typed)


@pytest.mark.parametrize(
    ("typed", "near", "code"),
    [
        ("Kauman", "35.76", "35.76.01.1004"),
        ("Wates", "35.76", "35.76.02.1010"),
        ("Kedungdung", "35.76", "35.76.02.1009"),  # to the letter a place of Sampang
        ("Kauman, Kab. Tulungagung, Kec. Tulungagung", "35.76", "35.04.01.1010"),
        ("Sisir", "35.76", "35.79.01.1004"),
        ("Ngaglik", "35.79", "35.79.01.1002"),
    ],
)
def test_of_namesakes_the_one_near_is_meant(typed: str, near: str, code: str) -> None:
    assert find_kelurahan(typed, near).code == code


def test_candidates_begin_with_those_near() -> None:
    with pytest.raises(PlaceUnknown) as unknown:
        find_kelurahan("Pulorejo RT 02 RW 03", "35.76")
    assert unknown.value.candidates[0].code == "35.76.01.1005"


@pytest.mark.parametrize(
    "typed",
    ["35.76.03.1001 - Kranggan", "Kranggan (35.76.03.1001)", "3576031001.0", "35.76.03.1001 Kota Mojokerto"],
)
def test_a_code_with_words_beside_it_is_that_place(typed: str) -> None:
    assert find_kelurahan(typed).code == "35.76.03.1001"
    assert may_mean(typed, "35.76.03.1001")


def test_a_code_beside_the_name_of_another_place_is_asked_back() -> None:
    with pytest.raises(PlaceUnknown) as unknown:
        find_kelurahan("35.76.03.1001 Blooto")
    assert [place.code for place in unknown.value.candidates] == ["35.76.03.1001", "35.76.01.1008"]


@given(st.sampled_from(KELURAHAN))
def test_a_full_name_leads_to_its_place_or_to_its_namesakes(code: str) -> None:
    try:
        found = [find_kelurahan(full_name(regions()[code])).code]
    except PlaceUnknown as unknown:
        found = [place.code for place in unknown.candidates]
    assert code in found


@given(st.text(max_size=80))
def test_any_text_is_a_place_or_none(typed: str) -> None:
    try:
        found = [find_kelurahan(typed).code]
    except PlaceUnknown as unknown:
        found = [place.code for place in unknown.candidates]
    assert len(found) <= MOST_CANDIDATES
    assert all(is_kelurahan(code) for code in found)


@given(st.sampled_from(KELURAHAN))
def test_every_place_is_meant_by_its_own_name_and_code(code: str) -> None:
    assert may_mean(code, code)
    assert may_mean(full_name(regions()[code]), code)
    assert may_mean(regions()[code].name, code)


@pytest.mark.parametrize(("typed", "code"), MEANT.items())
def test_whoever_means_a_place_may_mean_it(typed: str, code: str) -> None:
    assert may_mean(typed, code)


@pytest.mark.parametrize(
    ("typed", "code", "meant"),
    [
        ("Kauman", "35.76.01.1004", True),
        ("Kauman, Kab. Ponorogo", "35.76.01.1004", False),
        ("Mentikan", "35.76.01.1008", False),
        ("35.76.01.1003", "35.76.01.1008", False),
        ("", "35.76.01.1008", False),
    ],
)
def test_who_may_be_meant(typed: str, code: str, *, meant: bool) -> None:
    assert may_mean(typed, code) is meant
