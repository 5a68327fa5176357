"""Sessions that are plainly right are begun in one transaction, alone or some together; the others one by one."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.mentoring.commands import sessions as commands
from services.mentoring.commands.judgement import state_of
from services.mentoring.commands.life import correct_session
from services.mentoring.commands.sessions import Sessions, begin_plainly, beginning
from services.mentoring.domain import SessionDraft
from services.mentoring.domain.lifecycle import State
from services.mentoring.store import consultants as consultants_store
from services.mentoring.store.recordings import Asked, Recording, claim_sessions, place_sessions
from services.mentoring.store.sessions import Session, read_sessions
from shared.auth.principal import Principal
from shared.commands import Answer, Proposal, event_of, execute
from shared.contracts.catalogue import parse
from shared.contracts.mentoring import SessionBusiness, SessionCompleted
from shared.ids import new_id
from shared.postgres import Pool, create_pool, transaction
from tests.infrastructure.databases import Database
from tests.integration.mentoring.office import (
    BATU,
    BATU_HEAD,
    DAY,
    HEAD,
    MOJOKERTO,
    NOW,
    apply,
    closed,
    draft,
    opened,
    published,
    register_consultant,
    registered,
    request,
)
from tests.support.wire import Wire


def asked(wanted: SessionDraft, principal: Principal = HEAD, begun: State = State.COMPLETED) -> Asked:
    return Asked(request(principal), new_id(), wanted, begun)


async def stored(pool: Pool, ids: Sequence[UUID]) -> list[Session]:
    async with transaction(pool, (MOJOKERTO, BATU)) as connection:
        return await read_sessions(connection, ids)


_OF_THE_MOMENT = "seq,xid,event_id,partition,aggregate_id,payload,correlation_id,created_at"
_RAW = f"""
select to_jsonb(s) - '{{id,seq}}'::text[] as session,
       (select jsonb_agg(to_jsonb(c) - '{{session,consultant}}'::text[] order by place) from session_consultant c
        where c.session = s.id) as consultants,
       (select jsonb_agg(to_jsonb(b) - 'session' order by place) from session_business b where b.session = s.id) as met,
       (select jsonb_agg(to_jsonb(o) - '{{{_OF_THE_MOMENT}}}'::text[])
        from outbox o where o.aggregate_id = s.id::text) as told
from session s where s.id = $1
"""


async def raw(worker: Pool, session: UUID) -> dict[str, Any]:
    """All that is stored of a session but ids and the moment."""
    return dict(await worker.fetchrow(_RAW, session) or {})


async def refuse(*_: object) -> None:
    raise AssertionError("decided one by one")


async def test_one_transaction_is_enough(api_pool: Pool, worker: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    consultant, business, sent = await register_consultant(api_pool), uuid4(), request()
    await apply(worker, registered(business))
    desk, wanted = Sessions(api_pool), draft([consultant], [business])
    with monkeypatch.context() as patched:
        patched.setattr(commands, "execute", refuse)
        first = await desk.complete(sent, wanted)
        again = await desk.complete(sent, wanted)
        planned = await desk.schedule(request(), draft([consultant], [business], day=NOW.date() + timedelta(days=3)))
    assert (first.status, again.body, again.replayed) == (201, first.body, True)
    assert first.body == {"id": first.body["id"], "revision": 1, "version": 1, "provisional": False}
    [told] = await published(worker, UUID(first.body["id"]))
    assert told["type"] == "SessionCompleted"
    assert [row["type"] for row in await published(worker, UUID(planned.body["id"]))] == ["SessionScheduled"]


async def test_each_is_what_it_would_be_by_itself(api_pool: Pool, worker: Pool) -> None:
    """Row, event and answer, of a plan and of what was held, of several consultants and businesses, with all texts."""
    businesses = [uuid4() for _ in range(3)]
    await apply(worker, opened(), *(registered(each) for each in businesses), closed(businesses[2], 2))
    plain = draft([], businesses[:2], start=time(9), minutes=(60, 15, 20))
    full = replace(
        plain,
        businesses=businesses[1::-1],
        place="Rumah produksi",
        outcome="Kemasan diperbaiki",
        follow_up="Foto",
        follow_up_on=DAY,
    )
    plan = replace(plain, occupation=replace(plain.occupation, day=date(2026, 11, 30), start=None))

    async def wanted() -> list[Asked]:
        own = [[await register_consultant(api_pool) for _ in range(count)] for count in (1, 3, 2)]
        drafts = [replace(each, consultants=who) for each, who in zip((plain, full, plan), own, strict=True)]
        states = (State.COMPLETED, State.COMPLETED, State.SCHEDULED)
        return [asked(each, begun=state) for each, state in zip(drafts, states, strict=True)]

    together, alone = await wanted(), await wanted()
    answers = await begin_plainly(api_pool, together)
    expected = [await execute(api_pool, each.request, beginning(each)) for each in alone]
    for one, other, answer, like in zip(together, alone, answers, expected, strict=True):
        assert answer == replace(like, body={**like.body, "id": str(one.id)})
        [mine], [theirs] = await stored(api_pool, [one.id]), await stored(api_pool, [other.id])
        assert mine.draft == one.draft
        assert mine.draft == replace(theirs.draft, consultants=one.draft.consultants)
        assert replace(mine, draft=theirs.draft, state=theirs.state, staff=theirs.staff, seq=theirs.seq) == theirs
        [row], [like_row] = await published(worker, one.id), await published(worker, other.id)
        event, like_event = parse(row["type"], row["payload"]), parse(like_row["type"], like_row["payload"])
        assert event is not None
        assert like_event is not None
        assert event.payload.state == mine.state
        assert await raw(worker, one.id) == await raw(worker, other.id)
        changed = {"id": other.id, "consultants": list(other.draft.consultants)}
        assert mine.state.model_copy(update=changed) == theirs.state == like_event.payload.state


async def test_whatever_is_not_plain_is_left_alone_and_stops_nobody(api_pool: Pool, worker: Pool) -> None:
    known, shut = uuid4(), uuid4()
    await apply(worker, registered(known), registered(shut), closed(shut, 2))
    who = [await register_consultant(api_pool) for _ in range(5)]
    before = asked(draft([await register_consultant(api_pool)], [known]))
    assert [answer and answer.status for answer in await begin_plainly(api_pool, [before])] == [201]
    taken = draft([who[0]], [known], start=time(9))
    await Sessions(api_pool).complete(request(), taken)
    later = DAY + timedelta(days=1)
    together = [
        asked(taken),
        asked(draft([who[1]], [known, uuid4()])),
        asked(draft([who[2]], [shut], day=later)),
        asked(draft([who[3]], [known])),
        before,
        replace(asked(draft([who[4]], [known])), request=replace(request(), body_digest=b"x", key=before.request.key)),
    ]
    answers = await begin_plainly(api_pool, together[:5])
    assert [answer and (answer.status, answer.replayed) for answer in answers] == [
        None,
        None,
        None,
        (201, False),
        (201, True),
    ]
    assert await begin_plainly(api_pool, together[5:]) == [None], "the key was used for another body"
    assert [each.state.id for each in await stored(api_pool, [one.id for one in together])] == sorted(
        [together[3].id, before.id]
    )


async def test_those_of_two_offices_share_a_transaction_and_no_right(api_pool: Pool, worker: Pool) -> None:
    """What one of them may see and write for is no other one's: not even should the edge have let it through."""
    known = uuid4()
    await apply(worker, registered(known))
    mine, foreign, theirs = [
        await register_consultant(api_pool),
        await register_consultant(api_pool),
        await register_consultant(api_pool, BATU_HEAD),
    ]
    here, there = asked(draft([mine], [known])), asked(draft([theirs], [known], office=BATU), BATU_HEAD)
    intruder = asked(draft([foreign], [known]), BATU_HEAD)
    answers = await begin_plainly(api_pool, [here, intruder, there])
    assert [answer and answer.status for answer in answers] == [201, None, 201]
    async with transaction(api_pool) as connection:
        both = [asked(draft([mine], [known], day=DAY - timedelta(days=3))), intruder]
        claimed = await claim_sessions(connection, both)
        assert set(claimed.consultants) == {mine, foreign}
        recordings = [_recording(one) for one in both]
        assert await place_sessions(connection, recordings, [None, None]) == {both[0].id}
    assert [each.state.id for each in await stored(api_pool, [intruder.id])] == []


def _recording(one: Asked) -> Recording:
    met = SessionBusiness(
        id=one.draft.businesses[0], known=True, kinds=["umkm"], kelurahan="35.79.01.1001", home_office=BATU
    )
    state = state_of(one.id, one.draft, [met], state=one.begun)
    event = event_of(one.request, SessionCompleted, aggregate_id=str(one.id), version=1, office=BATU, state=state)
    return Recording(one, Proposal(one.request, event, Answer(201, {"id": str(one.id)})), [met])


async def test_one_whose_consultant_is_held_stops_no_other(api_pool: Pool, worker: Pool) -> None:
    """It is decided by itself, where it waits as long as any command."""
    known, held, free = uuid4(), await register_consultant(api_pool), await register_consultant(api_pool)
    await apply(worker, registered(known))
    together = [asked(draft([held], [known])), asked(draft([free], [known]))]
    async with transaction(api_pool, (MOJOKERTO,)) as connection:
        await connection.execute("select from consultant where id = $1 for no key update", held)
        began = asyncio.get_running_loop().time()
        assert await begin_plainly(api_pool, together) == [None, None]
        assert asyncio.get_running_loop().time() - began < 4, "five seconds are for who waits alone"
        waiting = asyncio.create_task(Sessions(api_pool).complete(request(), draft([held], [known])))
        assert (await Sessions(api_pool).complete(request(), draft([free], [known]))).status == 201
    assert (await waiting).status == 201


async def test_a_commit_whose_answer_is_lost_is_found_again(database: Database, api_pool: Pool, worker: Pool) -> None:
    known, consultants = uuid4(), [await register_consultant(api_pool) for _ in range(2)]
    await apply(worker, registered(known))
    settings = database.settings("mentoring")
    async with Wire.to(settings.postgres_host, settings.postgres_port) as wire:
        behind = settings.model_copy(update={"postgres_port": wire.port, "postgres_host": "127.0.0.1"})
        pool = await create_pool(behind, "mentoring_app", schema="mentoring", application="cut")
        wire.cut_after(b"COMMIT;")
        desk = Sessions(pool)
        answers = await asyncio.gather(*(desk.complete(request(), draft([each], [known])) for each in consultants))
        pool.terminate()
    assert wire.cuts == 1
    assert [answer.status for answer in answers] == [201, 201]
    assert any(answer.replayed for answer in answers)
    assert await worker.fetchval("select count(*) from session") == 2


async def test_groups_that_meet_in_their_consultants_leave_no_overlap(api_pool: Pool, worker: Pool) -> None:
    """Two apis, plans that are moved, and sessions that are recorded, all in one morning of four consultants."""
    dice, known = random.Random(8), uuid4()  # noqa: S311  a test's dice
    await apply(worker, registered(known))
    consultants = [await register_consultant(api_pool) for _ in range(4)]
    desks, today = [Sessions(api_pool), Sessions(api_pool)], NOW.date()
    plans = [
        await desks[0].schedule(request(), draft([who], [known], day=today + timedelta(days=9), start=time(9)))
        for who in consultants
    ]

    def some(start: time) -> SessionDraft:
        return draft(dice.sample(consultants, 2), [known], day=today, start=start)

    tried = [dice.choice(desks).complete(request(), some(time(8 + dice.randrange(4)))) for _ in range(30)]
    moved = [
        correct_session(
            api_pool, request(), UUID(plan.body["id"]), 1, {"day": today, "start": time(9, 30)}, "Pindah jam"
        )
        for plan in plans
    ]
    outcomes = await asyncio.gather(*tried, *moved, return_exceptions=True)
    assert {getattr(each, "status", each) for each in outcomes} == {200, 201, 409}
    async with transaction(api_pool, (MOJOKERTO,)) as connection:
        calendar = await consultants_store.calendar_around(connection, consultants, today)
    for held in calendar.values():
        assert not [pair for pair in combinations(held, 2) if pair[0].overlaps(pair[1])]


async def test_a_calendar_is_what_a_single_command_sees(api_pool: Pool, worker: Pool) -> None:
    known = uuid4()
    await apply(worker, registered(known))
    consultants = [await register_consultant(api_pool) for _ in range(2)]
    desk = Sessions(api_pool)
    for place, who in enumerate(consultants):
        for offset in range(-4, 1):
            await desk.complete(
                request(),
                draft([who], [known], day=DAY + timedelta(days=offset), start=time(8 + place) if offset % 2 else None),
            )
    days = [DAY - timedelta(days=2), DAY]
    wanted = [asked(draft([who], [known], day=day)) for who, day in zip(consultants, days, strict=True)]
    async with transaction(api_pool, (MOJOKERTO,)) as connection:
        claimed = await claim_sessions(connection, wanted)
        for who, day in zip(consultants, days, strict=True):
            single = await consultants_store.calendar_around(connection, [who], day)
            assert claimed.calendar[who] == single[who]
            assert len(single[who]) == (5 if day < DAY else 3)


async def test_a_consultant_s_sessions_of_one_moment_never_overlap(api_pool: Pool, worker: Pool) -> None:
    known = uuid4()
    await apply(worker, registered(known))
    consultants = [await register_consultant(api_pool) for _ in range(4)]
    desk = Sessions(api_pool)
    tried = [
        desk.complete(request(), draft([who], [known], start=time(9, minute)))
        for minute in range(0, 50, 5)
        for who in consultants
    ]
    answers = await asyncio.gather(*tried, return_exceptions=True)
    accepted = [answer for answer in answers if isinstance(answer, Answer)]
    assert len(accepted) == len(consultants)
    assert {getattr(each, "status", None) for each in answers} == {201, 409}
