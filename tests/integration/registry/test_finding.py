"""Businesses found by what people remember, and those that a registration may mean."""

import asyncio
import re
from typing import Any

import asyncpg
import pytest

from services.registry.domain.names import fold_trade_name
from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool, transaction
from tests.integration.registry.desk import Desk, owner, some_nib, some_nik, some_trade_name
from tests.support.names import ONE_NAME, SPELLINGS, TWO_NAMES

TODAY = business_day(utc_now()).isoformat()
PHONE = "081234567890"


async def search(desk: Desk, **body: Any) -> list[dict[str, Any]]:
    answer = await desk.search(**body)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def names(desk: Desk, **body: Any) -> list[str]:
    return [each["trade_name"] for each in await search(desk, **body)]


async def test_the_database_folds_as_the_rule_does(owner_pool: Pool) -> None:
    for name in (*(typed for typed, _ in SPELLINGS), *(name for pair in ONE_NAME for name in pair)):
        assert await owner_pool.fetchval("select fold_trade_name($1)", name) == fold_trade_name(name), name


async def test_too_few_bits_in_common_rule_out_nothing_that_is_alike(owner_pool: Pool) -> None:
    """The count of common bits comes before similarity(); it may let pass what is not alike, never the reverse."""
    typed = sorted({name for pair in (*ONE_NAME, *TWO_NAMES) for name in pair})
    lost = await owner_pool.fetch(
        "with name as (select fold_trade_name(n) as n from unnest($1::text[]) as n), pair as ("
        "  select a.n as a, b.n as b, cardinality(extensions.show_trgm(a.n)) as size, trigram_bits(a.n) as bits,"
        "    (select count(*) from unnest(extensions.show_trgm(a.n)) t where t = any (extensions.show_trgm(b.n))) hits"
        "  from name a, name b) "
        "select a, b from pair where hits >= 0.5 * size "
        "and bit_count(trigram_bits(b) & bits) < bit_count(bits) - (size - ceil(0.5 * size))",
        typed,
    )
    assert lost == []


async def test_a_trade_name_is_found_with_typos_in_part_and_under_an_old_spelling(desk: Desk) -> None:
    for name in ("Batik Soerya Kencana", "Warung Bu Tutik", "Kerupuk Tjap Kucing"):
        await desk.registered(trade_name=name)
    assert await names(desk, trade_name="batk suria kencana") == ["Batik Soerya Kencana"]
    assert await names(desk, trade_name="kencana") == ["Batik Soerya Kencana"]
    assert await names(desk, trade_name="Kerupuk Cap Koetjing") == ["Kerupuk Tjap Kucing"]
    assert await names(desk, trade_name="Warung Bu Tutik", region="35.76.02.1001") == ["Warung Bu Tutik"]
    assert await names(desk, trade_name="Warung Bu Tutik", region="35.76.02") == ["Warung Bu Tutik"]
    assert await names(desk, trade_name="Warung Bu Tutik", region="35.76.01.1008") == []
    assert await names(desk, trade_name="Bengkel Motor") == []


async def test_ones_own_business_is_found_by_owner_and_by_every_number(desk: Desk) -> None:
    nib, nik = some_nib(), some_nik()
    made = await desk.registered(
        trade_name="Batik Surya", nib=nib, owners=[owner(nik=nik, name="Hj. Siti Djoewariyah, S.E.", phone=PHONE)]
    )
    for body in (
        {"owner_name": "sitti juwariyah"},
        {"owner_name": "Ibu Juwariyah"},
        {"nik": nik},
        {"nib": nib},
        {"phone": "+62 812-3456-7890"},
    ):
        [found] = await search(desk, **body)
        assert found["id"] == made["id"]
        assert found["summary"]["nib"] == nib
        assert nik not in str(found)
    assert (await search(desk, nik=nik))[0]["score"] == 1
    assert await search(desk, owner_name="Siti Juwita") == []
    assert await search(desk, nik=some_nik()) == []


async def test_of_other_offices_nothing_but_the_public_row_is_seen(desk: Desk) -> None:
    nib, nik = some_nib(), some_nik()
    private = owner(nik=nik, name="Kenari Zamrud", phone=PHONE, address="Gang Cendrawasih 77", npwp="092542943407000")
    made = await desk.registered(trade_name="Batik Surya", nib=nib, owners=[private])
    batu = desk.at("35.79")
    public = {
        "id": made["id"],
        "office": "35.76",
        "trade_name": "Batik Surya",
        "kinds": ["umkm", "ikm"],
        "kelurahan": "35.76.02.1001",
        "score": 1.0,
        "summary": None,
    }
    for body in ({"nik": nik}, {"nib": nib}, {"phone": PHONE}, {"trade_name": "Batik Surya", "region": "35.76"}):
        assert await search(batu, **body) == [public], body
    assert await search(batu, owner_name="Kenari Zamrud") == []
    assert await search(batu, trade_name="Batik Surya") == [], "one's own region, unless another one is named"
    assert (await batu.read(f"/v1/businesses/{made['id']}")).status_code == 404

    assert (await desk.close(made["id"], 1, TODAY)).status_code == 200
    for body in ({"nik": nik}, {"nib": nib}, {"phone": PHONE}, {"trade_name": "Batik Surya", "region": "35.76"}):
        assert await search(batu, **body) == [], "closed: its own office's business alone"
        if "region" not in body:
            assert [each["id"] for each in await search(desk, **body)] == [made["id"]]


async def test_the_window_is_no_door(desk: Desk, pool: Pool) -> None:
    """Whoever speaks to the database in the api's name learns through it what an office may know, and no more."""
    nik = some_nik()
    await desk.registered(trade_name="Batik Surya", owners=[owner(nik=nik, name="Kenari Zamrud")])
    by_name = "select * from find_businesses('Batik Surya', '35.76', 0.5, '{}', '{}', 5, '{}', '{}', $1, '{13}', 10)"
    tokens = "select name_tokens from business_owner"
    async with transaction(pool, ["35.76"]) as connection:
        known = await connection.fetchval(tokens)
        assert (await connection.fetchrow(by_name, known))["owner_likeness"] == 1
        assert len(await connection.fetch("select * from find_by_owner_name($1, 10)", known)) == 1
    async with transaction(pool, ["35.79"]) as connection:
        row = await connection.fetchrow(by_name, known)
        assert (row["trade_name"], row["owner_likeness"], row["same_division"]) == ("Batik Surya", None, None)
        assert await connection.fetch("select * from find_by_owner_name($1, 10)", known) == []
    async with transaction(pool) as connection:
        assert await connection.fetch(by_name, known) == []
        assert await connection.fetch("select * from find_by_owner_name($1, 10)", known) == []


async def test_the_worker_may_not_look_through_it(database: Any) -> None:
    worker, nothing = await database.pool("registry", "worker"), "'{}'"
    for call in (
        "find_businesses('x', '35.76', 0.5, '{}', '{}', 5, '{}', '{}', '{}', '{}', 9)",
        "find_by_owner_name('{}', 9)",
        "claim_and_find('{}', '{}', '{}', '{}', '{}', '{}', 'x', '35', 1, '{}', '{}', 5, '{}', '{}', '{}', '{}', 9)",
        f"claim_new_businesses('35.76', 'x', {', '.join(14 * [nothing])}, 0.4, 5)",
        f"claim_newcomers('35.76', '5s', {', '.join(16 * [nothing])}, 0.4, 5)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.fetch(f"select * from {call}")


async def test_a_bad_search_is_told_at_its_field(desk: Desk) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, ""),
        ({"nik": "3576025509800001", "phone": PHONE}, ""),
        ({"nik": "123"}, "nik"),
        ({"nib": "123"}, "nib"),
        ({"phone": "nanti"}, "phone"),
        ({"trade_name": "!!!"}, "trade_name"),
        ({"trade_name": "x" * 121}, "trade_name"),
        ({"trade_name": "Batik", "region": "35"}, "region"),
        ({"trade_name": "Batik", "region": "35.76%"}, "region"),
        ({"nib": "9120001234567", "region": "35.76"}, "region"),
        ({"owner_name": "\u202e"}, "owner_name"),
        ({"trade_name": "Batik", "limit": 51}, "limit"),
        ({"trade_name": "Batik", "kantor": "35.76"}, "kantor"),
    ]
    for body, field in cases:
        answer = await desk.search(**body)
        assert answer.status_code == 422, body
        assert [error["field"] for error in answer.json()["errors"]] == [field], body


async def test_a_search_may_hold_any_letters(desk: Desk) -> None:
    for typed in ("%", "a_b", "'; drop table business; --", "🍜 mie", "باتيك", "\\", "a" * 120, "1"):
        answer = await desk.search(trade_name=typed)
        assert answer.status_code in (200, 422), typed


async def test_who_may_search(desk: Desk) -> None:
    staff = (Role.FRONT_DESK, Role.CONSULTANT, Role.FIELD_OFFICER, Role.OFFICE_HEAD, Role.AUDITOR)
    for role in Role:
        answer = await desk.at("35.76", role).search(trade_name="Batik")
        assert answer.status_code == (200 if role in staff else 403), role


async def candidates_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 409, answer.text
    body = answer.json()
    assert body["type"] == "urn:plut:problem:possible-duplicate"
    assert len(body["errors"]) == len(body["candidates"])
    candidates: list[dict[str, Any]] = body["candidates"]
    return candidates


async def test_a_likely_duplicate_is_shown_with_its_reasons_and_nothing_is_kept(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered(trade_name="Sumber Rezeki", owners=[owner(phone=PHONE)])
    refused = await desk.register(trade_name="Sumber Rejeki", owners=[owner(phone=PHONE)])
    [shown] = await candidates_of(refused)
    assert shown["id"] == made["id"]
    assert shown["reasons"] == ["nama 91 % mirip", "kelurahan sama", "telepon sama", "nama pemilik sama"]
    assert made["id"] in refused.json()["errors"][0]["cure"]
    assert await owner_pool.fetchval("select count(*) from business") == 1
    assert await owner_pool.fetchval("select count(*) from person") == 1
    assert await owner_pool.fetchval("select count(*) from outbox where topic = 'registry.business.v1'") == 1


async def test_it_is_confirmed_as_new_once_every_candidate_was_seen(desk: Desk, owner_pool: Pool) -> None:
    body = {"trade_name": "Sumber Rejeki", "owners": [owner(phone=PHONE)]}
    first = await desk.registered(**body)
    [shown] = await candidates_of(await desk.register(**body))
    assert shown["verdict"] == "same"
    # Another one comes between: it was not seen, so it is shown.
    confirmed = {"confirmed_new": True, "candidates_seen": [first["id"]]}
    second = await desk.registered(**body, **confirmed)
    assert {each["id"] for each in await candidates_of(await desk.register(**body, **confirmed))} == {
        first["id"],
        second["id"],
    }
    blind = await desk.register(**body, candidates_seen=[first["id"], second["id"]])
    assert blind.status_code == 409, "seen, but nothing was said"
    await desk.registered(**body, confirmed_new=True, candidates_seen=[first["id"], second["id"]])
    trail = await owner_pool.fetch("select fields from audit where action = 'register_business' order by id")
    assert [row["fields"] for row in trail] == [[], ["confirmed_new"], ["confirmed_new"]]


async def test_it_is_taken_as_the_same_and_stays_as_it_is(desk: Desk, owner_pool: Pool) -> None:
    made = await desk.registered(trade_name="Sumber Rejeki", owners=[owner(phone=PHONE)])
    before = await desk.business(made["id"])
    again = {"trade_name": "Sumber Rejeki", "owners": [owner(phone=PHONE, name="Siti")]}
    answer = await desk.register(**again, same_as=made["id"])
    assert answer.status_code == 200
    assert answer.json() == {
        "id": made["id"],
        "office": "35.76",
        "trade_name": "Sumber Rejeki",
        "kinds": ["umkm", "ikm"],
        "kelurahan": "35.76.02.1001",
        "revision": 1,
        "version": 1,
    }
    assert "Location" not in answer.headers
    assert await desk.business(made["id"]) == before
    assert await owner_pool.fetchval("select count(*) from person") == 1, "nobody is kept without a business"

    batu = desk.at("35.79")
    elsewhere = await batu.register(**again, same_as=made["id"])
    assert elsewhere.status_code == 200
    assert set(elsewhere.json()) == {"id", "office", "trade_name", "kinds", "kelurahan"}
    assert (await batu.read(f"/v1/businesses/{made['id']}")).status_code == 404
    assert await owner_pool.fetchval("select count(*) from outbox where topic = 'registry.business.v1'") == 1


async def test_same_as_names_a_candidate_or_is_refused(desk: Desk) -> None:
    """No id may be tried out: what is not like this business is not shown, whoever has it."""
    made = await desk.registered()
    for business_id in (made["id"], str(new_id())):
        for who in (desk, desk.at("35.79")):
            answer = await who.register(trade_name="Bengkel Jaya", same_as=business_id)
            assert answer.status_code == 422
            assert [error["field"] for error in answer.json()["errors"]] == ["same_as"]
            assert made["office"] not in answer.text.replace("35.76.02.1001", "")


async def test_a_taken_number_is_told_as_ever_unless_the_business_is_meant(desk: Desk) -> None:
    nib = some_nib()
    made = await desk.registered(nib=nib)
    taken = await desk.register(nib=nib)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:plut:problem:business-exists")
    confirmed = await desk.register(nib=nib, confirmed_new=True, candidates_seen=[made["id"]])
    assert confirmed.json()["type"] == "urn:plut:problem:business-exists"
    assert (await desk.at("35.79").register(nib=nib, same_as=made["id"])).status_code == 200


async def test_three_businesses_of_one_owner_stay_three(desk: Desk) -> None:
    siti = owner(phone=PHONE, name="Siti Aminah")
    for name in ("Keripik Bu Siti", "Batik Bu Siti", "Salon Bu Siti"):
        await desk.registered(trade_name=name, owners=[siti])
    assert len(await search(desk, phone=PHONE)) == 3


async def test_two_persons_of_one_name_stay_two(desk: Desk) -> None:
    await desk.registered(trade_name="Salon Ayu", owners=[owner(name="Siti Aminah")])
    await desk.registered(trade_name="Bengkel Jaya", owners=[owner(name="Siti Aminah")])


async def test_a_cooperative_and_its_shop_stay_two(desk: Desk) -> None:
    chair = owner(phone=PHONE)
    await desk.registered(trade_name="Koperasi Maju Jaya", kinds=["cooperative"], owners=[chair])
    await desk.registered(trade_name="Toko Maju Jaya", kinds=["umkm"], owners=[chair])


async def test_the_same_owner_with_the_same_name_in_the_same_kelurahan_is_asked_about(desk: Desk) -> None:
    nik = some_nik()
    made = await desk.registered(trade_name="Warung Soember", owners=[owner(nik=nik)])
    [shown] = await candidates_of(await desk.at("35.79").register(trade_name="warung sumber", owners=[owner(nik=nik)]))
    assert (shown["id"], shown["office"], shown["verdict"]) == (made["id"], "35.76", "same")
    assert "nama pemilik sama" not in shown["reasons"], "owners' names are compared within one's own office only"


async def test_an_officers_phone_on_many_registrations_makes_no_duplicates(desk: Desk) -> None:
    """Names a little alike: with a telephone in common they would be asked about."""
    nearly = [("Sinar Terang", "Sinar Tarang")]
    [(first, second)] = nearly
    away = "35.76.01.1008"
    await desk.registered(trade_name=first, owners=[owner(phone=PHONE, name="Budi")])
    asked = await desk.register(trade_name=second, kelurahan=away, owners=[owner(phone=PHONE, name="Budi")])
    assert asked.status_code == 409, asked.text
    for _ in range(5):
        await desk.registered(trade_name=some_trade_name(), owners=[owner(phone=PHONE, name="Wati")])
    await desk.registered(trade_name=second, kelurahan=away, owners=[owner(phone=PHONE, name="Budi")])
    assert len(await search(desk, phone=PHONE)) == 7, "whoever asks for the number finds them all"


async def test_a_closed_business_of_ones_own_is_shown_but_not_one_that_was_double(desk: Desk) -> None:
    siti = owner(phone=PHONE)
    gone, double = [await desk.registered(trade_name=name, owners=[siti]) for name in ("Salon Ayu", "Kopi Bu Siti")]
    await desk.close(gone["id"], 1, TODAY)
    await desk.close(double["id"], 1, TODAY, reason="registered_twice")
    [shown] = await candidates_of(await desk.register(trade_name="Salon Ayu", owners=[siti]))
    assert shown["id"] == gone["id"]
    await desk.registered(trade_name="Kopi Bu Siti", owners=[siti])


async def test_one_business_at_two_offices_at_one_instant_is_registered_once(desk: Desk, owner_pool: Pool) -> None:
    """They share the owner's NIK, or else the name in its kelurahan: either is locked before anybody looks."""
    for turn in range(15):
        nik, name = some_nik(), some_trade_name()
        owners = [owner(nik=nik)] * 2 if turn % 2 else [owner(phone=PHONE[:-2] + f"{turn:02d}") for _ in range(2)]
        spelt = (name, name.upper() if turn % 2 == 0 else f"UD {name[:-1]}")
        if turn % 2 == 0:
            owners = [{**each, "phone": owners[0]["phone"]} for each in owners]
        answers = await asyncio.gather(
            *(
                desk.at(office).register(trade_name=typed, owners=[one])
                for office, typed, one in zip(("35.76", "35.79"), spelt, owners, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        refused = next(answer for answer in answers if answer.status_code == 409)
        assert re.search("possible-duplicate", refused.text)
    assert await owner_pool.fetchval("select count(*) from business") == 15
