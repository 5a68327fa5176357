"""From a completed session to what its client says, against real Postgres."""

import asyncio
import itertools
import json
import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from deploy.check import answers
from services.registry.domain.attestations import VALID_FOR
from services.registry.handlers import AttestationApplier
from services.registry.settings import ATTESTATION_GROUP
from shared.auth.principal import Role
from shared.clock import utc_now
from shared.contracts.mentoring import SessionBusiness
from shared.postgres import Pool, transaction
from tests.integration.registry.clients import PHONE, Clients, other_code, read
from tests.integration.registry.desk import Desk, owner
from tests.support.sessions import RECORDER, deliver, session_state, told
from tests.support.tokens import bearer

# What the consumer makes of events


async def test_each_business_is_asked_once_however_often_the_event_comes(clients: Clients) -> None:
    businesses = [await clients.business("0812-1111-2222"), await clients.business("0812-3333-4444")]
    session = uuid4()
    event = told(session_state(session, businesses))
    for batch in ([event], [event, event], [event]):
        await clients.hear(*batch)
        await clients.send()
    assert await clients.states(session) == [(1, "waiting")] * 2
    assert sorted(str(one.to)[-4:] for one in clients.postbox.messages) == ["2222", "4444"]
    (one, first), (other, second) = map(read, clients.postbox.messages)
    assert one != other
    name = await clients.worker.fetchval("select trade_name from business where id = $1", UUID(businesses[0]))
    text = next(one.text for one in clients.postbox.messages if str(one.to).endswith("2222"))
    assert name in text
    assert "PLUT Kota Mojokerto" in text
    assert {len(first), len(second)} == {6}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_in_any_order_only_the_newest_version_is_asked_about(clients: Clients, order: tuple[int, ...]) -> None:
    session, business = uuid4(), await clients.business()
    events = [
        told(session_state(session, [business]), 1),
        told(session_state(session, [business], confirmable_version=2), 2),
        told(session_state(session, [business], confirmable_version=2, field="finance"), 3),
    ]
    for place in (*order, *order):
        await clients.hear(events[place])
    waiting = [version for version, state in await clients.states(session) if state == "waiting"]
    assert waiting == [2]
    await clients.send()
    assert len(clients.postbox.messages) == 1


async def test_a_correction_voids_the_old_code_and_sends_a_new_one(clients: Clients) -> None:
    session, business = uuid4(), await clients.business()
    await clients.hear(told(session_state(session, [business])))
    await clients.send()
    old, code = clients.postbox.last
    await clients.hear(told(session_state(session, [business], confirmable_version=2, contact_minutes=30), 2))
    await clients.send()
    new, new_code = clients.postbox.last
    assert await clients.states(session) == [(1, "voided"), (2, "waiting")]
    refused = await clients.say(old, {"code": code})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:plut:problem:attestation-voided")
    assert (await clients.say(new, {"code": new_code})).status_code == 201
    assert await clients.events(session) == [("SessionAttested", 1)]


@pytest.mark.parametrize("state", ["cancelled", "no_show"])
async def test_what_is_off_is_void_and_not_sent(clients: Clients, state: str) -> None:
    session, business = uuid4(), await clients.business()
    await clients.hear(told(session_state(session, [business])))
    await clients.hear(told(session_state(session, [business], state=state), 2))
    await clients.send()
    assert await clients.states(session) == [(1, "voided")]
    assert clients.postbox.messages == []
    kept = await clients.worker.fetch("select state, secret_sealed from attestation_message")
    assert [tuple(row) for row in kept] == [("withdrawn", None)]


async def test_a_business_that_was_taken_out_is_not_asked_any_more(clients: Clients) -> None:
    session, stays, goes = uuid4(), await clients.business(), await clients.business()
    await clients.hear(told(session_state(session, [stays, goes])))
    await clients.hear(told(session_state(session, [stays], confirmable_version=2), 2))
    assert await clients.states(session) == [(1, "voided"), (1, "voided"), (2, "waiting")]


async def test_nobody_is_asked_about_old_imported_or_foreign_ones(clients: Clients) -> None:
    business = await clients.business()
    old = told(session_state(uuid4(), [business]), recorded_at=utc_now() - VALID_FOR - timedelta(minutes=1))
    imported = told(session_state(uuid4(), [business], imported=True, accepted=False))
    accepted = told(session_state(uuid4(), [business], imported=True), 2)
    nowhere = told(session_state(uuid4(), [uuid4()]))
    confirmed = told(session_state(uuid4(), [business], state="confirmed"), 2)
    await clients.hear(old, imported, accepted, nowhere, confirmed)
    assert await clients.worker.fetchval("select count(*) from attestation") == 0


async def test_a_log_that_is_read_anew_asks_nobody_twice(clients: Clients) -> None:
    session, business = uuid4(), await clients.business()
    events = [
        told(session_state(session, [business]), 1),
        told(session_state(session, [business], confirmable_version=2), 2),
    ]
    await clients.hear(*events[:1])
    await clients.hear(*events[1:])
    await clients.send()
    sent = len(clients.postbox.messages)
    async with transaction(clients.worker) as connection:
        await AttestationApplier(ATTESTATION_GROUP, clients.vault).forget(connection)
    for event in events:
        await clients.hear(event)
    await clients.send()
    assert len(clients.postbox.messages) == sent == 1
    assert await clients.states(session) == [(1, "voided"), (2, "waiting")]


async def test_a_business_that_becomes_known_is_asked_then(clients: Clients) -> None:
    session, known, later = uuid4(), UUID(await clients.business()), UUID(await clients.business())
    first = [SessionBusiness(id=known, known=True), SessionBusiness(id=later, known=False)]
    await clients.hear(told(session_state(session, []).model_copy(update={"businesses": first})))
    assert await clients.states(session) == [(1, "waiting")]
    await clients.hear(told(session_state(session, [known, later]), 2))
    assert await clients.states(session) == [(1, "waiting")] * 2
    assert await clients.send() == 2


async def test_two_consumers_at_once_ask_once(clients: Clients) -> None:
    businesses = [await clients.business() for _ in range(3)]
    events = [told(session_state(uuid4(), businesses)) for _ in range(10)]
    await asyncio.gather(
        *(deliver(clients.worker, clients.vault, *ordered) for ordered in (events, events[::-1], events[5:] + events))
    )
    assert await clients.worker.fetchval("select count(*) from attestation") == 30
    assert await clients.worker.fetchval("select count(*) from attestation_message") == 30


async def test_one_version_with_two_events_is_an_alarm(clients: Clients) -> None:
    session, business = uuid4(), await clients.business()
    await clients.hear(told(session_state(session, [business])))
    await clients.hear(told(session_state(session, [business])))
    alarms = await clients.worker.fetch("select kind from consumer_alarm")
    assert [row["kind"] for row in alarms] == ["version_clash"]


# What clients say


async def test_the_right_code_attests_and_the_event_holds_no_secret(clients: Clients) -> None:
    session = await clients.asked()
    token, code = clients.postbox.last
    answer = await clients.say(token, {"code": code})
    assert (answer.status_code, answer.json()["state"], answer.json()["tries_left"]) == (201, "attested", 5)
    assert await clients.events(session) == [("SessionAttested", 1)]
    told_to_all = json.loads(await clients.worker.fetchval("select payload from outbox where type = 'SessionAttested'"))
    assert (told_to_all["actor"], told_to_all["office"]) == ("client", "35.76")
    state = told_to_all["payload"]["state"]
    assert (state["outcome"], state["method"], state["confirmable_version"]) == ("attested", "code", 1)
    again = await clients.say(token, {"code": code})
    assert (again.status_code, again.json()["type"]) == (409, "urn:plut:problem:attestation-attested")


async def test_a_wrong_code_says_how_often_it_can_be_tried(clients: Clients) -> None:
    session = await clients.asked()
    token, code = clients.postbox.last
    for left in (4, 3, 2, 1, 0):
        answer = await clients.say(token, {"code": other_code(code)})
        assert (answer.status_code, answer.json()["tries_left"]) == (422, left)
        assert answer.json()["errors"][0]["field"] == "code"
    locked = await clients.say(token, {"code": code})
    assert (locked.status_code, locked.json()["type"]) == (409, "urn:plut:problem:attestation-locked")
    assert await clients.events(session) == []
    assert (await clients.say(token, {"dispute": True})).status_code == 201, "disputing needs no code"
    assert await clients.events(session) == [("SessionDisputed", 1)]


async def test_the_same_key_costs_one_try(clients: Clients) -> None:
    await clients.asked()
    token, code = clients.postbox.last
    for _ in range(3):
        answer = await clients.say(token, {"code": other_code(code)}, key="satu-kunci")
        assert answer.json()["tries_left"] == 4
    reused = await clients.say(token, {"code": code}, key="satu-kunci")
    assert reused.json()["type"] == "urn:plut:problem:idempotency-key-reused"


async def test_many_at_once_get_five_tries_together(clients: Clients) -> None:
    session = await clients.asked()
    token, code = clients.postbox.last
    replies = await asyncio.gather(*(clients.say(token, {"code": other_code(code)}) for _ in range(12)))
    assert sorted(answer.status_code for answer in replies) == [409] * 7 + [422] * 5
    assert await clients.worker.fetchval("select tries_left from attestation where session = $1", session) == 0


async def test_yes_and_no_at_once_are_one_word(clients: Clients) -> None:
    for _ in range(6):
        session = await clients.asked()
        token, code = clients.postbox.last
        replies = await asyncio.gather(clients.say(token, {"code": code}), clients.say(token, {"dispute": True}))
        assert sorted(answer.status_code for answer in replies) == [201, 409]
        assert len(await clients.events(session)) == 1


async def test_a_correction_and_an_answer_at_once_are_one_story(clients: Clients) -> None:
    """Either the answer came first and stands beside the new question, or it came to a question that was void."""
    outcomes = set()
    for turn in range(8):
        session, business = uuid4(), await clients.business()
        await clients.hear(told(session_state(session, [business])))
        await clients.send()
        token, code = clients.postbox.last
        corrected = told(session_state(session, [business], confirmable_version=2), 2)
        both = [clients.say(token, {"code": code}), clients.hear(corrected)]
        done = await asyncio.gather(*(both if turn % 2 else both[::-1]))
        status = next(one.status_code for one in done if one is not None)
        outcomes.add(status)
        first = "attested" if status == 201 else "voided"
        assert await clients.states(session) == [(1, first), (2, "waiting")]
        assert len(await clients.events(session)) == (status == 201)
    assert outcomes <= {201, 409}


async def test_after_72_hours_it_is_too_late(clients: Clients) -> None:
    clients.now = utc_now() - VALID_FOR
    session = await clients.asked()
    clients.now = None
    token, code = clients.postbox.last
    for said in ({"code": code}, {"dispute": True}):
        answer = await clients.say(token, said)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:plut:problem:attestation-expired")
        assert "kantor PLUT" in answer.json()["cure"]
    assert await clients.events(session) == []


NO_ANSWERS: list[object] = [
    {}, {"code": None}, {"code": "12345"}, {"code": "1234567"}, {"code": 123456}, {"code": "\uff11" * 6},
    {"dispute": False}, {"dispute": 1}, {"code": "123456", "dispute": True}, {"code": "123456", "more": 1}, [], "x",
]  # fmt: skip


async def test_what_is_no_answer_is_refused_and_costs_nothing(clients: Clients) -> None:
    session = await clients.asked()
    token, _ = clients.postbox.last
    for said in NO_ANSWERS:
        assert (await clients.say(token, said)).status_code == 422, said
        tries = "select tries_left from attestation where session = $1"
        assert await clients.worker.fetchval(tries, session) == 5, said


async def test_an_unknown_token_finds_nothing(clients: Clients) -> None:
    for token, status in (("A" * 22, 404), ("A" * 21, 422), ("%2e%2e%2f" + "A" * 19, 404)):
        assert (await clients.say(token, {"dispute": True})).status_code == status, token


async def test_one_address_may_not_ask_without_end(clients: Clients) -> None:
    replies = [await clients.say("A" * 22, {"dispute": True}) for _ in range(61)]
    assert {answer.status_code for answer in replies[:60]} == {404}
    assert replies[60].status_code == 429
    assert 1 <= int(replies[60].headers["Retry-After"]) <= 60


# The offices' side


async def test_who_cannot_be_reached_is_listed_and_signs_on_paper(clients: Clients) -> None:
    session = await clients.asked(phone=None)
    desk = replace(clients.desk, role=Role.FRONT_DESK)
    listed = (await desk.read("/v1/attestations?office=35.76&state=unreachable")).json()["items"]
    assert [(one["session"], one["state"]) for one in listed] == [(str(session), "unreachable")]
    address = f"/v1/attestations/{listed[0]['id']}/paper"
    said = {"outcome": "attested", "note": "Map 12, lembar 40"}
    for role in set(Role) - {Role.FRONT_DESK}:
        assert (await replace(desk, role=role).write("POST", address, said)).status_code == 403, role
    assert (await desk.at("35.79").write("POST", address, said)).status_code == 404
    answer = await desk.write("POST", address, said)
    assert (answer.status_code, answer.json()["state"]) == (201, "attested")
    assert await clients.events(session) == [("SessionAttested", 1)]
    assert (await desk.write("POST", address, said)).status_code == 409
    async with transaction(clients.worker) as connection:
        stored = await connection.fetchrow("select method, paper_note from attestation where session = $1", session)
    assert tuple(stored) == ("paper", "Map 12, lembar 40")


async def test_a_statement_on_paper_leaves_an_audit_row(clients: Clients, owner_pool: Pool) -> None:
    session = await clients.asked(phone=None)
    desk = replace(clients.desk, role=Role.FRONT_DESK)
    one = (await desk.read("/v1/attestations")).json()["items"][0]
    await desk.write("POST", f"/v1/attestations/{one['id']}/paper", {"outcome": "disputed", "note": "Map 12"})
    rows = await owner_pool.fetch(
        "select actor, office, fields from audit where action = 'say_on_paper' and subject = $1", UUID(one["id"])
    )
    assert [tuple(row) for row in rows] == [("stf-front_desk-35.76", "35.76", ["outcome"])]
    assert await clients.events(session) == [("SessionDisputed", 1)]


async def test_who_recorded_it_does_not_sign_for_the_client(clients: Clients) -> None:
    await clients.asked(phone=None)
    one = (await clients.desk.read("/v1/attestations")).json()["items"][0]
    said = {"outcome": "attested", "note": "Map 12"}
    for roles, subject in (([Role.FRONT_DESK], RECORDER), ([Role.FRONT_DESK, Role.CONSULTANT], "stf-lain")):
        headers = {**bearer(*roles, subject=subject), "Idempotency-Key": str(uuid4())}
        answer = await clients.desk.client.post(f"/v1/attestations/{one['id']}/paper", json=said, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:plut:problem:own-session")


async def test_the_list_is_read_page_by_page_and_by_state(clients: Clients) -> None:
    sessions = [await clients.asked() for _ in range(5)]
    token, code = clients.postbox.last
    await clients.say(token, {"code": code})
    token, _ = read(clients.postbox.messages[0])
    await clients.say(token, {"dispute": True})
    seen, address = [], "/v1/attestations?limit=2"
    while True:
        page = (await clients.desk.read(address)).json()
        seen += [one["session"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        address = f"/v1/attestations?limit=2&cursor={page['next_cursor']}"
    assert seen == [str(one) for one in sessions]
    by_state = {}
    for state in ("waiting", "attested", "disputed", "unreachable", "expired", "locked", "voided"):
        by_state[state] = len((await clients.desk.read(f"/v1/attestations?state={state}")).json()["items"])
    assert by_state == {
        "waiting": 3, "attested": 1, "disputed": 1, "unreachable": 0, "expired": 0, "locked": 0, "voided": 0,
    }  # fmt: skip
    assert (await clients.desk.at("35.79").read("/v1/attestations")).json()["items"] == []
    assert (await clients.desk.at("35.79").read("/v1/attestations?office=35.76")).status_code == 403


async def test_who_may_read_the_list(clients: Clients) -> None:
    await clients.asked()
    readers = {Role.FRONT_DESK, Role.CONSULTANT, Role.OFFICE_HEAD, Role.AUDITOR}
    for role in Role:
        answer = await replace(clients.desk, role=role).read("/v1/attestations")
        assert answer.status_code == (200 if role in readers else 403), role


async def test_expired_and_locked_ones_are_listed_as_such(clients: Clients) -> None:
    clients.now = utc_now() - VALID_FOR
    expired = await clients.asked()
    clients.now = None
    locked = await clients.asked()
    token, code = clients.postbox.last
    for _ in range(5):
        await clients.say(token, {"code": other_code(code)})
    for state, session in (("expired", expired), ("locked", locked)):
        items = (await clients.desk.read(f"/v1/attestations?state={state}")).json()["items"]
        assert [(one["session"], one["state"]) for one in items] == [(str(session), state)]


async def test_a_client_of_another_home_office_answers_to_the_office_that_held_it(clients: Clients) -> None:
    business = await clients.business(office="35.79")
    session = uuid4()
    await clients.hear(told(session_state(session, [business])))
    await clients.send()
    token, code = clients.postbox.last
    assert (await clients.say(token, {"code": code})).status_code == 201
    assert [one["session"] for one in (await clients.desk.read("/v1/attestations")).json()["items"]] == [str(session)]
    assert (await clients.desk.at("35.79").read("/v1/attestations")).json()["items"] == []


async def test_the_proof_agrees_with_what_is_kept_of_every_way_to_answer(clients: Clients, owner_pool: Pool) -> None:
    """`plut check` knows nothing of attestations: their kept answers and events must agree by its general rule."""
    await clients.asked()
    token, code = clients.postbox.last
    await clients.say(token, {"code": other_code(code)})
    await clients.say(token, {"code": code})
    await clients.asked()
    await clients.say(clients.postbox.last[0], {"dispute": True})
    await clients.asked(phone=None)
    one = (await clients.desk.read("/v1/attestations?state=unreachable")).json()["items"][0]
    desk = replace(clients.desk, role=Role.FRONT_DESK)
    await desk.write("POST", f"/v1/attestations/{one['id']}/paper", {"outcome": "attested", "note": "Map 12"})
    kept = await owner_pool.fetch("select * from outbox where topic = 'registry.attestation.v1'")
    events = {row["event_id"]: row for row in kept}
    judged = 0
    for row in await owner_pool.fetch("select * from accepted_command where answer ->> 'tries_left' is not null"):
        own = {each: events[each] for each in row["event_ids"]}
        left = {
            number: answers._event({**each, "office": "35.76", "provisional": False}) for number, each in own.items()
        }
        assert answers.judge(answers._command("registry", row), left) == []
        judged += len(own)
    assert (judged, len(events)) == (3, 3)


# The page


async def page(desk: Desk, token: str) -> str:
    answer = await desk.client.get(f"/konfirmasi/{token}")
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


async def test_the_page_tells_what_was_recorded_and_takes_the_code(clients: Clients) -> None:
    session = await clients.asked()
    token, code = clients.postbox.last
    html = await page(clients.desk, token)
    for part in ("PLUT Kota Mojokerto", "Batik", "Jumat, 20 November 2026 pukul 09.30 WIB",
                 "1 jam 30 menit", "pendampingan usaha bidang produksi", "gratis"):  # fmt: skip
        assert part in html
    key = re.search(r'name="kunci" value="([^"]+)"', html)
    assert key is not None
    fields = {"kunci": key[1], "jawaban": "benar"}
    for typed, said in ((other_code(code), "Kode salah."), (other_code(code), "4 kali"), ("12", "enam angka")):
        answer = await clients.desk.client.post(f"/konfirmasi/{token}", data={**fields, "kode": typed})
        assert answer.status_code == 422
        assert said in answer.text
    answer = await clients.desk.client.post(f"/konfirmasi/{token}", data={**fields, "kode": f" {code[:3]} {code[3:]} "})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/konfirmasi/{token}")
    assert "Terima kasih" in await page(clients.desk, token)
    assert "<form" not in await page(clients.desk, token)
    assert await clients.events(session) == [("SessionAttested", 1)]


async def test_the_page_takes_a_dispute_without_a_code(clients: Clients) -> None:
    session = await clients.asked()
    token, _ = clients.postbox.last
    answer = await clients.desk.client.post(f"/konfirmasi/{token}", data={"jawaban": "salah"})
    assert answer.status_code == 303
    assert "tidak benar" in await page(clients.desk, token)
    assert await clients.events(session) == [("SessionDisputed", 1)]


async def test_pages_are_kept_to_themselves(clients: Clients) -> None:
    await clients.asked()
    token, code = clients.postbox.last
    for address in ("/konfirmasi", f"/konfirmasi/{token}", f"/konfirmasi/{'A' * 22}"):
        answer = await clients.desk.client.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        style = re.search(r'href="(/konfirmasi/gaya/[^"]+)"', answer.text)
        assert style is not None
        assert (await clients.desk.client.get(style[1])).headers["content-type"].startswith("text/css")
    refused = await clients.desk.client.post(
        f"/konfirmasi/{token}", data={"kode": code}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert refused.status_code == 403
    assert (await clients.say(token, {"code": code})).status_code == 201, "nothing was said by the other site"


async def test_a_reference_can_be_typed(clients: Clients) -> None:
    await clients.asked()
    token, _ = clients.postbox.last
    for typed in (token, f" {token} ", f"https://plut.test/konfirmasi/{token}"):
        answer = await clients.desk.client.get("/konfirmasi", params={"rujukan": typed})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/konfirmasi/{token}")
    assert (await clients.desk.client.get("/konfirmasi", params={"rujukan": "x"})).status_code == 422


async def test_every_input_of_the_pages_is_labelled(clients: Clients) -> None:
    await clients.asked()
    token, _ = clients.postbox.last
    for address in ("/konfirmasi", f"/konfirmasi/{token}"):
        html = (await clients.desk.client.get(address)).text
        inputs = re.findall(r'<input id="(\w+)"', html)
        assert inputs
        for name in inputs:
            assert f'<label for="{name}">' in html
        for described in re.findall(r'aria-describedby="([^"]+)"', html):
            assert all(f'id="{one}"' in html for one in described.split())
        assert html.count("<h1>") == 1
        assert '<html lang="id">' in html


async def test_a_strange_form_is_no_error_of_ours(clients: Clients) -> None:
    await clients.asked()
    token, _ = clients.postbox.last
    for body in (b"", b"\xff\xfe", b"kode=%00%00", b"&" * 100, b"kode=" + b"9" * 5000, b"a=1&" * 50):
        answer = await clients.desk.client.post(f"/konfirmasi/{token}", content=body)
        assert answer.status_code == 422, body


async def test_the_owner_of_the_phone_is_not_named_on_the_page(clients: Clients) -> None:
    business = (await clients.desk.registered(owners=[owner(phone=PHONE, name="Kenari Zamrud")]))["id"]
    await clients.hear(told(session_state(uuid4(), [business])))
    await clients.send()
    token, code = clients.postbox.last
    html = await page(clients.desk, token)
    assert not [trace for trace in ("Kenari", "7890", code) if trace in html]
