"""Offices: reference data of the province."""

import json

from shared.auth.principal import Role
from shared.postgres import Pool
from tests.integration.registry.desk import Desk


async def test_the_administrator_opens_and_changes_an_office(desk: Desk, owner_pool: Pool) -> None:
    admin = desk.at("35.76", Role.ADMINISTRATOR)
    path = "/v1/offices/35.79"
    changed = await admin.write("PATCH", path, {"name": "PLUT Batu"}, 1)
    assert (changed.status_code, changed.json()) == (200, {"code": "35.79", "revision": 2, "version": 2})
    same = await admin.write("PATCH", path, {"name": "PLUT Batu"}, 2)
    assert same.json() == {"code": "35.79", "revision": 2, "version": 2}
    stale = await admin.write("PATCH", path, {"name": "PLUT Kota Batu"}, 1)
    assert (stale.status_code, stale.json()["current_revision"]) == (412, 2)
    assert (await admin.write("PATCH", "/v1/offices/35.07", {"name": "X"}, 1)).status_code == 404
    assert (await admin.write("PATCH", path, {"name": "X"})).status_code == 428
    assert (await admin.open_office("35.79", "PLUT Batu")).status_code == 409

    rows = await owner_pool.fetch("select type, aggregate_id, version, payload from outbox order by seq")
    assert [(row["type"], row["aggregate_id"], row["version"]) for row in rows] == [
        ("OfficeOpened", "35.76", 1),
        ("OfficeOpened", "35.79", 1),
        ("OfficeChanged", "35.79", 2),
    ]
    payload = json.loads(rows[-1]["payload"])["payload"]
    assert payload == {
        "state": {"code": "35.79", "name": "PLUT Batu", "opened_on": "2023-12-09"},
        "changed": ["name"],
    }


async def test_everybody_reads_the_offices(desk: Desk) -> None:
    for role in set(Role) - {Role.PUBLIC}:
        items = (await desk.at("35.76", role).read("/v1/offices")).json()["items"]
        assert [item["code"] for item in items] == ["35.76", "35.79"]


async def test_a_wrong_office_is_refused_at_its_field(desk: Desk) -> None:
    good: dict[str, object] = {"code": "35.07", "name": "PLUT Kabupaten Malang", "opened_on": "2023-12-09"}
    for field, value in (
        ("code", "31.71"),
        ("code", "35.76.01"),
        ("code", "35"),
        ("name", " "),
        ("name", "PLUT 3576025509800001"),
        ("opened_on", "2999-01-01"),
        ("opened_on", "1900-01-01"),
        ("opened_on", 0),
        ("opened_on", None),
        ("phone", "1"),
    ):
        answer = await desk.at("35.76", Role.ADMINISTRATOR).write("POST", "/v1/offices", {**good, field: value})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_code_that_is_none_is_not_found(desk: Desk) -> None:
    admin = desk.at("35.76", Role.ADMINISTRATOR)
    for code in ("35.7", "%00", "%ff", "%ED%A0%80", "x" * 3000, "35.76%27--"):
        answer = await admin.write("PATCH", f"/v1/offices/{code}", {"name": "PLUT"}, 1)
        assert answer.status_code in (404, 422), code
    huge = await admin.write("PATCH", "/v1/offices/35.76", {"name": "PLUT"}, 10**17)
    assert huge.status_code == 412
    for blank in ({}, {"name": None}, {"opened_on": None}):
        assert (await admin.write("PATCH", "/v1/offices/35.76", blank, 1)).status_code == 422
