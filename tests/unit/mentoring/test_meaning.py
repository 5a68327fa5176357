"""Whom and what a sheet means: one, nobody, or somebody must choose."""

from datetime import date, time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mentoring.domain import Business, Channel, Field, Occupation, Service, SessionDraft
from services.mentoring.domain.meaning import (
    Called,
    Colleague,
    Recorded,
    Sameness,
    Unclear,
    choose_business,
    compare,
    find_consultants,
)

RINA, AGUS, SITI, OTHER_AGUS = (UUID(int=number) for number in range(1, 5))
COLLEAGUES = (
    Colleague(RINA, "Rina Wahyuni, S.E., M.M."),
    Colleague(AGUS, "Agus Salim"),
    Colleague(SITI, "Hj. Siti Aminah"),
    Colleague(OTHER_AGUS, "Drs. Agus Djoko"),
)
DAY = date(2025, 11, 21)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Rina Wahyuni", [RINA]),
        ("RINA WAHYUNI, SE", [RINA]),
        ("wahyuni rina", [RINA]),
        ("Siti Aminah", [SITI]),
        ("Agus Joko", [OTHER_AGUS]),
        ("Rina Wahyuni; Agus Salim", [RINA, AGUS]),
        ("Rina Wahyuni, S.E., M.M., Agus Salim", [RINA, AGUS]),
        ("Agus Salim dan Siti Aminah", [AGUS, SITI]),
        ("Agus Salim & Rina Wahyuni, S.E.", [AGUS, RINA]),
        ("Agus Salim, agus salim", [AGUS]),
        (str(AGUS), [AGUS]),
    ],
)
def test_names_as_offices_write_them(typed: str, meant: list[UUID]) -> None:
    assert find_consultants(typed, COLLEAGUES) == meant


@pytest.mark.parametrize(
    ("typed", "decide"),
    [
        ("Budi", False),
        ("Rina Wahyuni; Budi", False),
        ("Agus", False),
        (str(UUID(int=99)), False),
        (",", False),
    ],
)
def test_an_unknown_name_is_not_guessed_and_not_repeated(typed: str, *, decide: bool) -> None:
    with pytest.raises(Unclear) as caught:
        find_consultants(typed, COLLEAGUES)
    assert caught.value.decide is decide
    assert "Budi" not in caught.value.fault.message


def test_two_of_one_name_are_shown_by_their_ids() -> None:
    twin = Colleague(UUID(int=9), "Agus Salim, S.T.")
    with pytest.raises(Unclear) as caught:
        find_consultants("Agus Salim", [*COLLEAGUES, twin])
    assert caught.value.decide
    assert str(AGUS) in caught.value.fault.message
    assert str(twin.id) in caught.value.fault.message


@given(st.text(max_size=60))
def test_whatever_is_typed_is_somebody_or_unclear(typed: str) -> None:
    try:
        found = find_consultants(typed, COLLEAGUES)
    except Unclear:
        return
    assert found
    assert len(set(found)) == len(found)


def called(number: int, kelurahan: str = "35.76.01.1008", **changes: object) -> Called:
    told = {"status": "active", "kinds": ("umkm",), "kelurahan": kelurahan, "home_office": "35.76", **changes}
    return Called(Business(UUID(int=number), **told), "Batik Sekar")  # type: ignore[arg-type]


BLOOTO, ELSEWHERE = called(1), called(2, "35.79.01.1001")
CLOSED = called(3, status="closed", closed_on=date(2025, 1, 31))


def test_the_only_one_of_the_name_is_meant() -> None:
    assert choose_business([BLOOTO], None, DAY) == BLOOTO.business.id
    assert choose_business([CLOSED], None, DAY) == CLOSED.business.id, "the rules of sessions say that it was closed"


@pytest.mark.parametrize("kelurahan", ["Blooto", "kel. bloto, kota mojokerto", "35.76.01.1008"])
def test_the_kelurahan_tells_apart(kelurahan: str) -> None:
    assert choose_business([BLOOTO, ELSEWHERE], kelurahan, DAY) == BLOOTO.business.id


def test_one_that_was_closed_by_then_is_not_meant_where_another_was_open() -> None:
    assert choose_business([BLOOTO, CLOSED], None, DAY) == BLOOTO.business.id


@pytest.mark.parametrize(
    ("candidates", "kelurahan", "field", "decide"),
    [
        ([], None, "businesses", False),
        ([], "Blooto", "businesses", False),
        ([BLOOTO, ELSEWHERE], None, "businesses", True),
        ([BLOOTO], "Mentikan", "kelurahan", True),
        ([BLOOTO, ELSEWHERE], "Mentikan", "kelurahan", True),
        ([BLOOTO, called(4)], "Blooto", "businesses", True),
    ],
)
def test_nothing_is_guessed(candidates: list[Called], kelurahan: str | None, field: str, *, decide: bool) -> None:
    with pytest.raises(Unclear) as caught:
        choose_business(candidates, kelurahan, DAY)
    assert (caught.value.fault.field, caught.value.decide) == (field, decide)
    assert all(str(each.business.id) in caught.value.fault.message for each in candidates)


def draft(start: time | None = None, minutes: int = 60) -> SessionDraft:
    return SessionDraft(
        "35.76",
        Occupation(DAY, start, minutes, 0, 0),
        [RINA],
        [UUID(int=1)],
        Field.PRODUCTION,
        Service.BUSINESS_MENTORING,
        Channel.OFFICE_VISIT,
    )


def recorded(start: time | None = None, minutes: int = 60, who: UUID = RINA, businesses: int = 1) -> Recorded:
    return Recorded(UUID(int=77), start, minutes, {who}, {UUID(int=number) for number in range(1, businesses + 1)})


@pytest.mark.parametrize(
    ("row", "stands", "sameness"),
    [
        (draft(), recorded(), Sameness.SAME),
        (draft(time(9)), recorded(time(9)), Sameness.SAME),
        (draft(time(9)), recorded(), Sameness.SAME),
        (draft(), recorded(time(9)), Sameness.SAME),
        (draft(time(9)), recorded(time(13)), Sameness.OTHER),
        (draft(), recorded(minutes=61), Sameness.ALIKE),
        (draft(), recorded(businesses=2), Sameness.ALIKE),
        (draft(), recorded(who=AGUS), Sameness.ALIKE),
        (draft(time(9)), recorded(time(13), who=AGUS), Sameness.ALIKE),
    ],
)
def test_whether_a_row_is_a_session_that_stands(row: SessionDraft, stands: Recorded, sameness: Sameness) -> None:
    assert compare(row, stands) is sameness
