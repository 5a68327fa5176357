"""Bad input: a 4xx problem that names the field in Bahasa, never a 500, never a half-done write."""

import json
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.ids import new_id
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, business, owner

ARABIC_NIK = "".join(chr(0x0660 + int(digit)) for digit in "3576025509800001")
UGLY: list[tuple[dict[str, Any], str]] = [
    ({"trade_name": ""}, "trade_name"),
    ({"trade_name": "x" * 121}, "trade_name"),
    ({"trade_name": "x" * 500_000}, "trade_name"),
    ({"trade_name": "\u202eBatik"}, "trade_name"),
    ({"trade_name": "Batik\x07"}, "trade_name"),
    ({"trade_name": "Batik\ud800"}, "trade_name"),
    ({"trade_name": 7}, "trade_name"),
    ({"trade_name": "Batik 3576025509801234"}, "trade_name"),
    ({"kinds": []}, "kinds"),
    ({"kinds": ["bank"]}, "kinds.0"),
    ({"kinds": ["umkm", "umkm"]}, "kinds"),
    ({"kinds": "umkm"}, "kinds"),
    ({"kelurahan": "35.76"}, "kelurahan"),
    ({"kelurahan": "35.76.99.9999"}, "kelurahan"),
    ({"kelurahan": 3576021001}, "kelurahan"),
    ({"nib": "123"}, "nib"),
    ({"nib": "912000123456\u0667"}, "nib"),
    ({"nib": 9120001234567}, "nib"),
    ({"cooperative_number": "3576010020001"}, "cooperative_number"),
    ({"owners": []}, "owners"),
    ({"owners": [owner() for _ in range(21)]}, "owners"),
    ({"owners": [owner() for _ in range(1000)]}, "owners"),
    ({"owners": [owner(nik="3576025509800007"), owner(nik="3576 0255 0980 0007")]}, "owners.1.nik"),
    ({"owners": [owner(nik=ARABIC_NIK)]}, "owners.0.nik"),
    ({"owners": [owner(nik="3576023202800001")]}, "owners.0.nik"),
    ({"owners": [owner(nik=3576025509800001)]}, "owners.0.nik"),
    ({"owners": [owner(phone="nanti")]}, "owners.0.phone"),
    ({"owners": [owner(npwp="1")]}, "owners.0.npwp"),
    ({"owners": [owner(address="\u200b")]}, "owners.0.address"),
    ({"owners": [{"name": "Budi"}]}, "owners.0.nik"),
    ({"owners": [owner(email="a@b.c")]}, "owners.0.email"),
    ({"owners": {"name": "Budi"}}, "owners"),
    ({"registered_on": "2020-01-01"}, "registered_on"),
]


async def test_ugly_input_is_refused_at_its_field(desk: Desk, owner_pool: Pool) -> None:
    for changes, field in UGLY:
        answer = await post(desk, json.dumps(business(**changes)))
        case = f"{str(changes)[:100]} → {answer.text[:500]}"
        assert answer.status_code == 422, case
        assert answer.headers["Content-Type"] == "application/problem+json", case
        errors = answer.json()["errors"]
        assert [error["field"] for error in errors] == [field], case
        assert all(error["message"] and error["cure"] for error in errors), case
        for typed in niks_of(changes):
            assert typed not in answer.text
    for table in ("business", "person", "person_key", "audit"):
        assert await owner_pool.fetchval(f"select count(*) from {table}") == 0
    assert await owner_pool.fetchval("select count(*) from accepted_command") == 2, "the two offices only"


def niks_of(changes: dict[str, Any]) -> list[str]:
    owners = changes.get("owners", [])
    return [str(each["nik"]) for each in owners if "nik" in each] if isinstance(owners, list) else []


async def post(desk: Desk, content: str) -> httpx.Response:
    headers = {**desk.bearer(), "Idempotency-Key": str(new_id()), "Content-Type": "application/json"}
    return await desk.client.post("/v1/businesses", content=content, headers=headers)


async def test_what_is_no_form_is_refused(desk: Desk) -> None:
    forms = {"": 422, "{": 400, "null": 422, "[]": 422, '"x"': 422, "1e999": 422, '{"office": "35.76\\u0000"}': 422}
    for content, status in forms.items():
        answer = await post(desk, content)
        assert answer.status_code == status, (content, answer.text)


async def test_an_office_that_is_not_registered_takes_nobody(desk: Desk, owner_pool: Pool) -> None:
    kept = (
        "select (select count(*) from outbox) + (select count(*) from accepted_command) + (select count(*) from person)"
    )
    before = await owner_pool.fetchval(kept)
    answer = await desk.at("35.07").register()
    assert await owner_pool.fetchval(kept) == before, "no event, no answer, no person"
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["office"]


async def test_a_closure_in_the_future_or_past_is_refused(desk: Desk) -> None:
    made = await desk.registered()
    for body in (
        {"closed_on": "2999-01-01", "reason": "ceased"},
        {"closed_on": "2000-01-01", "reason": "ceased"},
        {"closed_on": "2026-13-01", "reason": "ceased"},
        {"closed_on": 1763683200, "reason": "ceased"},
        {"closed_on": "2026-11-21"},
        {"closed_on": "2026-11-21", "reason": "karena NIK 3576025509801234"},
    ):
        answer = await desk.write("POST", f"/v1/businesses/{made['id']}/closure", body, 1)
        assert answer.status_code == 422, answer.text
        assert "3576025509801234" not in answer.text


async def test_an_id_that_is_none_is_refused(desk: Desk) -> None:
    for business_id in ("1", "x" * 300, "00000000-0000-0000-0000-00000000000g", "%00", "%ff"):
        assert (await desk.read(f"/v1/businesses/{business_id}")).status_code in (404, 422), business_id


async def test_odd_numbers_are_accepted_with_a_warning(desk: Desk) -> None:
    made = await desk.registered(owners=[owner(nik="0176025509800001", npwp="09.254.294.4-407.000")])
    assert [warning["field"] for warning in made["warnings"]] == ["owners.0.nik", "owners.0.npwp"]
    assert "0176" not in json.dumps(made["warnings"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(list(business()))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(fields, json_values, min_size=1, max_size=2))
async def test_no_value_breaks_a_registration(desk: Desk, changes: dict[str, Any]) -> None:
    answer = await post(desk, json.dumps(business() | changes))
    assert answer.status_code in (201, 400, 403, 422), answer.text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(fields, json_values, max_size=2))
async def test_no_value_breaks_a_correction(desk: Desk, changes: dict[str, Any]) -> None:
    made = await desk.registered()
    headers = {**desk.bearer(), "Idempotency-Key": str(new_id()), "Content-Type": "application/json", "If-Match": '"1"'}
    path = f"/v1/businesses/{made['id']}"
    answer = await desk.client.patch(path, content=json.dumps(changes), headers=headers)
    assert answer.status_code in (200, 400, 422), answer.text
