"""Which registered business an imported row surely is."""

from uuid import UUID, uuid4

from services.registry.domain.forms import Kind
from services.registry.domain.imports import is_confirmed_new, surely, to_review
from services.registry.domain.likeness import Candidate, Match, Proposed, Verdict, compare
from shared.imports.rows import Said

PROPOSED = Proposed("Batik Sekar Arum", (Kind.UMKM,), "35.76.02.1001")


def match(name: str = "Batik Sekar Arum", *, number: bool = False, person: bool = False) -> Match:
    candidate = Candidate(
        uuid4(),
        "35.79",
        name,
        (Kind.UMKM,),
        "35.76.02.1001",
        similarity=1.0 if name == PROPOSED.trade_name else 0.1,
        same_number=number,
        same_person=person,
    )
    return compare(PROPOSED, candidate)


def test_a_business_of_the_same_person_and_name_is_the_one() -> None:
    one = match(person=True)
    assert (one.verdict, surely([one])) == (Verdict.SAME, one)


def test_only_alike_is_not_sure() -> None:
    assert surely([match()]) is None
    assert surely([]) is None


def test_a_number_counts_on_a_like_name_only() -> None:
    one, slip = match(number=True), match("Bengkel Las Jaya", number=True)
    assert surely([one]) == one
    assert (slip.verdict, surely([slip])) == (Verdict.SAME, None)


def test_of_two_that_are_sure_the_one_with_the_number_is_meant() -> None:
    numbered, owned = match(number=True), match(person=True)
    assert surely([owned, numbered]) == numbered
    assert surely([owned, match(person=True)]) is None


def test_new_is_confirmed_for_what_was_seen() -> None:
    matches = [match(), match()]
    ids: list[UUID] = [each.candidate.id for each in matches]
    assert is_confirmed_new(Said(confirmed_new=True, seen=tuple(ids)), matches)
    assert not is_confirmed_new(Said(confirmed_new=True, seen=(ids[0],)), matches)
    assert not is_confirmed_new(Said(seen=tuple(ids)), matches)


def test_what_is_to_be_reviewed_names_every_candidate_and_one_cure() -> None:
    matches = [match(), match()]
    remarks = to_review(matches)
    assert [str(each.candidate.id) in remark.message for each, remark in zip(matches, remarks, strict=True)] == [
        True,
        True,
    ]
    assert len({remark.cure for remark in remarks}) == 1
