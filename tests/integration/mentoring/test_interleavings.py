"""Two who do something to one session at once: one consistent state and a clear answer for each, however they meet."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.mentoring import commands
from shared.commands import Busy
from shared.contracts.catalogue import AnyEvent, parse
from shared.http.problem import Problem
from shared.postgres import RETRYABLE, Pool
from tests.integration.mentoring.office import (
    DAY,
    apply,
    closed,
    published,
    register_consultant,
    registered,
    request,
    said,
)
from tests.integration.mentoring.test_life import TODAY, correct, found, held, history, planned

ROUNDS = 25


async def later(deed: Awaitable[Any], chance: random.Random) -> Any:
    """Does it after a moment that differs from round to round, so that each side comes first, last and between."""
    await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003, 0.006, 0.01)))
    try:
        return await deed
    except (Problem, Busy) as refused:
        return refused


async def delivered(worker: Pool, *events: AnyEvent) -> None:
    """Delivers as a consumer does: again, after a transaction that lost."""
    for _ in range(5):
        try:
            await apply(worker, *events)
        except RETRYABLE:
            continue
        return
    raise AssertionError("lost five times")


async def assert_consistent(worker: Pool, session: UUID) -> None:
    """What is kept, what was told last and the history agree; every version was told once, every edit is remembered."""
    rows = await published(worker, session)
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    kept = await found(worker, session)
    last = parse(rows[-1]["type"], rows[-1]["payload"])
    assert last is not None
    assert (last.version, last.state) == (kept.standing.version, kept.state)
    resolved = sum(row["type"] == "SessionResolved" for row in rows)
    assert len(await history(worker, session)) + resolved == kept.standing.revision - 1


async def test_two_corrections_of_one_session(api_pool: Pool, worker: Pool) -> None:
    chance, consultant = random.Random(1), await register_consultant(api_pool)  # noqa: S311  not a secret
    for _ in range(ROUNDS):
        session = await held(api_pool, consultant, minutes=(10, 0, 0))
        outcomes = await asyncio.gather(
            later(correct(api_pool, session, 1, contact_minutes=11), chance),
            later(correct(api_pool, session, 1, travel_minutes=2), chance),
        )
        [lost] = [each for each in outcomes if isinstance(each, Exception)]
        assert isinstance(lost, Problem)
        assert (lost.status, lost.extra["current_revision"]) == (412, 2)
        kept = (await found(worker, session)).state
        assert (kept.contact_minutes, kept.travel_minutes) in ((11, 0), (10, 2))
        await assert_consistent(worker, session)


async def test_a_business_is_closed_while_its_session_is_completed(api_pool: Pool, worker: Pool) -> None:
    """Either the session was first and stands, or the closure was and the session is refused with its reason."""
    chance, consultant = random.Random(2), await register_consultant(api_pool)  # noqa: S311
    seen = set()
    for _ in range(ROUNDS):
        business = uuid4()
        await apply(worker, registered(business))
        session = await planned(api_pool, consultant, business, minutes=(5, 0, 0))
        completed, _ = await asyncio.gather(
            later(commands.complete_plan(api_pool, request(), session, 1, {}), chance),
            later(delivered(worker, closed(business, 2)), chance),
        )
        kept = await found(worker, session)
        assert kept.today[business].closed_on == DAY < TODAY
        if isinstance(completed, Problem):
            assert [each.field for each in completed.errors] == ["businesses.0"]
            assert kept.state.state == "scheduled"
        else:
            assert kept.state.state == "completed"
        seen.add(kept.state.state)
        await assert_consistent(worker, session)
    assert seen == {"scheduled", "completed"}, "the moments should let each side win"


async def test_an_answer_comes_while_a_correction_runs(api_pool: Pool, worker: Pool) -> None:
    """The answer was to the question that the correction makes void: confirmed is nothing but what was asked."""
    chance, consultant = random.Random(3), await register_consultant(api_pool)  # noqa: S311
    seen = set()
    for round_ in range(ROUNDS):
        business = uuid4()
        session = await held(api_pool, consultant, business, minutes=(5, 0, 0))
        corrected, _ = await asyncio.gather(
            later(correct(api_pool, session, 1, contact_minutes=6), chance),
            later(delivered(worker, said(session, business, disputed=round_ % 2 == 0)), chance),
        )
        kept = await found(worker, session)
        if isinstance(corrected, Problem):
            assert corrected.status == 412
            assert (kept.state.contact_minutes, kept.state.confirmable_version) == (5, 1)
            assert kept.state.state in ("confirmed", "contested")
        else:
            assert (kept.state.contact_minutes, kept.state.confirmable_version) == (6, 2)
            assert (kept.state.state, kept.state.businesses[0].attested) == ("completed", False)
        seen.add(isinstance(corrected, Problem))
        await assert_consistent(worker, session)
    assert seen == {True, False}, "the moments should let each side win"


async def test_a_business_becomes_known_while_it_is_replaced(api_pool: Pool, worker: Pool) -> None:
    chance, consultant = random.Random(4), await register_consultant(api_pool)  # noqa: S311
    for _ in range(ROUNDS):
        first, second = uuid4(), uuid4()
        session = await held(api_pool, consultant, first, minutes=(5, 0, 0))
        await asyncio.gather(
            later(correct(api_pool, session, 1, businesses=[second]), chance),
            later(delivered(worker, registered(first), registered(second)), chance),
        )
        kept = await found(worker, session)
        assert all(business.known for business in kept.state.businesses)
        assert kept.provisional is False
        await assert_consistent(worker, session)


async def test_the_answers_of_many_businesses_come_at_once(api_pool: Pool, worker: Pool) -> None:
    """Each by a consumer of its own, twice and in any order: the session is confirmed once."""
    chance, consultant = random.Random(5), await register_consultant(api_pool)  # noqa: S311
    for _ in range(10):
        businesses = [uuid4() for _ in range(4)]
        session = await held(api_pool, consultant, *businesses, minutes=(5, 0, 0))
        answers = [said(session, business) for business in businesses] * 2
        chance.shuffle(answers)
        await asyncio.gather(*(later(delivered(worker, answer), chance) for answer in answers))
        assert [row["type"] for row in await published(worker, session)] == ["SessionCompleted", "SessionConfirmed"]
        await assert_consistent(worker, session)


async def test_two_plans_move_into_one_hour(api_pool: Pool, worker: Pool) -> None:
    """Without the lock on the consultants both would find the hour free."""
    chance, consultant = random.Random(6), await register_consultant(api_pool)  # noqa: S311
    for number in range(10):
        day = TODAY + timedelta(days=3 * number)
        one = await planned(api_pool, consultant, day=day, start=time(8))
        other = await planned(api_pool, consultant, day=day, start=time(14))
        outcomes = await asyncio.gather(
            later(correct(api_pool, one, 1, start=time(11)), chance),
            later(correct(api_pool, other, 1, start=time(11, 30)), chance),
        )
        assert [each.kind for each in outcomes if isinstance(each, Problem)] == ["consultant-busy"], outcomes
        await assert_consistent(worker, one)
        await assert_consistent(worker, other)


@pytest.mark.parametrize("deed", ["cancel", "complete"])
async def test_a_plan_ends_once(api_pool: Pool, worker: Pool, deed: str) -> None:
    chance, consultant = random.Random(7), await register_consultant(api_pool)  # noqa: S311
    for _ in range(10):
        session = await planned(api_pool, consultant, minutes=(5, 0, 0))
        rival = (
            commands.cancel_session(api_pool, request(), session, 1, "Klien sakit")
            if deed == "cancel"
            else commands.complete_plan(api_pool, request(), session, 1, {})
        )
        outcomes = await asyncio.gather(
            later(rival, chance), later(commands.mark_no_show(api_pool, request(), session, 1, None), chance)
        )
        assert [each.status for each in outcomes if isinstance(each, Problem)] == [412]
        await assert_consistent(worker, session)
