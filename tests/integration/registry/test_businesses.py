"""A business's life over HTTP: registered, corrected, closed, read."""

import asyncio
import json
from typing import Any

from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, business, owner, some_nib

TODAY = business_day(utc_now()).isoformat()


async def events(pool: Pool) -> list[tuple[str, int, list[str]]]:
    rows = await pool.fetch(
        "select type, version, payload->'payload'->'changed' as changed from outbox "
        "where topic = 'registry.business.v1' order by seq"
    )
    return [(row["type"], row["version"], json.loads(row["changed"])) for row in rows]


async def test_a_registered_business_is_read_masked(desk: Desk) -> None:
    nik = "3576025509801234"
    made = await desk.register(
        nib="9120 0012 34567",
        owners=[owner(nik=nik, phone="0812-3456-7890", npwp="09.254.294.3-407.000", address="Jl. Contoh 1")],
    )
    assert made.status_code == 201
    answer = made.json()
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Location"] == f"/v1/businesses/{answer['id']}"
    assert answer == {
        "id": answer["id"],
        "revision": 1,
        "version": 1,
        "office": "35.76",
        "owner_ids": answer["owner_ids"],
    }

    read = await desk.read(made.headers["Location"])
    assert read.headers["ETag"] == '"1"'
    seen = read.json()
    assert seen["nib"] == "9120001234567"
    assert seen["registered_on"] == TODAY
    assert seen["owners"] == [
        {
            "id": answer["owner_ids"][0],
            "name": "Siti Aminah",
            "nik": "************1234",
            "npwp": "***********7000",
            "phone": "**********7890",
            "address": "***",
        }
    ]
    assert (await desk.at("35.76", Role.AUDITOR).business(answer["id"]))["owners"][0]["name"] == "S. A."


async def test_an_edit_of_identity_raises_the_revision_and_tells_nobody(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered(owners=[owner(phone="081234567890")])
    person = made["owner_ids"][0]

    edited = await desk.correct(made["id"], 1, owners=[{"id": person, "phone": "085700001111"}])
    assert (edited.status_code, edited.json()["revision"], edited.json()["version"]) == (200, 2, 1)
    renamed = await desk.correct(made["id"], 2, trade_name="Batik Maja Jaya", kinds=["umkm"])
    assert (renamed.json()["revision"], renamed.json()["version"]) == (3, 2)
    numbered = await desk.correct(made["id"], 3, nib=some_nib())
    assert (numbered.json()["revision"], numbered.json()["version"]) == (4, 2)
    unchanged = await desk.correct(made["id"], 4, trade_name="Batik Maja Jaya")
    assert (unchanged.json()["revision"], unchanged.json()["version"]) == (4, 2)

    assert await events(owner_pool) == [
        ("BusinessRegistered", 1, []),
        ("BusinessCorrected", 2, ["trade_name", "kinds"]),
    ]
    assert (await desk.business(made["id"]))["owners"][0]["phone"] == "**********1111"
    trail = await owner_pool.fetch("select action, fields from audit where action not like 'read%' order by id")
    assert [(row["action"], row["fields"]) for row in trail] == [
        ("register_business", []),
        ("correct_business", ["owners"]),
        ("correct_business", ["trade_name", "kinds"]),
        ("correct_business", ["nib"]),
    ]


async def test_owners_come_and_go_and_nobody_is_kept_without_a_business(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered(owners=[owner(name="Sulastri"), owner(name="Budi Santoso")])
    first, second = made["owner_ids"]

    edited = await desk.correct(made["id"], 1, owners=[owner(name="Wahyuni"), {"id": second}])
    assert edited.status_code == 200, edited.text
    third = edited.json()["owner_ids"][0]
    names = [(each["id"], each["name"]) for each in (await desk.business(made["id"]))["owners"]]
    assert names == [(third, "Wahyuni"), (second, "Budi Santoso")]
    assert {str(row["id"]) for row in await owner_pool.fetch("select id from person")} == {second, third}
    assert await owner_pool.fetchval("select count(*) from person_key where person_id = $1::uuid", first) == 0


async def test_an_old_revision_is_refused_with_both_numbers(desk: Desk) -> None:
    made = await desk.registered()
    await desk.correct(made["id"], 1, trade_name="Batik Baru")

    for answer in (
        await desk.correct(made["id"], 1, trade_name="Batik Lain"),
        await desk.close(made["id"], 1, TODAY),
    ):
        assert answer.status_code == 412
        assert (answer.json()["seen_revision"], answer.json()["current_revision"]) == (1, 2)
    missing = await desk.write("PATCH", f"/v1/businesses/{made['id']}", {"trade_name": "Batik Lain"})
    assert missing.status_code == 428


async def test_a_closed_business_stays_as_it_is(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered()

    assert (await desk.close(made["id"], 1, "2020-01-01")).status_code == 422
    assert (await desk.close(made["id"], 1, "2999-01-01")).status_code == 422
    assert (await desk.close(made["id"], 1, TODAY, reason="bosan")).status_code == 422
    closed = await desk.close(made["id"], 1, TODAY)
    assert (closed.status_code, closed.json()["revision"], closed.json()["version"]) == (200, 2, 2)
    assert (await desk.close(made["id"], 2, TODAY)).status_code == 409
    assert (await desk.correct(made["id"], 2, trade_name="Batik Baru")).status_code == 409
    assert (await desk.business(made["id"]))["status"] == "closed"
    assert (await events(owner_pool))[-1] == ("BusinessClosed", 2, ["status", "closed_on"])


async def test_the_same_key_gives_the_same_answer_once(desk: Desk, owner_pool: Pool) -> None:
    body, key = business(), str(new_id())
    first = await desk.write("POST", "/v1/businesses", body, key=key)
    again = await desk.write("POST", "/v1/businesses", body, key=key)
    other = await desk.write("POST", "/v1/businesses", {**body, "trade_name": "Lain"}, key=key)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await owner_pool.fetchval("select count(*) from business") == 1


async def test_a_list_turns_page_by_page(desk: Desk) -> None:
    made = [(await desk.registered())["id"] for _ in range(5)]
    await desk.at("35.79").registered()
    await desk.close(made[0], 1, TODAY)

    async def pages(query: str) -> list[str]:
        ids: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page: dict[str, Any] = (await desk.read(f"/v1/businesses?limit=2{query}{cursor}")).json()
            ids += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        return ids

    assert await pages("") == made
    assert await pages("&office=35.76&status=active") == made[1:]
    assert await pages("&status=closed") == made[:1]


async def test_a_wrong_filter_is_refused(desk: Desk) -> None:
    for query, status in {
        "?office=35.79": 403,
        "?office=99.99": 403,
        "?limit=0": 422,
        "?limit=201": 422,
        "?limit=ten": 422,
        "?status=open": 422,
        "?cursor=abc": 400,
        "?kantor=35.76": 422,
    }.items():
        answer = await desk.read(f"/v1/businesses{query}")
        assert answer.status_code == status, query
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_closed_business_is_opened_again_by_the_head(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered()
    path = f"/v1/businesses/{made['id']}/reopening"
    assert (await desk.write("POST", path, {"reason": "resumed"}, 1)).status_code == 409
    await desk.close(made["id"], 1, TODAY)
    clerk = desk.at("35.76", Role.FRONT_DESK)
    assert (await clerk.write("POST", path, {"reason": "resumed"}, 2)).status_code == 403
    assert (await desk.write("POST", path, {"reason": "bosan"}, 2)).status_code == 422

    answers = await asyncio.gather(*(desk.write("POST", path, {"reason": "resumed"}, 2) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5, "opened once"
    seen = await desk.business(made["id"])
    assert (seen["status"], seen["closed_on"], seen["closing_reason"]) == ("active", None, None)
    assert (await events(owner_pool))[-1] == ("BusinessReopened", 3, ["status", "closed_on"])
    trail = await owner_pool.fetch("select action, reason from audit where action = 'reopen_business'")
    assert [tuple(row) for row in trail] == [("reopen_business", "resumed")]
    assert (await desk.correct(made["id"], 3, trade_name="Batik Baru")).status_code == 200


async def test_would_be_entrepreneurs_are_numbered_by_office_without_gaps(desk: Desk, owner_pool: Pool) -> None:
    person = {"trade_name": None, "kinds": ["prospective"]}
    answers = await asyncio.gather(*(desk.register(**person) for _ in range(6)), desk.at("35.79").register(**person))
    assert {answer.status_code for answer in answers} == {201}
    assert (await desk.register(**person, kelurahan="Antah Berantah")).status_code == 422
    last = await desk.registered(**person)
    assert (await desk.business(last["id"]))["trade_name"] == "Calon wirausaha 35.76-000007"
    names = await owner_pool.fetch("select trade_name from business order by trade_name")
    labels = [f"Calon wirausaha 35.76-{number:06d}" for number in range(1, 8)] + ["Calon wirausaha 35.79-000001"]
    assert [row["trade_name"] for row in names] == labels
    grown = await desk.correct(last["id"], 1, trade_name="Batik Tumbuh", kinds=["umkm"])
    assert (grown.status_code, (await desk.business(last["id"]))["kinds"]) == (200, ["umkm"])
    assert (await events(owner_pool))[-1] == ("BusinessCorrected", 2, ["trade_name", "kinds"])


async def test_figures_are_for_the_staff_of_the_home_office_alone(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered(
        capital="Rp 50.000.000", annual_sales="1,2 M", kbli=[{"code": "13134", "version": "2020"}]
    )
    seen = await desk.business(made["id"])
    assert (seen["capital"], seen["annual_sales"]) == (50_000_000, 1_200_000_000)
    assert seen["kbli"] == [{"code": "13134", "version": "2020"}]
    masked = await desk.at("35.76", Role.AUDITOR).business(made["id"])
    assert (masked["capital"], masked["annual_sales"]) == (None, None)
    changed = await desk.correct(made["id"], 1, capital=None, annual_sales="0", kbli=[])
    assert (changed.json()["revision"], changed.json()["version"]) == (2, 1)
    after = await desk.business(made["id"])
    assert (after["capital"], after["annual_sales"], after["kbli"]) == (None, 0, [])
    told = await owner_pool.fetchval("select string_agg(payload::text, '') from outbox")
    assert "50000000" not in told
    assert "capital" not in told
    assert "capital" not in (await desk.read("/v1/businesses")).text
