"""The life of a session against a real Postgres: what is kept, what is told, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.mentoring import commands
from services.mentoring.domain import Business
from services.mentoring.handlers import ReplicaApplier
from services.mentoring.settings import REPLICA_GROUP
from services.mentoring.store.history import Change, read_changes
from services.mentoring.store.sessions import Session, read_sessions
from shared.auth.principal import Principal, Role
from shared.commands import Answer
from shared.contracts.catalogue import parse
from shared.http.problem import Problem
from shared.postgres import Pool, transaction
from tests.integration.mentoring.office import (
    BATU,
    BATU_HEAD,
    DAY,
    MOJOKERTO,
    NOW,
    apply,
    closed,
    corrected,
    draft,
    published,
    register_consultant,
    registered,
    request,
    said,
)

TODAY = DAY + timedelta(days=1)
DESK = Principal("stf-desk", frozenset({Role.FRONT_DESK}), (MOJOKERTO,))
REASON = "Salah ketik"


async def planned(pool: Pool, consultant: UUID, business: UUID | None = None, **changes: Any) -> UUID:
    wanted = draft([consultant], [business or uuid4()], **{"day": TODAY, **changes})
    return UUID((await commands.Sessions(pool).schedule(request(), wanted)).body["id"])


async def held(pool: Pool, consultant: UUID, *businesses: UUID, **changes: Any) -> UUID:
    wanted = draft([consultant], businesses or [uuid4()], **changes)
    return UUID((await commands.Sessions(pool).complete(request(), wanted)).body["id"])


async def correct(pool: Pool, session: UUID, seen: int, **changes: Any) -> Answer:
    return await commands.correct_session(pool, request(), session, seen, changes, REASON)


async def told(worker: Pool, session: UUID) -> list[str]:
    """Returns the types of the session's events; fails unless the last one says what is kept, in versions from 1."""
    rows = await published(worker, session)
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    last = parse(rows[-1]["type"], rows[-1]["payload"])
    kept = await found(worker, session)
    assert last is not None
    assert (last.version, last.state.state) == (kept.standing.version, kept.state.state)
    if rows[-1]["type"] in ("SessionConfirmed", "SessionCorrected", "SessionCompleted", "SessionScheduled"):
        assert last.state == kept.state
    return [row["type"] for row in rows]


async def found(worker: Pool, session: UUID) -> Session:
    async with transaction(worker) as connection:
        [kept] = await read_sessions(connection, [session])
    return kept


async def history(worker: Pool, session: UUID) -> list[Change]:
    async with transaction(worker) as connection:
        return await read_changes(connection, session)


def refused(caught: pytest.ExceptionInfo[Problem]) -> tuple[int, str]:
    return caught.value.status, caught.value.kind


async def test_a_plan_is_held_and_confirmed(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    await apply(worker, registered(business))
    session = await planned(api_pool, consultant, business, start=time(9))
    assert (await found(worker, session)).unconfirmed_since is None
    answer = await commands.complete_plan(
        api_pool, request(), session, 1, {"contact_minutes": 75, "outcome": "Pembukuan mulai rapi"}
    )
    assert (answer.body["state"], answer.body["revision"], answer.body["version"]) == ("completed", 2, 2)
    assert (await found(worker, session)).unconfirmed_since == NOW
    await apply(worker, said(session, business))
    assert await told(worker, session) == ["SessionScheduled", "SessionCompleted", "SessionConfirmed"]
    kept = await found(worker, session)
    assert (kept.state.contact_minutes, kept.draft.outcome) == (75, "Pembukuan mulai rapi")
    assert all("Pembukuan" not in row["payload"] for row in await published(worker, session))
    assert [change.deed for change in await history(worker, session)] == ["complete", "confirm"]


async def test_a_business_that_moved_is_met_where_it_lives_when_the_plan_is_held(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    await apply(worker, registered(business))
    session = await planned(api_pool, consultant, business)
    await apply(worker, corrected(business, 2, home_office=MOJOKERTO))
    shown = await found(worker, session)
    assert (shown.state.businesses[0].home_office, shown.today[business].home_office) == (BATU, MOJOKERTO)
    await commands.complete_plan(api_pool, request(), session, 1, {})
    assert (await found(worker, session)).state.businesses[0].home_office == MOJOKERTO


async def test_a_plan_occupies_the_calendar_until_it_is_over(api_pool: Pool) -> None:
    consultant = await register_consultant(api_pool)
    first = await planned(api_pool, consultant, start=time(9))
    with pytest.raises(Problem) as busy:
        await planned(api_pool, consultant, start=time(9, 30))
    assert refused(busy) == (409, "consultant-busy")
    await commands.cancel_session(api_pool, request(DESK), first, 1, "Klien sakit")
    second = await planned(api_pool, consultant, start=time(9, 30))
    await commands.mark_no_show(api_pool, request(DESK), second, 1, None)
    await planned(api_pool, consultant, start=time(9))


@pytest.mark.parametrize(("days", "accepted"), [(-1, False), (0, True), (366, True), (367, False)])
async def test_how_far_ahead_one_may_plan(api_pool: Pool, days: int, *, accepted: bool) -> None:
    consultant = await register_consultant(api_pool)
    if accepted:
        await planned(api_pool, consultant, day=TODAY + timedelta(days=days))
        return
    with pytest.raises(Problem) as caught:
        await planned(api_pool, consultant, day=TODAY + timedelta(days=days))
    assert [each.field for each in caught.value.errors] == ["day"]


async def test_a_plan_ahead_is_not_held_yet_and_nobody_missed_it(api_pool: Pool, worker: Pool) -> None:
    session = await planned(api_pool, await register_consultant(api_pool), day=TODAY + timedelta(days=1))
    with pytest.raises(Problem) as ahead:
        await commands.complete_plan(api_pool, request(), session, 1, {})
    assert [each.field for each in ahead.value.errors] == ["day"]
    with pytest.raises(Problem) as missed:
        await commands.mark_no_show(api_pool, request(), session, 1, None)
    assert refused(missed) == (409, "session-ahead")
    assert (await commands.complete_plan(api_pool, request(), session, 1, {"day": TODAY})).status == 200
    assert await told(worker, session) == ["SessionScheduled", "SessionCompleted"]


async def test_a_correction_keeps_what_was_and_why(api_pool: Pool, worker: Pool) -> None:
    session = await held(api_pool, await register_consultant(api_pool))
    await correct(api_pool, session, 1, contact_minutes=90, day=date(2026, 11, 19))
    [change] = await history(worker, session)
    assert (change.revision, change.deed, change.actor, change.reason) == (2, "restate", "stf-head", REASON)
    assert change.changes == [
        {"field": "day", "before": "2026-11-20", "after": "2026-11-19"},
        {"field": "contact_minutes", "before": 60, "after": 90},
        {"field": "confirmable_version", "before": 1, "after": 2},
    ]
    assert await told(worker, session) == ["SessionCompleted", "SessionCorrected"]


async def test_the_history_cannot_be_rewritten(api_pool: Pool, worker: Pool) -> None:
    session = await held(api_pool, await register_consultant(api_pool))
    await correct(api_pool, session, 1, outcome="Lancar")
    for pool in (api_pool, worker):
        for statement in ("update session_change set reason = 'lain'", "delete from session_change"):
            with pytest.raises(Exception, match="permission denied"):
                async with transaction(pool, (MOJOKERTO,)) as connection:
                    await connection.execute(statement)


async def test_notes_raise_the_revision_and_tell_nobody(api_pool: Pool, worker: Pool) -> None:
    session = await held(api_pool, await register_consultant(api_pool))
    answer = await correct(api_pool, session, 1, outcome="Lancar", follow_up="Cek lagi")
    assert (answer.body["revision"], answer.body["version"]) == (2, 1)
    answer = await correct(api_pool, session, 2, follow_up_on=TODAY)
    assert (answer.body["revision"], answer.body["version"], answer.body["confirmable_version"]) == (3, 2, 1)
    assert await told(worker, session) == ["SessionCompleted", "SessionCorrected"]


async def test_what_changes_nothing_is_no_edit(api_pool: Pool, worker: Pool) -> None:
    session = await held(api_pool, await register_consultant(api_pool))
    assert (await correct(api_pool, session, 1, contact_minutes=60)).body["revision"] == 1
    assert await history(worker, session) == []


@pytest.mark.parametrize(
    "changes", [{"day": date(2026, 11, 19)}, {"contact_minutes": 61}, {"travel_minutes": 5}, {"place": "Balai desa"}]
)
async def test_a_confirmed_session_that_says_something_else_is_asked_anew(
    api_pool: Pool, worker: Pool, changes: dict[str, Any]
) -> None:
    business = uuid4()
    session = await held(api_pool, await register_consultant(api_pool), business)
    await apply(worker, said(session, business))
    answer = await correct(api_pool, session, 2, **changes)
    assert (answer.body["state"], answer.body["confirmable_version"]) == ("completed", 2)
    await apply(worker, said(session, business, 1))
    assert [each.attested for each in (await found(worker, session)).state.businesses] == [False]
    await apply(worker, said(session, business, 2))
    assert (await told(worker, session))[1:] == ["SessionConfirmed", "SessionCorrected", "SessionConfirmed"]


async def test_a_confirmed_session_stays_so_when_its_field_is_corrected(api_pool: Pool, worker: Pool) -> None:
    business = uuid4()
    session = await held(api_pool, await register_consultant(api_pool), business)
    await apply(worker, said(session, business))
    answer = await correct(api_pool, session, 2, field="finance")
    assert (answer.body["state"], answer.body["confirmable_version"]) == ("confirmed", 1)
    assert [each.attested for each in (await found(worker, session)).state.businesses] == [True]


async def test_other_businesses_are_known_or_waited_for(api_pool: Pool, worker: Pool) -> None:
    first, second = uuid4(), uuid4()
    await apply(worker, registered(first))
    session = await held(api_pool, await register_consultant(api_pool), first)
    answer = await correct(api_pool, session, 1, businesses=[second, first])
    assert answer.body["provisional"] is True
    await apply(worker, registered(second))
    assert await told(worker, session) == ["SessionCompleted", "SessionCorrected", "SessionResolved"]
    kept = await found(worker, session)
    assert [each.id for each in kept.state.businesses] == [second, first]
    assert kept.provisional is False


async def test_each_business_attests_for_itself(api_pool: Pool, worker: Pool) -> None:
    businesses = [uuid4(), uuid4()]
    session = await held(api_pool, await register_consultant(api_pool), *businesses)
    await apply(worker, said(session, businesses[1]))
    kept = await found(worker, session)
    assert [each.attested for each in kept.state.businesses] == [False, True]
    assert (kept.state.state, kept.standing.revision, kept.standing.version) == ("completed", 2, 1)
    await apply(worker, said(session, businesses[1]), said(session, businesses[0]), said(session, businesses[0]))
    assert await told(worker, session) == ["SessionCompleted", "SessionConfirmed"]


async def test_a_contested_session_is_corrected_and_asked_anew(api_pool: Pool, worker: Pool) -> None:
    business = uuid4()
    session = await held(api_pool, await register_consultant(api_pool), business)
    dispute = said(session, business, disputed=True)
    await apply(worker, dispute, said(session, business))
    assert (await found(worker, session)).state.state == "contested"
    kept = await found(worker, session)
    answer = await correct(api_pool, session, kept.standing.revision, outcome="Klien keliru hari")
    assert answer.body["state"] == "contested"
    answer = await correct(api_pool, session, answer.body["revision"], service="training")
    assert (answer.body["state"], answer.body["confirmable_version"]) == ("completed", 2)
    await apply(worker, dispute)
    assert await told(worker, session) == ["SessionCompleted", "SessionContested", "SessionCorrected"]


async def test_an_answer_about_nothing_here_does_nothing(api_pool: Pool, worker: Pool) -> None:
    business = uuid4()
    session = await held(api_pool, await register_consultant(api_pool), business)
    await apply(worker, said(uuid4(), business), said(session, uuid4()), said(session, business, 7))
    assert await told(worker, session) == ["SessionCompleted"]
    assert (await found(worker, session)).standing.revision == 1


async def test_all_answers_read_again_change_nothing(api_pool: Pool, worker: Pool) -> None:
    """A new history of the registry: copies are dropped, its log is read from the beginning."""
    consultant, first, second = await register_consultant(api_pool), uuid4(), uuid4()
    confirmed = await held(api_pool, consultant, first)
    contested = await held(api_pool, consultant, first, second)
    log = [registered(first), registered(second), said(confirmed, first), said(contested, second)]
    log.append(said(contested, first, disputed=True))
    await apply(worker, *log)
    before = [(await found(worker, each), await published(worker, each)) for each in (confirmed, contested)]
    assert [kept.state.state for kept, _ in before] == ["confirmed", "contested"]
    async with transaction(worker) as connection:
        await ReplicaApplier(REPLICA_GROUP).forget(connection)
    for event in log:
        await apply(worker, event)
    await apply(worker, *log)
    assert [(await found(worker, each), await published(worker, each)) for each in (confirmed, contested)] == before


async def test_what_is_over_stays_over(api_pool: Pool, worker: Pool) -> None:
    business = uuid4()
    session = await held(api_pool, await register_consultant(api_pool), business)
    await commands.cancel_session(api_pool, request(), session, 1, "Tercatat dua kali")
    await apply(worker, said(session, business), said(session, business, disputed=True))
    for deed in (
        correct(api_pool, session, 2, contact_minutes=5),
        commands.complete_plan(api_pool, request(), session, 2, {}),
        commands.cancel_session(api_pool, request(), session, 2, "Lagi"),
        commands.mark_no_show(api_pool, request(), session, 2, None),
    ):
        with pytest.raises(Problem) as caught:
            await deed
        assert refused(caught) == (409, "session-state")
    assert await told(worker, session) == ["SessionCompleted", "SessionCancelled"]


async def test_a_stale_revision_is_told_the_current_one(api_pool: Pool) -> None:
    session = await held(api_pool, await register_consultant(api_pool))
    await correct(api_pool, session, 1, contact_minutes=61)
    with pytest.raises(Problem) as caught:
        await correct(api_pool, session, 1, contact_minutes=62)
    assert (refused(caught), caught.value.extra["current_revision"]) == ((412, "revision-stale"), 2)


async def test_who_may_do_what(api_pool: Pool) -> None:
    own, other = await register_consultant(api_pool, staff="stf-own"), await register_consultant(api_pool)
    himself = Principal("stf-own", frozenset({Role.CONSULTANT}), (MOJOKERTO,))
    theirs = await planned(api_pool, other)
    mine = await planned(api_pool, own)
    for principal, session, expected in ((himself, theirs, 403), (DESK, mine, 403), (BATU_HEAD, mine, 404)):
        with pytest.raises(Problem) as caught:
            await commands.correct_session(api_pool, request(principal), session, 1, {"contact_minutes": 5}, REASON)
        assert caught.value.status == expected
    with pytest.raises(Problem) as handed_over:
        await commands.correct_session(api_pool, request(himself), mine, 1, {"consultants": [other]}, REASON)
    assert refused(handed_over) == (403, "not-own-session")
    await commands.complete_plan(api_pool, request(himself), mine, 1, {})
    with pytest.raises(Problem) as desk:
        await commands.cancel_session(api_pool, request(DESK), mine, 2, REASON)
    assert refused(desk) == (403, "held-session")
    await commands.cancel_session(api_pool, request(himself), mine, 2, REASON)
    with pytest.raises(Problem) as silent:
        await commands.cancel_session(api_pool, request(), theirs, 1, None)
    assert [each.field for each in silent.value.errors] == ["reason"]


async def test_a_plan_of_a_closed_business_is_not_held_but_may_be_changed(api_pool: Pool, worker: Pool) -> None:
    consultant, business = await register_consultant(api_pool), uuid4()
    await apply(worker, registered(business))
    session = await planned(api_pool, consultant, business)
    await apply(worker, closed(business, 2))
    assert (await found(worker, session)).today[business].status == "closed"
    with pytest.raises(Problem) as caught:
        await commands.complete_plan(api_pool, request(), session, 1, {})
    assert [each.field for each in caught.value.errors] == ["businesses.0"]
    assert (await correct(api_pool, session, 1, contact_minutes=45)).status == 200
    assert (await commands.complete_plan(api_pool, request(), session, 2, {"day": DAY})).status == 200


async def test_a_past_plan_may_be_annotated_but_not_moved_into_the_past(api_pool: Pool) -> None:
    session = await planned(api_pool, await register_consultant(api_pool))
    later = replace(request(), now=NOW + timedelta(days=3))
    changed = await commands.correct_session(api_pool, later, session, 1, {"contact_minutes": 30}, REASON)
    assert changed.status == 200
    again = replace(request(), now=NOW + timedelta(days=3))
    with pytest.raises(Problem) as caught:
        await commands.correct_session(api_pool, again, session, 2, {"day": TODAY + timedelta(days=1)}, REASON)
    assert [each.field for each in caught.value.errors] == ["day"]


async def test_sixteen_digits_are_warned_about(api_pool: Pool) -> None:
    session = await held(api_pool, await register_consultant(api_pool))
    answer = await correct(api_pool, session, 1, outcome="NIK 3576990101900001")
    assert [each["field"] for each in answer.body["warnings"]] == ["outcome"]
    assert "3576990101900001" not in str(answer.body)


async def test_a_consultants_period_holds_his_sessions(api_pool: Pool, worker: Pool) -> None:
    consultant = await register_consultant(api_pool)
    await planned(api_pool, consultant, day=TODAY + timedelta(days=10))
    change = {"active_until": TODAY + timedelta(days=9)}
    with pytest.raises(Problem) as caught:
        await commands.change_consultant(api_pool, request(), consultant, 1, change)
    assert [each.field for each in caught.value.errors] == ["active_until"]
    answer = await commands.change_consultant(
        api_pool, request(), consultant, 1, {"active_until": TODAY + timedelta(days=10), "name": "Nama Baru Uji"}
    )
    assert (answer.body["revision"], answer.body["version"]) == (2, 2)
    answer = await commands.change_consultant(api_pool, request(), consultant, 2, {"name": "Nama Lain Uji"})
    assert (answer.body["revision"], answer.body["version"]) == (3, 2)
    rows = await published(worker, consultant)
    assert [row["type"] for row in rows] == ["ConsultantRegistered", "ConsultantChanged"]
    assert all("Uji" not in row["payload"] for row in rows)


def test_a_business_is_closed_from_the_day_after() -> None:
    shut = Business(uuid4(), "closed", closed_on=DAY)
    days: Sequence[tuple[int, bool]] = ((-1, False), (0, False), (1, True))
    assert [shut.is_closed_on(DAY + timedelta(days=each)) for each, _ in days] == [closed for _, closed in days]
    assert Business(uuid4(), "closed").is_closed_on(DAY)
    assert not Business(uuid4(), "active", closed_on=DAY).is_closed_on(TODAY)
