"""Whether two registrations are one business: each sign, their sum, and what may never be taken for the same."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain.forms import Kind
from services.registry.domain.likeness import Candidate, Proposed, Verdict, compare, likely

HERE, SAME_KECAMATAN, SAME_CITY, AWAY = "35.76.02.1001", "35.76.02.1002", "35.76.01.1008", "35.79.01.1001"
UMKM = (Kind.UMKM,)


def proposed(name: str = "Sumber Rejeki", kinds: tuple[Kind, ...] = UMKM) -> Proposed:
    return Proposed(name, kinds, HERE)


def candidate(name: str = "Sumber Rejeki", kelurahan: str = HERE, **signs: Any) -> Candidate:
    return Candidate(UUID(int=1), "35.76", name, signs.pop("kinds", UMKM), kelurahan, 0.0, **signs)


def verdict(one: Proposed, other: Candidate) -> Verdict:
    return compare(one, other).verdict


PERSON: dict[str, Any] = {"same_person": True}
PHONE: dict[str, Any] = {"same_phone": True}
OWNER: dict[str, Any] = {"same_person": True, "same_phone": True, "owner_likeness": 1.0}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (proposed(), candidate(), Verdict.POSSIBLE),
        (proposed(), candidate(owner_likeness=0.0), Verdict.DIFFERENT),
        (proposed(), candidate(**PERSON), Verdict.SAME),
        (proposed(), candidate(**PHONE), Verdict.SAME),
        (proposed(), candidate(**PHONE, owner_likeness=0.0), Verdict.POSSIBLE),
        # With one phone Jumiati may be Jumiatin; without it they are two.
        (proposed("Sumber Rezeki"), candidate(**PHONE, owner_likeness=0.0), Verdict.POSSIBLE),
        (proposed("Sumber Rezeki"), candidate(owner_likeness=0.0), Verdict.DIFFERENT),
        (proposed("Sumber Rezeki"), candidate(**OWNER), Verdict.SAME),
        (proposed(), candidate(kelurahan=SAME_KECAMATAN), Verdict.POSSIBLE),
        (proposed(), candidate(kelurahan=SAME_CITY), Verdict.DIFFERENT),
        (proposed(), candidate(kelurahan=SAME_KECAMATAN, **PERSON), Verdict.POSSIBLE),
        (proposed(), candidate(kelurahan=AWAY, **PERSON), Verdict.POSSIBLE),
        (proposed(), candidate(kelurahan=AWAY), Verdict.DIFFERENT),
        # One owner's businesses stay apart: name and trade weigh against him.
        (proposed("Keripik Bu Siti"), candidate("Batik Bu Siti", **OWNER), Verdict.DIFFERENT),
        (proposed("Barokah Zanana"), candidate("Barokah Wilonda", **OWNER), Verdict.DIFFERENT),
        (proposed("Barokah Katering"), candidate("Barokah Laundry", **OWNER), Verdict.DIFFERENT),
        (proposed("Kios Maju 1"), candidate("Kios Maju 2", **OWNER), Verdict.DIFFERENT),
        (proposed("Kios Maju"), candidate("Kios Maju 2", **OWNER), Verdict.POSSIBLE),
        # Two persons of one name.
        (proposed("Salon Ayu"), candidate("Bengkel Jaya", owner_likeness=1.0), Verdict.DIFFERENT),
        # A cooperative and its shop.
        (proposed("Koperasi Maju Jaya", (Kind.COOPERATIVE,)), candidate("Toko Maju Jaya", **OWNER), Verdict.DIFFERENT),
        (proposed("Koperasi Maju Jaya"), candidate("Toko Maju Jaya", **OWNER), Verdict.DIFFERENT),
        (proposed("KSPPS Maju Jaya"), candidate("Maju Jaya", **OWNER), Verdict.DIFFERENT),
        (proposed("Kop. Maju Jaya"), candidate("Koperasi Maju Jaya", kinds=(Kind.COOPERATIVE,), **OWNER), Verdict.SAME),
        # What the number says, nothing else gainsays.
        (proposed("Salon Ayu"), candidate("Bengkel Jaya", same_number=True), Verdict.SAME),
        (proposed(), candidate(closing_reason="merged", **OWNER), Verdict.DIFFERENT),
        (proposed(), candidate(closing_reason="ceased", **OWNER), Verdict.SAME),
        (proposed(), candidate(same_division=False), Verdict.DIFFERENT),
        # A would-be entrepreneur is who he is, whatever the label.
        (proposed("", (Kind.PROSPECTIVE,)), candidate("Calon", kinds=(Kind.PROSPECTIVE,), **PERSON), Verdict.SAME),
        (proposed(), candidate("Calon", kinds=(Kind.PROSPECTIVE,), **PERSON), Verdict.POSSIBLE),
        (proposed("", (Kind.PROSPECTIVE,)), candidate("Calon", kinds=(Kind.PROSPECTIVE,)), Verdict.DIFFERENT),
    ],
)
def test_the_verdict(one: Proposed, other: Candidate, expected: Verdict) -> None:
    match = compare(one, other)
    assert match.verdict == expected, (match.points, match.told())


def test_the_reasons_are_told_as_a_clerk_would() -> None:
    match = compare(proposed("Sumber Rezeki"), candidate(**PHONE))
    assert match.told() == "nama 91 % mirip, kelurahan sama, telepon sama"
    assert match.points == sum(reason.points for reason in match.reasons)


def test_the_likeliest_comes_first_and_the_different_do_not_come() -> None:
    weak, strong, other = candidate(), replace(candidate(**PERSON), id=UUID(int=2)), candidate("Bengkel Jaya")
    assert [match.candidate for match in likely(proposed(), [weak, other, strong])] == [strong, weak]


NAMES = st.sampled_from(
    ["Sumber Rejeki", "Batik Bu Siti", "Keripik Bu Siti", "Kios Maju 1", "Kios Maju 2", "Salon Ayu"]
)
SIGNS = st.fixed_dictionaries(
    {
        "kelurahan": st.sampled_from([HERE, SAME_KECAMATAN, SAME_CITY, AWAY]),
        "same_person": st.booleans(),
        "same_phone": st.booleans(),
        "owner_likeness": st.sampled_from([None, 0.0, 0.5, 1.0]),
        "same_division": st.sampled_from([None, True, False]),
    }
)


@given(NAMES, NAMES, SIGNS)
def test_no_owner_makes_two_different_names_surely_one_business(one: str, other: str, signs: dict[str, Any]) -> None:
    judged = verdict(proposed(one), candidate(other, **signs))
    assert one == other or judged is not Verdict.SAME


@given(NAMES, NAMES, SIGNS)
def test_a_shared_key_never_makes_it_less_likely(one: str, other: str, signs: dict[str, Any]) -> None:
    without = compare(proposed(one), candidate(other, **{**signs, "same_person": False}))
    assert compare(proposed(one), candidate(other, **{**signs, "same_person": True})).points >= without.points
