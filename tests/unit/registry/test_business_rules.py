"""Rules of businesses and offices, without a database."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain import business as rules
from services.registry.domain import office as offices
from services.registry.domain.business import Business, Status
from services.registry.domain.forms import (
    MOST_OWNERS,
    BusinessCorrection,
    BusinessForm,
    Closure,
    KbliVersion,
    Kind,
    OfficeCorrection,
    OfficeForm,
    OwnerForm,
)
from services.registry.domain.owners import Owner
from shared.http.problem import Problem
from shared.ids import new_id
from shared.privacy.identity import Nik, PersonName, Phone

TODAY = date(2026, 11, 21)
NIK = "3576025509800001"
PERSON = new_id()


def form(**changes: Any) -> BusinessForm:
    body = {
        "office": "35.76",
        "trade_name": "Batik Maja Sejahtera",
        "kinds": ["umkm"],
        "kelurahan": "35.76.02.1001",
        "owners": [{"name": "Siti Aminah", "nik": NIK}],
        **changes,
    }
    return BusinessForm.model_validate(body)


def business(**changes: Any) -> Business:
    return rules.register(form(**changes), new_id(), TODAY).business


def known() -> dict[Any, Owner]:
    return {PERSON: Owner(PersonName("Siti Aminah"), Nik(NIK), phone=Phone("+628123456789"))}


def fields_of(problem: pytest.ExceptionInfo[Problem]) -> list[str]:
    return [error.field for error in problem.value.errors]


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = form(
        trade_name=" \t ",
        kinds=["umkm", "umkm"],
        kelurahan="35.76.99.1001",
        nib="12",
        cooperative_number="3576010020001",
        owners=[
            {"name": "\u202eAminah", "nik": "1", "npwp": "2", "phone": "3", "address": ""},
            {"name": "Budi", "nik": NIK},
            {"name": "Budi", "nik": "3576 0255 0980 0001"},
        ],
    )
    with pytest.raises(Problem) as wrong:
        rules.register(bad, new_id(), TODAY)
    assert wrong.value.status == 422
    business_fields = {"trade_name", "kinds", "kelurahan", "nib", "cooperative_number"}
    owner_fields = {f"owners.0.{field}" for field in ("name", "nik", "npwp", "phone", "address")}
    assert set(fields_of(wrong)) == business_fields | owner_fields | {"owners.2.nik"}
    assert all(error.message and error.cure for error in wrong.value.errors)
    told = f"{wrong.value.detail} {wrong.value.cure} {wrong.value.errors}"
    assert NIK not in told


@pytest.mark.parametrize("name", ["Batik 3576025509800001", "3576 0255 0980 0001", "a\u200fb", "\x00", "😀"])
def test_a_trade_name_that_would_leak_or_deceive_is_refused(name: str) -> None:
    with pytest.raises(Problem) as wrong:
        business(trade_name=name)
    assert fields_of(wrong) == ["trade_name"]


@pytest.mark.parametrize("name", ["Batik 👩‍🎨 Maja", "باتيك مجا", "バティック", "Toko 99", "  Batik \n Maja "])
def test_a_trade_name_may_be_in_any_script(name: str) -> None:
    assert business(trade_name=name).trade_name == " ".join(name.split())


@given(st.text(max_size=120))
def test_any_text_is_stored_cleanly_or_refused(name: str) -> None:
    try:
        stored = business(trade_name=name).trade_name
    except Problem:
        return
    stored.encode()
    assert stored == " ".join(stored.split())
    assert business(trade_name=stored).trade_name == stored
    assert "\x00" not in stored


def test_the_public_state_holds_no_number_that_leads_to_a_person() -> None:
    state = business(nib="9120001234567").state().model_dump_json()
    assert "9120001234567" not in state
    assert NIK not in state


kinds = st.lists(st.sampled_from(sorted(set(Kind) - {Kind.PROSPECTIVE})), min_size=1, unique=True)
texts = st.sampled_from(["Batik Maja", "Batik Jaya", "Sepatu Wates"])
places = st.sampled_from(["35.76.02.1001", "35.76.01.1008"])


@given(before=st.tuples(texts, kinds, places), after=st.tuples(texts, kinds, places))
def test_changed_names_just_what_differs(
    before: tuple[str, list[Kind], str], after: tuple[str, list[Kind], str]
) -> None:
    fields = ("trade_name", "kinds", "kelurahan")
    old = business(**dict(zip(fields, before, strict=True)))
    correction = BusinessCorrection.model_validate(dict(zip(fields, after, strict=True)))
    outcome = rules.correct(old, known(), correction)
    differing = [field for field in fields if getattr(outcome.business, field) != getattr(old, field)]
    assert outcome.public == outcome.fields == differing
    assert outcome.business.revision == old.revision + bool(differing)
    assert outcome.business.version == old.version + bool(differing)
    if differing:
        again = rules.correct(outcome.business, known(), correction)
        assert again.fields == [], "a correction made twice changes nothing the second time"


def test_what_is_private_raises_the_revision_only() -> None:
    old = business()
    for correction in ({"nib": "9120001234567"}, {"owners": [{"id": PERSON, "phone": None}]}):
        outcome = rules.correct(old, known(), BusinessCorrection.model_validate(correction))
        assert outcome.fields == list(correction)
        assert outcome.public == []
        assert (outcome.business.revision, outcome.business.version) == (2, 1)


def test_an_owner_is_corrected_field_by_field() -> None:
    correction = BusinessCorrection.model_validate({"owners": [{"id": PERSON, "name": "Siti Aminah, S.E."}]})
    owners = rules.correct(business(), known(), correction).owners
    assert owners == [Owner(PersonName("Siti Aminah, S.E."), Nik(NIK), phone=Phone("+628123456789"))]
    same = BusinessCorrection.model_validate({"owners": [{"id": PERSON, "phone": "08123456789"}]})
    assert rules.correct(business(), known(), same).owners is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"trade_name": None}, "trade_name"),
        ({"owners": None}, "owners"),
        ({"owners": [{}]}, "owners.0.nik"),
        ({"owners": [{"nik": "3576025509800002"}]}, "owners.0.name"),
        ({"owners": [{"id": str(new_id())}]}, "owners.0.id"),
        ({"owners": [{"id": str(PERSON), "nik": NIK}]}, "owners.0.id"),
        ({"owners": [{"id": str(PERSON)}, {"id": str(PERSON)}]}, "owners.1.nik"),
        ({"owners": [{"id": str(PERSON)}, {"nik": NIK, "name": "Budi"}]}, "owners.1.nik"),
        ({"cooperative_number": "3576010020001"}, "cooperative_number"),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as wrong:
        rules.correct(business(), known(), BusinessCorrection.model_validate(body))
    assert (wrong.value.status, fields_of(wrong)) == (422, [field])


def test_a_business_closes_once_and_not_before_it_began() -> None:
    old = business()
    closed = rules.close(old, Closure.model_validate({"closed_on": "2026-11-21", "reason": "ceased"}), TODAY)
    assert (closed.status, closed.closed_on, closed.revision, closed.version) == (Status.CLOSED, TODAY, 2, 2)
    with pytest.raises(Problem) as again:
        rules.close(closed, Closure.model_validate({"closed_on": "2026-11-21", "reason": "ceased"}), TODAY)
    assert again.value.status == 409
    with pytest.raises(Problem) as corrected:
        rules.correct(closed, known(), BusinessCorrection.model_validate({"trade_name": "Lain"}))
    assert corrected.value.status == 409
    for day in (TODAY + timedelta(days=1), TODAY - timedelta(days=1)):
        with pytest.raises(Problem) as wrong:
            rules.close(old, Closure.model_validate({"closed_on": day.isoformat(), "reason": "ceased"}), TODAY)
        assert (wrong.value.status, fields_of(wrong)) == (422, ["closed_on"])


def test_an_office_stands_in_the_province_and_has_opened() -> None:
    good = OfficeForm.model_validate({"code": "35.76", "name": "PLUT  Kota Mojokerto", "opened_on": "2023-12-09"})
    assert offices.open_office(good, TODAY) == offices.Office("35.76", "PLUT Kota Mojokerto", date(2023, 12, 9))
    bad = OfficeForm.model_validate({"code": "31.71", "name": "", "opened_on": "2026-11-22"})
    with pytest.raises(Problem) as wrong:
        offices.open_office(bad, TODAY)
    assert fields_of(wrong) == ["code", "name", "opened_on"]


def test_an_office_changes_or_it_does_not() -> None:
    office = offices.Office("35.76", "PLUT", date(2023, 12, 9))
    change = OfficeCorrection.model_validate({"name": "PLUT Maja Citra Kinarya"})
    changed, fields = offices.change_office(office, change, TODAY)
    assert (fields, changed.revision, changed.version) == (["name"], 2, 2)
    assert offices.change_office(changed, change, TODAY) == (changed, [])


def test_printing_a_form_or_an_owner_shows_nobody() -> None:
    printed = f"{form()!r} {form()} {rules.register(form(), new_id(), TODAY)!r}"
    for secret in (NIK, "Siti", "Aminah"):
        assert secret not in printed
    assert repr(OwnerForm(name="Siti", nik=NIK)) == "OwnerForm('name', 'nik')"


def test_the_number_of_owners_is_bounded() -> None:
    owners = [{"name": "Budi", "nik": f"357602550980{place:04d}"} for place in range(1, MOST_OWNERS + 2)]
    with pytest.raises(ValueError, match="too_long"):
        form(owners=owners)


def prospective(**changes: Any) -> Business:
    fields = {"trade_name": None, "kinds": ["prospective"], **changes}
    return rules.labelled(business(**fields), 123)


def corrected(old: Business, **changes: Any) -> Business:
    return rules.correct(old, known(), BusinessCorrection.model_validate(changes)).business


def test_a_would_be_entrepreneur_goes_by_a_number() -> None:
    state = prospective().state()
    assert (state.trade_name, state.kinds) == ("Calon wirausaha 35.76-000123", ["prospective"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trade_name": "Batik Maja", "kinds": ["prospective"]}, "trade_name"),
        ({"trade_name": None, "kinds": ["umkm"]}, "trade_name"),
        ({"trade_name": None, "kinds": ["prospective", "umkm"]}, "kinds"),
        ({"trade_name": None, "kinds": ["prospective"], "nib": "9120001234567"}, "nib"),
        ({"trade_name": None, "kinds": ["prospective"], "cooperative_number": "3576010020001"}, "cooperative_number"),
    ],
)
def test_what_a_would_be_entrepreneur_is_not_yet_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as wrong:
        business(**changes)
    assert fields_of(wrong) == [field]


def test_becoming_a_business_takes_a_name_and_a_kind() -> None:
    grown = corrected(prospective(), trade_name="Batik Maja", kinds=["umkm", "ikm"], nib="9120001234567")
    assert (grown.trade_name, grown.kinds, grown.version) == ("Batik Maja", (Kind.UMKM, Kind.IKM), 2)
    moved = corrected(prospective(), kelurahan="35.76.01.1008")
    assert moved.trade_name == "Calon wirausaha 35.76-000123"
    for old, changes, field in (
        (prospective(), {"kinds": ["umkm"]}, "trade_name"),
        (prospective(), {"trade_name": "Batik Maja"}, "trade_name"),
        (grown, {"kinds": ["prospective"]}, "kinds"),
    ):
        with pytest.raises(Problem) as wrong:
            corrected(old, **changes)
        assert fields_of(wrong) == [field] or (field == "kinds" and fields_of(wrong) == ["kinds", "nib"])


def test_a_cooperative_is_registered_with_its_board() -> None:
    board = [{"name": f"Pengurus {n}", "nik": f"357602550980000{n}"} for n in (1, 2, 3)]
    made = rules.register(
        form(kinds=["cooperative"], cooperative_number="3576010020001", owners=board), new_id(), TODAY
    )
    assert [str(owner.nik)[-1] for owner in made.owners] == ["1", "2", "3"]


def test_the_old_code_of_a_kelurahan_and_its_name_are_read_and_said() -> None:
    for typed, code in {"35.76.01.1002": "35.76.03.1002", "Kel. Blooto, Kota Mojokerto": "35.76.01.1008"}.items():
        made = rules.register(form(kelurahan=typed), new_id(), TODAY)
        assert made.business.kelurahan == code
        assert [(warning.field, code in warning.message) for warning in made.warnings] == [("kelurahan", True)]
    with pytest.raises(Problem) as wrong:
        business(kelurahan="Ngaglik")
    assert fields_of(wrong) == ["kelurahan"]
    assert "35.79.01.1002" in wrong.value.errors[0].cure


def test_a_name_of_several_places_is_the_office_s_own() -> None:
    made = rules.register(form(kelurahan="Kauman"), new_id(), TODAY)
    assert made.business.kelurahan == "35.76.01.1004"
    assert "Kauman, Kec. Prajuritkulon, Kota Mojokerto" in made.warnings[0].message
    assert corrected(business(), kelurahan="Wates").kelurahan == "35.76.02.1010"


def test_amounts_are_typed_in_rupiah_and_stay_private() -> None:
    made = business(capital="50 jt", annual_sales="1,2 M", kbli=[{"code": "13134", "version": "2020"}])
    assert (made.capital, made.annual_sales) == (50_000_000, 1_200_000_000)
    assert made.kbli == (rules.Activity("13134", KbliVersion.V2020),)
    assert not {"50000000", "1200000000", "13134"} & set(str(made.state().model_dump().values()).split("'"))
    cleared = rules.correct(made, known(), BusinessCorrection.model_validate({"capital": None, "annual_sales": "0"}))
    assert (cleared.business.capital, cleared.business.annual_sales) == (None, 0), "unknown is not nothing"
    assert (cleared.fields, cleared.public) == (["capital", "annual_sales"], [])
    with pytest.raises(Problem) as wrong:
        business(capital="-5", annual_sales="tidak tahu", kbli=[{"code": "1", "version": "2025"}])
    assert set(fields_of(wrong)) == {"capital", "annual_sales", "kbli.0.code"}
    twice = [{"code": "13134", "version": "2020"}] * 2
    with pytest.raises(Problem) as repeated:
        business(kbli=twice)
    assert fields_of(repeated) == ["kbli.1.code"]


def test_a_closed_business_opens_once() -> None:
    closed = rules.close(business(), Closure.model_validate({"closed_on": "2026-11-21", "reason": "ceased"}), TODAY)
    opened = rules.reopen(closed)
    assert opened == replace(business(), id=closed.id, revision=3, version=3)
    with pytest.raises(Problem) as again:
        rules.reopen(opened)
    assert again.value.status == 409
