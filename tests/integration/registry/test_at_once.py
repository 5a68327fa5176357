"""Registrations of which nothing has to be decided are one statement, alone or some together; the others are not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.registry.commands import businesses as commands
from services.registry.domain.business import register
from services.registry.domain.forms import BusinessForm
from services.registry.domain.identity import Vault
from services.registry.store.registrations import Newcomer
from shared.clock import business_day, utc_now
from shared.commands import KeyReused
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


def newcomer(vault: Vault, **changes: Any) -> Newcomer:
    request = write("35.76")
    form = BusinessForm.model_validate(business("35.76", **changes))
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

    monkeypatch.setattr(commands, "execute", refuse)
    body, key = business(owners=[owner(), owner(phone="0812-3456-7890")]), str(new_id())
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


async def test_a_key_that_was_used_otherwise_is_refused(pool: Pool, vault: Vault, desk: Desk) -> None:
    assert desk.office == "35.76"
    one = newcomer(vault)
    await commands.register_plainly(pool, [one])
    other = replace(one, proposal=replace(one.proposal, request=replace(one.proposal.request, body_digest=b"y")))
    with pytest.raises(KeyReused):
        await commands.register_plainly(pool, [other])


async def test_a_name_is_stored_as_it_is_searched_for(desk: Desk, owner_pool: Pool) -> None:
    """However it came there: at once, after a decision, corrected, or written by whoever gives a name alone."""
    made = await desk.registered(trade_name="UD. Djaja Moeljo & Pütra")
    await desk.registered(trade_name=None, kinds=["prospective"])
    assert await owner_pool.fetchval(_MISNAMED) == 0
    assert (await desk.correct(made["id"], 1, trade_name="Toko Oemar")).status_code == 200
    assert await owner_pool.fetchval("select search_name from business where id = $1::uuid", made["id"]) == "umar"
    await owner_pool.execute("update business set search_name = 'x', search_bits = repeat('0', 128)::bit(128)")
    assert await owner_pool.fetchval(_MISNAMED) == 0
