"""Commands against a real Postgres: what is kept, what is told, and what is refused."""

import asyncio
import json
from datetime import date, time, timedelta
from uuid import UUID, uuid4

import pytest

from services.mentoring import commands
from shared.auth.principal import Principal, Role
from shared.contracts.catalogue import parse
from shared.http.problem import Problem
from shared.postgres import Pool
from tests.integration.mentoring.office import (
    BATU,
    BATU_HEAD,
    DAY,
    HEAD,
    MOJOKERTO,
    apply,
    closed,
    draft,
    opened,
    published,
    register_consultant,
    registered,
    request,
)


async def a_business(worker: Pool, *, known: bool) -> UUID:
    """A session of one that is not known yet is decided by itself, whatever comes with it."""
    business = uuid4()
    if known:
        await apply(worker, registered(business))
    return business


async def test_a_consultant_is_told_without_the_name(api_pool: Pool, worker: Pool) -> None:
    consultant = await register_consultant(api_pool, name="Siti Rahayu Uji")
    [row] = await published(worker, consultant)
    assert row["type"] == "ConsultantRegistered"
    assert "Siti" not in row["payload"]
    assert json.loads(row["payload"])["payload"]["state"]["fields"] == ["production"]


async def test_a_login_is_one_consultant_of_an_office(api_pool: Pool) -> None:
    await register_consultant(api_pool, staff="stf-1")
    await register_consultant(api_pool, BATU_HEAD, staff="stf-1")
    with pytest.raises(Problem) as refused:
        await register_consultant(api_pool, staff="stf-1")
    assert (refused.value.status, refused.value.kind) == (409, "consultant-exists")


async def test_a_login_registered_twice_at_once_is_one_consultant(api_pool: Pool) -> None:
    outcomes = await asyncio.gather(
        *(register_consultant(api_pool, staff="stf-race") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(outcome, UUID) for outcome in outcomes) == 1
    assert all(outcome.status == 409 for outcome in outcomes if isinstance(outcome, Problem))


async def test_only_the_head_registers_consultants(api_pool: Pool) -> None:
    desk = Principal("stf-desk", frozenset({Role.FRONT_DESK}), (MOJOKERTO,))
    with pytest.raises(Problem) as refused:
        await register_consultant(api_pool, desk)
    assert refused.value.status == 403


async def test_a_session_carries_its_businesses_as_they_are_known(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    await apply(worker, registered(business))
    answer = await commands.Sessions(api_pool).complete(request(), draft([consultant], [business]))
    assert answer.status == 201
    assert answer.body["provisional"] is False
    [row] = await published(worker, answer.body["id"])
    event = parse("SessionCompleted", row["payload"])
    assert event is not None
    [known] = event.state.businesses
    assert (known.known, known.kinds, known.kelurahan, known.home_office) == (
        True,
        ["umkm", "ikm"],
        "35.79.01.1001",
        BATU,
    )
    assert (event.state.state, event.state.confirmable_version, event.state.imported) == ("completed", 1, False)


async def test_an_unknown_business_makes_the_session_provisional(api_pool: Pool, worker: Pool) -> None:
    consultant, unknown, known = await register_consultant(api_pool), uuid4(), uuid4()
    await apply(worker, registered(known))
    answer = await commands.Sessions(api_pool).complete(request(), draft([consultant], [unknown, known]))
    assert answer.body["provisional"] is True
    [row] = await published(worker, answer.body["id"])
    businesses = json.loads(row["payload"])["payload"]["state"]["businesses"]
    assert [(each["id"], each["known"], each["home_office"]) for each in businesses] == [
        (str(unknown), False, None),
        (str(known), True, BATU),
    ]


@pytest.mark.parametrize("known", [True, False], ids=["together", "by-itself"])
async def test_the_same_key_gets_the_same_answer_and_one_session(api_pool: Pool, worker: Pool, *, known: bool) -> None:
    consultant, asked = await register_consultant(api_pool), request()
    desks = [commands.Sessions(api_pool), commands.Sessions(api_pool)]
    wanted = draft([consultant], [await a_business(worker, known=known)])
    answers = await asyncio.gather(*(desk.complete(asked, wanted) for desk in desks * 3))
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum(answer.replayed for answer in answers) == 5
    assert await worker.fetchval("select count(*) from session") == 1


async def test_a_closed_business_gets_no_session_after_its_last_day(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    await apply(worker, registered(business), closed(business, 2))
    last_day = await commands.Sessions(api_pool).complete(request(), draft([consultant], [business], day=DAY))
    assert last_day.status == 201
    with pytest.raises(Problem, match="sudah ditutup") as refused:
        await commands.Sessions(api_pool).complete(
            request(), draft([consultant], [business], day=DAY + timedelta(days=1))
        )
    assert (refused.value.status, refused.value.errors[0].field) == (422, "businesses.0")


async def test_no_session_before_the_office_opened(api_pool: Pool, worker: Pool) -> None:
    consultant = await register_consultant(api_pool)
    early = draft([consultant], [uuid4()], day=date(2024, 2, 1))
    await commands.Sessions(api_pool).complete(request(), early)  # the office is not known yet
    await apply(worker, opened(opened_on=date(2024, 3, 1)))
    with pytest.raises(Problem) as refused:
        await commands.Sessions(api_pool).complete(request(), early)
    assert (refused.value.status, refused.value.errors[0].field) == (422, "day")


async def test_nothing_is_kept_of_a_refused_session(api_pool: Pool, worker: Pool) -> None:
    consultant, asked = await register_consultant(api_pool), request()
    with pytest.raises(Problem):
        await commands.Sessions(api_pool).complete(asked, draft([consultant], [uuid4()], day=date(2027, 1, 1)))
    assert await worker.fetchval("select count(*) from session") == 0
    assert await worker.fetchval("select count(*) from business_replica") == 0
    answer = await commands.Sessions(api_pool).complete(asked, draft([consultant], [uuid4()]))
    assert answer.status == 201


async def test_a_consultant_of_another_office_is_unknown_here(api_pool: Pool) -> None:
    foreign = await register_consultant(api_pool, BATU_HEAD)
    with pytest.raises(Problem) as refused:
        await commands.Sessions(api_pool).complete(request(), draft([foreign], [uuid4()]))
    assert (refused.value.status, refused.value.errors[0].field) == (422, "consultants.0")


async def test_who_has_two_offices_does_not_mix_them(api_pool: Pool) -> None:
    both = Principal("stf-both", frozenset({Role.OFFICE_HEAD}), (MOJOKERTO, BATU))
    foreign = await register_consultant(api_pool, BATU_HEAD)
    with pytest.raises(Problem) as refused:
        await commands.Sessions(api_pool).complete(request(both), draft([foreign], [uuid4()]))
    assert refused.value.status == 422


async def test_another_office_is_forbidden(api_pool: Pool) -> None:
    consultant = await register_consultant(api_pool)
    with pytest.raises(Problem) as refused:
        await commands.Sessions(api_pool).complete(request(BATU_HEAD), draft([consultant], [uuid4()]))
    assert refused.value.status == 403


async def test_a_consultant_records_his_own_sessions_only(api_pool: Pool) -> None:
    own, other = await register_consultant(api_pool, staff="stf-own"), await register_consultant(api_pool)
    himself = Principal("stf-own", frozenset({Role.CONSULTANT}), (MOJOKERTO,))
    await commands.Sessions(api_pool).complete(request(himself), draft([other, own], [uuid4()]))
    with pytest.raises(Problem) as refused:
        await commands.Sessions(api_pool).complete(request(himself), draft([other], [uuid4()]))
    assert (refused.value.status, refused.value.kind) == (403, "not-own-session")


async def test_preparation_may_not_overlap_the_session_before(api_pool: Pool) -> None:
    consultant = await register_consultant(api_pool)
    await commands.Sessions(api_pool).complete(request(), draft([consultant], [uuid4()], start=time(9)))
    late = draft([consultant], [uuid4()], start=time(10, 20), minutes=(30, 10, 20))
    with pytest.raises(Problem) as refused:
        await commands.Sessions(api_pool).complete(request(), late)
    assert (refused.value.status, refused.value.kind) == (409, "consultant-busy")
    in_time = draft([consultant], [uuid4()], start=time(10, 30), minutes=(30, 10, 20))
    assert (await commands.Sessions(api_pool).complete(request(), in_time)).status == 201


async def test_a_session_past_midnight_meets_the_next_day(api_pool: Pool) -> None:
    consultant = await register_consultant(api_pool)
    night = draft([consultant], [uuid4()], day=date(2026, 11, 18), start=time(23), minutes=(120, 0, 0))
    await commands.Sessions(api_pool).complete(request(), night)
    early = draft([consultant], [uuid4()], day=date(2026, 11, 19), start=time(0, 30))
    with pytest.raises(Problem):
        await commands.Sessions(api_pool).complete(request(), early)


@pytest.mark.parametrize("known", [True, False], ids=["together", "by-itself"])
async def test_two_sessions_of_one_hour_at_once_leave_one(api_pool: Pool, worker: Pool, *, known: bool) -> None:
    """Without the lock on the consultants both would find an empty calendar."""
    business = await a_business(worker, known=known)
    ada, budi = await register_consultant(api_pool), await register_consultant(api_pool)
    for hour in range(8, 14):
        pair = (draft([ada, budi], [business], start=time(hour)), draft([budi, ada], [business], start=time(hour, 30)))
        outcomes = await asyncio.gather(
            *(commands.Sessions(api_pool).complete(request(), each) for each in pair), return_exceptions=True
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert [getattr(each, "kind", each) for each in refused] == ["consultant-busy"], outcomes
    assert await worker.fetchval("select count(*) from session") == 6


@pytest.mark.parametrize("known", [True, False], ids=["together", "by-itself"])
async def test_a_day_of_many_sessions_ends_at_24_hours_though_they_come_at_once(
    api_pool: Pool, worker: Pool, *, known: bool
) -> None:
    consultant, business = await register_consultant(api_pool), await a_business(worker, known=known)
    outcomes = await asyncio.gather(
        *(
            commands.Sessions(api_pool).complete(request(), draft([consultant], [business], minutes=(200, 30, 10)))
            for _ in range(9)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 6
    taken = await worker.fetchval(
        "select sum(contact_minutes + preparation_minutes + travel_minutes) from session where day = $1", DAY
    )
    assert taken == 1440


async def test_the_head_of_one_office_sees_no_other(api_pool: Pool) -> None:
    """The second wall: without a scope there are no rows, whatever the statement says."""
    await register_consultant(api_pool)
    async with api_pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from consultant") == 0
        assert await connection.fetchval("select count(*) from session_business") == 0


async def test_every_table_with_an_office_is_guarded(worker: Pool) -> None:
    unguarded = await worker.fetch(
        """
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'mentoring'::regnamespace and c.relkind = 'r' and a.attname = 'office'
          and not (c.relrowsecurity and c.relforcerowsecurity)
        """
    )
    assert unguarded == []
    assert HEAD.offices == (MOJOKERTO,)
