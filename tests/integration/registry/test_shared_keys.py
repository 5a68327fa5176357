"""What is unique in the province stays so when offices write at the same instant. Commands queue, never deadlock."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.registry.commands import businesses as commands
from services.registry.commands.registrations import Registrations
from services.registry.domain.forms import BusinessCorrection, BusinessForm
from services.registry.domain.identity import Vault
from shared.auth.principal import Principal, Role
from shared.commands import Answer, Request
from shared.http.problem import Problem
from shared.ids import new_id
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.integration.registry.desk import Desk, business, owner, some_nib, some_nik

OFFICES = ("35.76", "35.79")


def write(office: str) -> Request:
    principal = Principal(f"stf-{office}", frozenset({Role.OFFICE_HEAD}), (office,))
    return Request(principal, str(new_id()), b"x", new_id(), None, datetime(2026, 11, 21, 3, tzinfo=UTC))


async def deadlocks(pool: Pool) -> int:
    count: int = await pool.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    return count


async def outcome(call: Any) -> int | Answer:
    try:
        answer: Answer = await call
    except Problem as problem:
        return problem.status
    return answer


def register(pool: Pool, vault: Vault, office: str, **changes: Any) -> Any:
    form = BusinessForm.model_validate(business(office, **changes))
    return outcome(Registrations(pool, vault).register(write(office), form))


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("field", ["nib", "cooperative_number"])
async def test_a_number_of_two_offices_goes_to_one(pool: Pool, vault: Vault, owner_pool: Pool, field: str) -> None:
    for _ in range(30):
        number = some_nib()
        kinds = ["cooperative"] if field == "cooperative_number" else ["umkm"]
        answers = await asyncio.gather(
            *(register(pool, vault, office, kinds=kinds, **{field: number}) for office in OFFICES * 2)
        )
        assert sorted(a if isinstance(a, int) else a.status for a in answers) == [201, 409, 409, 409]
    assert await owner_pool.fetchval("select count(*) from business") == 30
    assert await owner_pool.fetchval("select count(*) from outbox where topic = 'registry.business.v1'") == 30
    assert await owner_pool.fetchval("select count(*) from person") == 30, "a refused registration leaves nobody behind"


@pytest.mark.usefixtures("desk")
async def test_a_nik_of_two_offices_is_one_person(pool: Pool, vault: Vault, owner_pool: Pool) -> None:
    for _ in range(30):
        nik = some_nik()
        answers = await asyncio.gather(
            *(register(pool, vault, office, owners=[owner(nik=nik)]) for office in OFFICES * 2)
        )
        assert all(isinstance(answer, Answer) for answer in answers)
        persons = {tuple(answer.body["owner_ids"]) for answer in answers if isinstance(answer, Answer)}
        assert len(persons) == 1
    assert await owner_pool.fetchval("select count(*) from person") == 30
    assert await owner_pool.fetchval("select count(*) from business_owner") == 120


async def test_over_http_too(desk: Desk) -> None:
    nib, nik = some_nib(), some_nik()
    batu = desk.at("35.79")
    same_nib = await asyncio.gather(desk.register(nib=nib), batu.register(nib=nib))
    assert sorted(answer.status_code for answer in same_nib) == [201, 409]
    refused = next(answer for answer in same_nib if answer.status_code == 409).json()
    assert [error["field"] for error in refused["errors"]] == ["nib"]
    same_nik = await asyncio.gather(desk.register(owners=[owner(nik=nik)]), batu.register(owners=[owner(nik=nik)]))
    assert [answer.status_code for answer in same_nik] == [201, 201]
    assert len({answer.json()["owner_ids"][0] for answer in same_nik}) == 1


async def test_a_known_person_is_neither_shown_nor_overwritten(desk: Desk) -> None:
    nik, batu = some_nik(), desk.at("35.79")
    first = await desk.registered(owners=[owner(nik=nik, name="Siti Aminah", phone="081234567890")])
    second = await batu.registered(owners=[owner(nik=nik, name="Bu Siti", address="Jl. Diponegoro 5")])
    assert first["owner_ids"] == second["owner_ids"]

    [here] = (await desk.business(first["id"]))["owners"]
    [there] = (await batu.business(second["id"]))["owners"]
    assert (here["name"], here["phone"], here["address"]) == ("Siti Aminah", "**********7890", None)
    assert (there["name"], there["phone"], there["address"]) == ("Bu Siti", None, "***")
    assert here["nik"] == there["nik"]


@pytest.mark.usefixtures("desk")
async def test_any_mixture_of_commands_queues_without_a_deadlock(
    database: Database, vault: Vault, owner_pool: Pool
) -> None:
    """Registrations and corrections that take and free the same NIKs and numbers, in every order, all at once."""
    pool = await database.pool("registry", "app", size=12)
    shuffle = random.Random(20261121)  # noqa: S311  a schedule
    niks, nibs = [some_nik() for _ in range(4)], [some_nib() for _ in range(4)]
    cooperatives = ["3576010020001", "3576010020002", "3576010020003"]
    made: list[tuple[str, str]] = []

    def some_owners() -> list[dict[str, Any]]:
        return [owner(nik=nik) for nik in shuffle.sample(niks, shuffle.randint(1, 4))]

    async def newcomer() -> str:
        office = shuffle.choice(OFFICES)
        numbers = {"nib": shuffle.choice([*nibs, None]), "cooperative_number": shuffle.choice([*cooperatives, None])}
        answer = await register(pool, vault, office, kinds=["umkm", "cooperative"], owners=some_owners(), **numbers)
        if isinstance(answer, Answer):
            made.append((answer.body["id"], office))
        return f"register {answer if isinstance(answer, int) else answer.status}"

    async def correction() -> str:
        business_id, office = shuffle.choice(made)
        changes = [
            {"owners": some_owners()},
            {"nib": shuffle.choice([*nibs, None]), "cooperative_number": shuffle.choice([*cooperatives, None])},
            {"nib": shuffle.choice(nibs), "owners": some_owners()},
            {"trade_name": f"Batik {shuffle.randint(1, 9)}"},
        ]
        form = BusinessCorrection.model_validate(shuffle.choice(changes))
        revision = await owner_pool.fetchval("select revision from business where id = $1::uuid", business_id)
        call = commands.correct_business(pool, vault, write(office), UUID(business_id), revision, form)
        answer = await outcome(call)
        return f"correct {answer if isinstance(answer, int) else answer.status}"

    seen: Counter[str] = Counter([await newcomer() for _ in range(4)])
    for _ in range(25):
        seen.update(await asyncio.gather(*(shuffle.choice([newcomer, correction, correction])() for _ in range(12))))

    assert set(seen) <= {"register 201", "register 409", "correct 200", "correct 409", "correct 412"}, seen
    assert seen["correct 200"] > 30, seen
    assert await deadlocks(owner_pool) == 0
    unowned = "select count(*) from person p where not exists (select from business_owner o where o.person_id = p.id)"
    assert await owner_pool.fetchval(unowned) == 0
    assert (
        await owner_pool.fetchval(
            "select count(*) from business b where version <> (select count(*) from outbox "
            "where aggregate_id = b.id::text)"
        )
        == 0
    )


async def test_a_swap_of_two_numbers_waits_for_its_turn(desk: Desk, owner_pool: Pool) -> None:
    """Each wants what the other would set free: both are told that it is taken, and neither waits for the other."""
    for _ in range(20):
        nibs = [some_nib(), some_nib()]
        pair = [await desk.registered(nib=nib) for nib in nibs]
        answers = await asyncio.gather(
            desk.correct(pair[0]["id"], 1, nib=nibs[1]), desk.correct(pair[1]["id"], 1, nib=nibs[0])
        )
        assert [answer.status_code for answer in answers] == [409, 409]
    assert await deadlocks(owner_pool) == 0


async def test_a_person_is_not_forgotten_while_another_office_takes_him(
    desk: Desk, pool: Pool, vault: Vault, owner_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last business lets go of him when another one has named him and has not committed yet."""
    nik = some_nik()
    made = await desk.registered(owners=[owner(nik=nik)])
    named, go_on = asyncio.Event(), asyncio.Event()
    met: list[str] = []

    async def hold(name: str) -> None:
        met.append(name)
        if met.count("api.before_commit") == 2:  # first it was tried at once, which is not clear
            named.set()
            await go_on.wait()

    monkeypatch.setattr("shared.failpoint.point", hold)
    registering = asyncio.create_task(register(pool, vault, "35.79", owners=[owner(nik=nik)]))
    await named.wait()
    correcting = asyncio.create_task(desk.correct(made["id"], 1, owners=[owner()]))
    while not await owner_pool.fetchval("select exists (select from pg_locks where not granted)"):
        assert not correcting.done()
    go_on.set()

    assert (await correcting).status_code == 200
    registered = await registering
    assert isinstance(registered, Answer)
    assert registered.body["owner_ids"] == made["owner_ids"]
    assert (
        await owner_pool.fetchval("select count(*) from person_key where person_id = $1::uuid", *made["owner_ids"]) == 1
    )


async def test_two_edits_of_one_revision_have_one_winner(desk: Desk) -> None:
    made = await desk.registered()
    answers = await asyncio.gather(*(desk.correct(made["id"], 1, trade_name=f"Batik {n}") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
