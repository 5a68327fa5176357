"""Identity in clear: with a role, with a reason, and never without a line in the trail."""

from typing import Any

import httpx
import pytest

from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool, transaction
from tests.integration.registry.desk import Desk, owner, some_nik

REASON = "Menelepon pemilik untuk jadwal pendampingan"
TODAY = business_day(utc_now()).isoformat()


async def disclose(desk: Desk, made: dict[str, Any], *fields: str, reason: str = REASON) -> httpx.Response:
    path = f"/v1/businesses/{made['id']}/owners/{made['owner_ids'][0]}/disclosure"
    return await desk.client.post(path, json={"reason": reason, "fields": list(fields)}, headers=desk.bearer())


@pytest.mark.parametrize("role", list(Role))
async def test_it_is_shown_to_whom_it_serves_and_written_down(desk: Desk, owner_pool: Pool, role: Role) -> None:
    nik = some_nik()
    made = await desk.registered(owners=[owner(nik=nik, phone="0812-3456-7890")])
    answer = await disclose(desk.at("35.76", role), made, "nik", "phone", "npwp")
    trail = await owner_pool.fetch("select actor, person, fields, reason from audit where action = 'disclose_owner'")
    if role not in (Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD):
        assert (answer.status_code, trail) == (403, [])
        return
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"nik": nik, "phone": "+6281234567890", "npwp": None}
    assert answer.headers["Cache-Control"] == "no-store"
    [line] = trail
    assert (line["actor"], str(line["person"])) == (f"stf-{role}-35.76", made["owner_ids"][0])
    assert (line["fields"], line["reason"]) == (["nik", "npwp", "phone"], REASON)


async def test_without_its_line_nothing_is_shown(desk: Desk, owner_pool: Pool) -> None:
    nik = some_nik()
    made = await desk.registered(owners=[owner(nik=nik)])
    await owner_pool.execute("alter table audit add constraint full_disk check (action <> 'disclose_owner') not valid")
    answer = await disclose(desk, made, "nik")
    assert answer.status_code == 500
    assert nik not in answer.text


async def test_nothing_of_it_is_kept(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered(owners=[owner(phone="081211112222", address="Gang Kenari 5")])
    kept = await owner_pool.fetchval("select count(*) from accepted_command")
    for _ in range(2):
        assert (await disclose(desk, made, "phone", "address")).json()["address"] == "Gang Kenari 5"
    assert await owner_pool.fetchval("select count(*) from accepted_command") == kept
    assert await owner_pool.fetchval("select count(*) from audit where action = 'disclose_owner'") == 2


async def test_a_wrong_question_is_refused_and_shows_nothing(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered()
    stranger = {**made, "owner_ids": [str(new_id())]}
    for answer, status in (
        (await disclose(desk, made, "nik", reason="pendek"), 422),
        (await disclose(desk, made, "nik", reason="NIK 3576025509801234 salah"), 422),
        (await disclose(desk, made), 422),
        (await disclose(desk, made, "name"), 422),
        (await disclose(desk, stranger, "nik"), 404),
        (await disclose(desk.at("35.79"), made, "nik"), 404),
    ):
        assert answer.status_code == status, answer.text
        assert "3576025509801234" not in answer.text
    assert await owner_pool.fetchval("select count(*) from audit where action = 'disclose_owner'") == 0


async def test_a_read_with_names_leaves_a_line_and_one_without_does_not(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered()
    await desk.at("35.76", Role.AUDITOR).business(made["id"])
    await desk.at("35.76", Role.CONSULTANT).business(made["id"])
    await desk.read("/v1/businesses")
    await desk.at("35.79").read(f"/v1/businesses/{made['id']}")
    trail = await owner_pool.fetch("select actor, fields, office from audit where action = 'read_business'")
    assert [tuple(line) for line in trail] == [("stf-consultant-35.76", ["owners.name"], "35.76")]


async def test_the_trail_is_read_by_head_and_auditor_of_the_office(desk: Desk, pool: Pool) -> None:
    made = await desk.registered()
    await disclose(desk.at("35.76", Role.FRONT_DESK), made, "nik")
    await desk.at("35.79").registered()
    for role in Role:
        answer = await desk.at("35.76", role).read("/v1/audit?office=35.76")
        assert answer.status_code == (200 if role in (Role.OFFICE_HEAD, Role.AUDITOR) else 403), role
    lines = (await desk.read("/v1/audit")).json()["items"]
    assert [line["action"] for line in lines] == ["disclose_owner", "register_business"]
    assert (lines[0]["reason"], lines[0]["person"]) == (REASON, made["owner_ids"][0])
    assert {line["office"] for line in lines} == {"35.76"}
    async with transaction(pool, ["35.79"]) as connection:
        assert await connection.fetchval("select count(*) from audit where office = '35.76'") == 0


async def test_the_trail_is_asked_by_day_and_turned_page_by_page(desk: Desk) -> None:
    made = await desk.registered()
    for _ in range(4):
        await disclose(desk, made, "nik")

    async def actions(query: str) -> list[str]:
        answer = await desk.read(f"/v1/audit?{query}")
        assert answer.status_code == 200, answer.text
        return [line["action"] for line in answer.json()["items"]]

    assert len(await actions(f"from={TODAY}&to={TODAY}")) == 5
    assert await actions("to=2020-01-01") == await actions("from=2999-01-01") == []
    assert await actions("from=9999-12-31&to=0001-01-01") == []
    assert len(await actions("from=0001-01-01&to=9999-12-31")) == 5
    assert len(await actions(f"subject={made['id']}&office=35.76")) == 5
    for subject in ("", f"&subject={made['id']}"):
        found = 0
        cursor: str | None = ""
        while cursor is not None:
            page = (await desk.read(f"/v1/audit?limit=2{subject}{cursor}")).json()
            found, cursor = found + len(page["items"]), page["next_cursor"] and f"&cursor={page['next_cursor']}"
        assert found == 5
    for query in ("office=35.79", "from=kemarin", "subject=1", "kantor=35.76"):
        assert (await desk.read(f"/v1/audit?{query}")).status_code in (403, 422)
