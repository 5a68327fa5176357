"""The same key has one effect, however often and from wherever it comes, and whatever dies on the way."""

import asyncio
import random
from contextlib import suppress
from datetime import date

import pytest

from shared import postgres
from shared.commands import ACCEPTING, Answer, Busy, KeyReused, Work, execute
from shared.contracts.registry import OfficeOpened, OfficeState
from shared.http.problem import Problem
from tests.support.ledger import Decide, Ledger, request
from tests.support.wire import Wire


async def test_twenty_equal_requests_at_once_have_one_effect_and_one_answer(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(ledger.write(request("key-00001")) for _ in range(20)))

    assert await ledger.effects("key-00001") == 1
    assert len({str(answer.body) for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19


async def test_a_duplicate_waits_for_the_first_and_gets_its_answer(ledger: Ledger) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await go_on.wait()

    first = asyncio.create_task(execute(ledger.pool, request("key-00002"), ledger.deciding("key-00002", before=hold)))
    await inside.wait()
    second = asyncio.create_task(ledger.write(request("key-00002")))
    await ledger.until_waited_for("advisory")
    go_on.set()

    answer, repeated = await asyncio.gather(first, second)
    assert repeated.body == answer.body
    assert (answer.replayed, repeated.replayed) == (False, True)
    assert await ledger.effects("key-00002") == 1


async def test_a_duplicate_of_a_command_that_fails_runs_itself(ledger: Ledger) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        inside.set()
        await go_on.wait()
        raise Problem(409, "taken", "t", "d", cure="c")

    first = asyncio.create_task(execute(ledger.pool, request("key-00003"), ledger.deciding("key-00003", before=fail)))
    await inside.wait()
    second = asyncio.create_task(ledger.write(request("key-00003")))
    await ledger.until_waited_for("advisory")
    go_on.set()

    with pytest.raises(Problem):
        await first
    assert (await second).replayed is False
    assert await ledger.effects("key-00003") == 1


async def test_a_duplicate_gives_up_after_five_seconds(ledger: Ledger) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await go_on.wait()

    first = asyncio.create_task(execute(ledger.pool, request("key-00004"), ledger.deciding("key-00004", before=hold)))
    await inside.wait()
    with pytest.raises(Busy):
        await ledger.write(request("key-00004"))
    go_on.set()
    assert (await first).replayed is False


async def test_another_body_under_the_same_key_is_refused(ledger: Ledger) -> None:
    await ledger.write(request("key-00005", "one"))
    with pytest.raises(KeyReused):
        await ledger.write(request("key-00005", "two"))
    assert await ledger.effects("key-00005") == 1


async def test_keys_of_two_people_do_not_meet(ledger: Ledger) -> None:
    mine = await ledger.write(request("key-00006", "one", subject="stf-1"))
    theirs = await ledger.write(request("key-00006", "two", subject="stf-2"))
    assert mine.body != theirs.body
    assert await ledger.effects("key-00006") == 2


async def test_a_refused_command_leaves_nothing_and_its_key_free(ledger: Ledger) -> None:
    async def refuse(work: Work) -> Answer:
        await work.connection.execute("insert into effect (key, body) values ('key-00007', '')")
        raise Problem(409, "taken", "t", "d", cure="c")

    with pytest.raises(Problem):
        await execute(ledger.pool, request("key-00007"), refuse)
    assert await ledger.effects("key-00007") == 0
    assert (await ledger.write(request("key-00007"))).replayed is False


async def test_a_command_that_saves_with_its_answer_leaves_both_or_neither(ledger: Ledger) -> None:
    """One statement writes what the command does, its events and its answer; nothing can be told behind it."""

    async def decide(work: Work) -> Answer:
        answer = Answer(201, {"id": "the one", "revision": 1, "version": 1})
        saving = f"with {ACCEPTING} insert into effect (key, body) values ($15, $16)"
        await work.connection.execute(saving, *work.accepting(answer), work.request.key, "{}")
        if work.request.key == "key-late-":
            state = OfficeState(code="35.76", name="PLUT", opened_on=date(2026, 1, 1))
            work.tell(OfficeOpened, aggregate_id="35.76", version=1, office="35.76", state=state)
        return answer

    for replayed in (False, True):
        answer = await execute(ledger.pool, request("key-saved"), decide)
        assert (answer.body["id"], answer.replayed) == ("the one", replayed)
    with pytest.raises(RuntimeError, match="OfficeOpened is told after"):
        await execute(ledger.pool, request("key-late-"), decide)
    assert [await ledger.effects(key) for key in ("key-saved", "key-late-")] == [1, 0]
    assert (await ledger.write(request("key-late-"))).replayed is False


async def test_two_commands_in_opposite_order_both_succeed(ledger: Ledger) -> None:
    meet = asyncio.Barrier(2)
    deadlocks = 0

    async def add(work: Work, first: str, second: str, tries: list[int]) -> Answer:
        nonlocal deadlocks
        tries.append(1)
        await work.connection.execute("update shelf set content = content + 1 where name = $1", first)
        if len(tries) == 1:
            await meet.wait()
        else:
            deadlocks += 1
        await work.connection.execute("update shelf set content = content + 1 where name = $1", second)
        return Answer(200, {"revision": 1})

    def deciding(first: str, second: str) -> Decide:
        tries: list[int] = []
        return lambda work: add(work, first, second, tries)

    await asyncio.gather(
        execute(ledger.pool, request("key-00008"), deciding("a", "b")),
        execute(ledger.pool, request("key-00009"), deciding("b", "a")),
    )
    assert deadlocks >= 1
    assert await ledger.as_superuser("fetchval", "select array_agg(content) from registry.shelf") == [2, 2]


async def test_a_command_whose_connection_dies_is_run_again(ledger: Ledger) -> None:
    tries = []

    async def die_once(work: Work) -> Answer:
        tries.append(1)
        await work.connection.execute("insert into effect (key, body) values ('key-00010', '')")
        if len(tries) == 1:
            own = await work.connection.fetchval("select pg_backend_pid()")
            await ledger.as_superuser("fetchval", "select pg_terminate_backend($1)", own)
        await work.connection.execute("select 1")
        return Answer(201, {"revision": 1})

    answer = await execute(ledger.pool, request("key-00010"), die_once)
    assert answer.replayed is False
    assert len(tries) == 2
    assert await ledger.effects("key-00010") == 1


async def test_a_commit_whose_answer_is_lost_is_found_again(ledger: Ledger) -> None:
    settings = ledger.database.settings("registry")
    async with Wire.to(settings.postgres_host, settings.postgres_port) as wire:
        behind = settings.model_copy(update={"postgres_port": wire.port, "postgres_host": "127.0.0.1"})
        pool = await postgres.create_pool(behind, "registry_app", schema="registry", application="cut")
        wire.cut_after(b"COMMIT;")
        answer = await execute(pool, request("key-00011"), ledger.deciding("key-00011"))
        pool.terminate()
    assert wire.cuts == 1
    assert answer.replayed is True
    assert await ledger.effects("key-00011") == 1


async def test_a_commit_whose_outcome_stays_unknown_is_told_by_the_same_key_later(ledger: Ledger) -> None:
    settings = ledger.database.settings("registry")
    async with Wire.to(settings.postgres_host, settings.postgres_port) as wire:
        behind = settings.model_copy(update={"postgres_port": wire.port, "postgres_host": "127.0.0.1"})
        pool = await postgres.create_pool(behind, "registry_app", schema="registry", application="cut")
        wire.cut_after(b"COMMIT;", for_good=True)
        with pytest.raises(postgres.UNAVAILABLE):
            await execute(pool, request("key-00013"), ledger.deciding("key-00013"))
        assert await ledger.effects("key-00013") == 1

        wire.mend()
        again = await execute(pool, request("key-00013"), ledger.deciding("key-00013"))
        pool.terminate()
    assert again.replayed is True
    assert await ledger.effects("key-00013") == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_is_repeated_and_killed_every_accepted_key_has_one_effect(ledger: Ledger, seed: int) -> None:
    """Random keys from a small set, random bodies, dying backends: as offices with bad lines would send them."""
    chance = random.Random(seed)  # noqa: S311  the same run every time
    acknowledged: dict[str, set[str]] = {}
    kills = 0

    async def office(number: int) -> None:
        for _ in range(15):
            key, body = f"random-{chance.randrange(25)}", "same"
            with suppress(KeyReused, Busy, *postgres.UNAVAILABLE):
                answer = await ledger.write(request(key, body, subject="stf-1"))
                acknowledged.setdefault(key, set()).add(str(answer.body))
            await asyncio.sleep(chance.random() * 0.01 * number)

    async def reaper() -> None:
        nonlocal kills
        for _ in range(15):
            await asyncio.sleep(0.02)
            kills += await ledger.as_superuser("fetchval", _KILL_ONE)

    await asyncio.gather(reaper(), *(office(number) for number in range(8)))
    assert kills > 0
    accepted = await ledger.accepted()
    assert set(accepted.values()) == {1}
    assert set(acknowledged) <= set(accepted)
    assert all(len(answers) == 1 for answers in acknowledged.values())
    assert await ledger.as_superuser("fetchval", "select count(*) from registry.effect") == len(accepted)


async def test_the_scope_ends_with_the_transaction(ledger: Ledger) -> None:
    seen = []

    async def look(work: Work) -> Answer:
        seen.append(await work.connection.fetchval("select current_setting('app.offices', true)"))
        return Answer(200, {"revision": 1})

    await execute(ledger.pool, request("key-00012", offices=("35.01", "35.76")), look)
    async with ledger.pool.acquire() as connection:
        seen.append(await connection.fetchval("select nullif(current_setting('app.offices', true), '')"))
    assert seen == ["35.01,35.76", None]


_KILL_ONE = """
select count(pg_terminate_backend(pid)) from (
    select pid from pg_stat_activity where usename = 'registry_app' and datname = current_database()
    order by random() limit 1
) as one
"""
