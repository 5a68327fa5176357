"""A business moves when both heads agree, and takes its history with it."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest

from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, owner

TODAY = business_day(utc_now()).isoformat()
REASON = "Pindah domisili usaha"


async def propose(desk: Desk, business: str, to: str = "35.79", reason: str = REASON) -> httpx.Response:
    return await desk.write("POST", f"/v1/businesses/{business}/moves", {"to_office": to, "reason": reason})


async def proposed(desk: Desk, business: str) -> str:
    answer = await propose(desk, business)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def accept(desk: Desk, move: str, revision: int = 1) -> httpx.Response:
    return await desk.write("POST", f"/v1/moves/{move}/acceptance", None, revision)


async def refuse(desk: Desk, move: str) -> httpx.Response:
    return await desk.write("POST", f"/v1/moves/{move}/refusal", None)


async def moves(desk: Desk, query: str = "") -> list[dict[str, Any]]:
    answer = await desk.read(f"/v1/moves{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize("proposing", ["35.76", "35.79"])
async def test_either_head_proposes_and_the_other_accepts(desk: Desk, owner_pool: Pool, proposing: str) -> None:
    here, there = desk, desk.at("35.79")
    asks, answers = (here, there) if proposing == "35.76" else (there, here)
    made = await here.registered(
        trade_name="Batik Canting", owners=[owner(name="Sulastri", phone="081234567890"), owner()]
    )
    move = await proposed(asks, made["id"])
    for head in (here, there):
        [seen] = await moves(head, f"?office={head.office}&state=proposed")
        assert (seen["id"], seen["proposed_by"], seen["reason"]) == (move, proposing, REASON)
        assert (seen["business"]["trade_name"], seen["business"]["revision"]) == ("Batik Canting", 1)
        assert "Sulastri" not in str(seen)
    assert (await there.read(f"/v1/businesses/{made['id']}")).status_code == 404

    assert (await accept(asks, move)).status_code == 403
    accepted = await accept(answers, move)
    assert accepted.status_code == 200, accepted.text
    assert (accepted.json()["state"], accepted.json()["revision"], accepted.json()["version"]) == ("accepted", 2, 2)

    assert (await here.read(f"/v1/businesses/{made['id']}")).status_code == 404
    moved = await there.business(made["id"])
    assert (moved["office"], moved["owners"][0]["name"]) == ("35.79", "Sulastri")
    assert moved["owners"][0]["phone"] == "**********7890", "what was sealed before opens in the new home"
    assert (await there.correct(made["id"], 2, trade_name="Batik Batu")).status_code == 200
    told = await owner_pool.fetchrow(
        "select type, version, payload->>'office' as office, payload#>>'{payload,state,home_office}' as home, "
        "payload#>>'{payload,changed}' as changed from outbox where type = 'BusinessMoved'"
    )
    assert told is not None
    assert tuple(told) == ("BusinessMoved", 2, "35.79", "35.79", '["home_office"]')
    assert await owner_pool.fetchval("select count(distinct office) from business_owner") == 1
    assert REASON not in await owner_pool.fetchval("select string_agg(payload::text, '') from outbox")


async def test_who_registered_it_stays_whichever_office_it_moves_to(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered()
    route = ["35.79", "35.76", "35.79"]
    for revision, (before, after) in enumerate(pairwise([desk.office, *route]), 1):
        answer = await propose(desk.at(before), made["id"], after)
        assert (await accept(desk.at(after), answer.json()["id"], revision)).status_code == 200
    there = desk.at("35.79")
    await there.correct(made["id"], 4, trade_name="Batik Batu")
    await there.close(made["id"], 5, TODAY)
    await there.write("POST", f"/v1/businesses/{made['id']}/reopening", {"reason": "resumed"}, 6)
    told = await owner_pool.fetch(
        "select payload #>> '{payload,state,registered_by}' as registered_by, "
        "payload #>> '{payload,state,home_office}' as home from outbox where aggregate_id = $1 order by version",
        made["id"],
    )
    assert [row["home"] for row in told] == ["35.76", *route, "35.79", "35.79", "35.79"]
    assert {row["registered_by"] for row in told} == {"35.76"}


async def test_the_trail_moves_along_and_stays_where_it_was(desk: Desk) -> None:
    made = await desk.registered()
    there = desk.at("35.79")
    await accept(there, await proposed(desk, made["id"]))
    path = f"/v1/audit?subject={made['id']}"
    trail = [(line["action"], line["office"]) for line in (await there.read(path)).json()["items"]]
    assert set(trail) == {
        ("move_business", "35.79"),
        ("move_business", "35.76"),
        ("propose_move", "35.76"),
        ("register_business", "35.76"),
    }
    before = [(line["action"], line["office"]) for line in (await desk.read(path)).json()["items"]]
    assert before == [(action, office) for action, office in trail if office == "35.76"]
    assert (await desk.at("35.04").read(path)).json()["items"] == []


async def test_there_is_one_open_proposal_and_it_can_be_declined(desk: Desk) -> None:
    made = await desk.registered()
    there = desk.at("35.79")
    answers = await asyncio.gather(*(propose(who, made["id"]) for who in (desk, there) * 4))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    move = next(answer.json() for answer in answers if answer.status_code == 201)
    asked = desk if move["proposed_by"] == "35.79" else there
    assert (await refuse(desk.at("35.04"), move["id"])).status_code == 404
    assert (await refuse(asked, move["id"])).json()["state"] == "refused"
    assert (await accept(asked, move["id"])).status_code == 409
    again = await proposed(desk, made["id"])
    assert (await refuse(desk, again)).json()["state"] == "withdrawn"
    assert [move["state"] for move in await moves(desk)] == ["refused", "withdrawn"]
    assert [move["state"] for move in await moves(there, "?state=withdrawn")] == ["withdrawn"]
    assert (await desk.business(made["id"]))["office"] == "35.76"


async def test_what_cannot_be_proposed_is_refused(desk: Desk) -> None:
    made = await desk.registered()
    for staff, to, reason, status in (
        (desk, "35.76", REASON, 422),
        (desk, "35.01", REASON, 422),
        (desk, "35.79", "pendek", 422),
        (desk, "35.79", "telepon 081234567890", 422),
        (desk.at("35.04"), "35.79", REASON, 404),
        (desk.at("35.79"), "35.76", REASON, 404),
        (desk.at("35.76", Role.FRONT_DESK), "35.79", REASON, 403),
    ):
        answer = await propose(staff, made["id"], to, reason)
        assert answer.status_code == status, (staff.office, to, answer.text)
    await desk.close(made["id"], 1, TODAY)
    assert (await propose(desk, made["id"])).status_code == 409


async def test_what_happened_meanwhile_is_told(desk: Desk) -> None:
    made = await desk.registered()
    there = desk.at("35.79")
    move = await proposed(desk, made["id"])
    await desk.correct(made["id"], 1, trade_name="Batik Baru")
    stale = await accept(there, move)
    assert (stale.status_code, stale.json()["current_revision"]) == (412, 2)
    await desk.close(made["id"], 2, TODAY)
    assert (await accept(there, move, 3)).json()["type"] == "urn:plut:problem:business-closed"
    await desk.write("POST", f"/v1/businesses/{made['id']}/reopening", {"reason": "resumed"}, 3)
    assert (await accept(there, move, 4)).status_code == 200
    assert (await accept(there, move, 5)).json()["state"] == "accepted"


async def one_state(owner_pool: Pool, business: str) -> tuple[str, str, int]:
    """Returns home, status and version; every version has its event."""
    row = await owner_pool.fetchrow("select office, status, version from business where id = $1::uuid", business)
    assert row is not None
    told = await owner_pool.fetch("select version from outbox where aggregate_id = $1 order by seq", business)
    assert [each["version"] for each in told] == list(range(1, row["version"] + 1))
    return tuple(row)


async def test_two_acceptances_at_once_move_it_once(desk: Desk, owner_pool: Pool) -> None:
    there = desk.at("35.79")
    for _ in range(8):
        made = await desk.registered()
        move = await proposed(desk, made["id"])
        answers = await asyncio.gather(*(accept(there, move) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert await one_state(owner_pool, made["id"]) == ("35.79", "active", 2)


@pytest.mark.parametrize("change", ["close", "correct", "refuse", "propose"])
async def test_an_acceptance_beside_another_command_leaves_one_state(desk: Desk, owner_pool: Pool, change: str) -> None:
    there = desk.at("35.79")
    seen = set()
    for turn in range(12):
        made = await desk.registered()
        move = await proposed(desk, made["id"])
        beside = {
            "close": desk.close(made["id"], 1, TODAY),
            "correct": desk.correct(made["id"], 1, trade_name="Batik Baru"),
            "refuse": refuse(desk, move),
            "propose": propose(there, made["id"]),
        }
        other = beside.pop(change)
        for unused in beside.values():
            unused.close()
        pair = [accept(there, move), other] if turn % 2 else [other, accept(there, move)]
        answers = await asyncio.gather(*pair)
        accepted, changed = answers if turn % 2 else answers[::-1]
        home, _, version = await one_state(owner_pool, made["id"])
        seen.add((accepted.status_code, changed.status_code))
        assert (home == "35.79") == (accepted.status_code == 200)
        if change == "propose":
            assert (accepted.status_code, changed.status_code) in {(200, 409), (200, 422), (200, 404)}
        else:
            assert [accepted.status_code, changed.status_code].count(200) == 1, "one of the two, with a clear answer"
            assert accepted.status_code in (200, 409, 412)
            assert changed.status_code in (200, 404, 409, 412)
        assert version <= 2
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    assert await owner_pool.fetchval(deadlocks) == 0, seen


async def test_a_list_turns_page_by_page(desk: Desk) -> None:
    made = [await proposed(desk, (await desk.registered())["id"]) for _ in range(5)]
    found: list[str] = []
    query = "?limit=2"
    while query:
        page = (await desk.read(f"/v1/moves{query}")).json()
        found += [move["id"] for move in page["items"]]
        query = page["next_cursor"] and f"?limit=2&cursor={page['next_cursor']}"
    assert found == made
    assert await moves(desk.at("35.04")) == []
    assert (await desk.read("/v1/moves?office=35.79")).status_code == 403
