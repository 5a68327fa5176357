"""Registrations of which nothing has to be decided are one statement, alone or some together; the others are not."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.registry.commands import registrations as commands
from services.registry.domain.business import register
from services.registry.domain.forms import BusinessForm
from services.registry.domain.identity import Vault
from services.registry.store.registrations import Newcomer
from shared.clock import business_day, utc_now
from shared.ids import new_id
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, business, owner, some_nib, some_nik, some_trade_name
from tests.integration.registry.test_shared_keys import write

_COUNTS = """
select (select count(*) from business) as businesses, (select count(*) from business_owner) as owners,
       (select count(*) from person) as persons, (select count(*) from person_key) as keys,
       (select count(*) from outbox where type = 'BusinessRegistered') as events,
       (select count(*) from accepted_command c join outbox o on c.event_ids = array[o.event_id]
        where o.type = 'BusinessRegistered' and c.answer ->> 'id' = o.aggregate_id) as answers,
       (select count(*) from audit where action = 'register_business') as lines
"""
_MISNAMED = """
select count(*) from business
where search_name <> fold_trade_name(trade_name) or search_bits <> trigram_bits(fold_trade_name(trade_name))
"""


def newcomer(vault: Vault, office: str = "35.76", **changes: Any) -> Newcomer:
    request = write(office)
    form = BusinessForm.model_validate(business(office, **changes))
    return commands.newcomer(vault, request, register(form, new_id(), business_day(request.now)))


def today() -> str:
    return business_day(utc_now()).isoformat()


async def counts(pool: Pool) -> Mapping[str, int]:
    return dict(await pool.fetchrow(_COUNTS) or {})


def all_of(count: int) -> dict[str, int]:
    return dict.fromkeys(("businesses", "owners", "persons", "keys", "events", "answers", "lines"), count)


async def test_one_statement_is_enough(desk: Desk, owner_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise AssertionError("decided step by step")

    body, key = business(owners=[owner(), owner(phone="0812-3456-7890")]), str(new_id())
    with monkeypatch.context() as patched:
        patched.setattr(commands, "execute", refuse)
        first = await desk.write("POST", "/v1/businesses", body, key=key)
        again = await desk.write("POST", "/v1/businesses", body, key=key)
    other = await desk.write("POST", "/v1/businesses", {**body, "trade_name": some_trade_name()}, key=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await counts(owner_pool) == all_of(1) | {"owners": 2, "persons": 2, "keys": 2}
    shown = await desk.business(first.json()["id"])
    assert [each["id"] for each in shown["owners"]] == first.json()["owner_ids"]
    assert [each["phone"] for each in shown["owners"]] == [None, "**********7890"]


async def test_some_together_are_what_they_would_be_one_by_one(
    desk: Desk, pool: Pool, vault: Vault, owner_pool: Pool
) -> None:
    """Whatever leaves something to decide is left alone, and nothing of it stays behind; nor does it stop others."""
    nik, name = some_nik(), some_trade_name()
    await desk.registered(owners=[owner(nik=nik)])
    before = newcomer(vault)
    assert await commands.register_plainly(pool, [before]) == [before.proposal.answer]
    together = [
        newcomer(vault, owners=[owner(), owner()]),
        newcomer(vault, owners=[owner(), owner(nik=nik)]),
        newcomer(vault, trade_name=name),
        newcomer(vault, trade_name=f"{name}h"),
        newcomer(vault, trade_name=f"{name}h", kelurahan="35.76.01.1003"),
        before,
        newcomer(vault, owners=[owner(phone="0812-3456-7890")]),
    ]
    answers = await commands.register_plainly(pool, together)
    assert [answer and (answer.status, answer.replayed) for answer in answers] == [
        (201, False),
        None,
        (201, False),
        None,
        (201, False),
        (201, True),
        (201, False),
    ]
    assert await counts(owner_pool) == all_of(6) | {"owners": 7, "persons": 7, "keys": 7}
    owners = "select name_tokens, position from business_owner where business_id = $1 order by position"
    for each in (together[0], together[6]):
        stored = await owner_pool.fetch(owners, each.business.id)
        assert [(tuple(row["name_tokens"]), row["position"]) for row in stored] == [
            (candidate.name_tokens, place) for place, candidate in enumerate(each.candidates)
        ]


async def test_those_of_two_offices_share_a_statement_and_no_right(
    desk: Desk, pool: Pool, vault: Vault, owner_pool: Pool
) -> None:
    """What one of them may write for is no other one's: not even should the edge have let it through."""
    assert desk.office == "35.76"
    here, there = newcomer(vault), newcomer(vault, "35.79")
    intruder = newcomer(vault)
    foreign = replace(intruder.proposal.request, principal=there.proposal.request.principal)
    intruder = replace(intruder, proposal=replace(intruder.proposal, request=foreign))
    answers = await commands.register_plainly(pool, [here, intruder, there])
    assert answers == [here.proposal.answer, None, there.proposal.answer]
    assert await counts(owner_pool) == all_of(2)
    lines = "select a.actor, a.office, c.principal from audit a join accepted_command c on c.principal = a.actor"
    written = {tuple(row) for row in await owner_pool.fetch(f"{lines} where a.action = 'register_business'")}
    assert written == {("stf-35.76", "35.76", "stf-35.76"), ("stf-35.79", "35.79", "stf-35.79")}


async def test_one_whose_lock_is_held_stops_no_other(desk: Desk, pool: Pool, vault: Vault, owner_pool: Pool) -> None:
    """It is decided by itself, where it waits as long as any command."""
    assert desk.office == "35.76"
    held, other = newcomer(vault), newcomer(vault)
    async with owner_pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", held.locks[0])
        began = asyncio.get_running_loop().time()
        assert await commands.register_plainly(pool, [held, other]) == [None, None]
        assert asyncio.get_running_loop().time() - began < 4, "five seconds are for who waits alone"
    assert await counts(owner_pool) == all_of(0)
    assert await commands.register_plainly(pool, [held, other]) == [held.proposal.answer, other.proposal.answer]


async def test_many_at_one_instant_are_what_they_would_be_one_by_one(desk: Desk, owner_pool: Pool) -> None:
    """Two offices, double clicks, one number and one person of both: each answer is right and nothing stands twice."""
    batu, nib, nik = desk.at("35.79"), some_nib(), some_nik()
    clicks = [(each, business(each.office), str(new_id())) for each in (desk, batu) * 12]
    told = await asyncio.gather(
        *(each.write("POST", "/v1/businesses", body, key=key) for each, body, key in clicks for _ in range(2)),
        desk.register(nib=nib),
        batu.register(nib=nib),
        desk.register(owners=[owner(nik=nik)]),
        batu.register(owners=[owner(nik=nik)]),
    )
    pairs, others = told[: 2 * len(clicks)], told[2 * len(clicks) :]
    assert {answer.status_code for answer in pairs} == {201}
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        assert first.json() == second.json()
    assert len({answer.json()["id"] for answer in pairs}) == len(clicks)
    assert sorted(answer.status_code for answer in others) == [201, 201, 201, 409]
    found = await counts(owner_pool)
    assert found == all_of(len(clicks) + 3) | {"persons": len(clicks) + 2, "keys": len(clicks) + 2}


async def test_rehearsed_they_leave_nothing(pool: Pool, vault: Vault, desk: Desk, owner_pool: Pool) -> None:
    assert desk.office == "35.76"
    one = newcomer(vault)
    assert await commands.register_plainly(pool, [one], rehearsed=True) == [one.proposal.answer]
    assert await counts(owner_pool) == all_of(0)


async def test_a_number_that_is_taken_undoes_the_statement(
    desk: Desk, pool: Pool, vault: Vault, owner_pool: Pool
) -> None:
    """Closed by another office it is not found, but its number is its own."""
    other = desk.at("35.79")
    made = await other.registered(nib=(nib := some_nib()))
    assert (await other.close(made["id"], 1, today())).status_code == 200
    assert await commands.register_plainly(pool, [newcomer(vault), newcomer(vault, nib=nib)]) == [None, None]
    assert await counts(owner_pool) == all_of(1)
    assert (await desk.register(nib=nib)).status_code == 409


async def test_an_office_that_is_not_registered_is_told_so(desk: Desk, owner_pool: Pool) -> None:
    assert (await desk.at("35.78").register()).status_code == 422
    assert await counts(owner_pool) == all_of(0)


async def test_a_key_that_was_used_otherwise_is_left_to_be_refused(pool: Pool, vault: Vault, desk: Desk) -> None:
    """Its company is registered: only who used the key otherwise is told so."""
    assert desk.office == "35.76"
    one, company = newcomer(vault), newcomer(vault)
    await commands.register_plainly(pool, [one])
    other = replace(one, proposal=replace(one.proposal, request=replace(one.proposal.request, body_digest=b"y")))
    assert await commands.register_plainly(pool, [other, company]) == [None, company.proposal.answer]


async def test_a_name_is_stored_as_it_is_searched_for(desk: Desk, owner_pool: Pool) -> None:
    """However it came there: at once, after a decision, corrected, or written by whoever gives a name alone."""
    made = await desk.registered(trade_name="UD. Djaja Moeljo & Pütra")
    await desk.registered(trade_name=None, kinds=["prospective"])
    assert await owner_pool.fetchval(_MISNAMED) == 0
    assert (await desk.correct(made["id"], 1, trade_name="Toko Oemar")).status_code == 200
    assert await owner_pool.fetchval("select search_name from business where id = $1::uuid", made["id"]) == "umar"
    await owner_pool.execute("update business set search_name = 'x', search_bits = repeat('0', 128)::bit(128)")
    assert await owner_pool.fetchval(_MISNAMED) == 0
