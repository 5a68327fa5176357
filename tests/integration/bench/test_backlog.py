"""A made backlog is one that commands could have left: the check proves it once it has gone through."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest_asyncio

from deploy.bench import province
from deploy.bench.backlog import Backlog, written
from tests.infrastructure.databases import Database
from tests.integration.check.world import World

TODAY = date(2026, 11, 21)


@pytest_asyncio.fixture
async def world(database: Database) -> AsyncIterator[World]:
    superuser = await asyncpg.connect(database.superuser_dsn)
    yield World(database, superuser)
    await superuser.close()


async def test_nothing_of_a_backlog_is_seen_before_all_of_it_is_committed(world: World) -> None:
    backlog = Backlog(businesses=30, sessions=50, first=0, today=TODAY)
    async with written(world.database.settings("mentoring", "owner"), "mentoring", backlog.of_mentoring()):
        assert await world.superuser.fetchval("select count(*) from mentoring.outbox") == 0
    assert await world.superuser.fetchval("select count(*) from mentoring.outbox") == 50


async def test_a_backlog_that_went_through_is_proven(world: World) -> None:
    backlog = Backlog(businesses=30, sessions=50, first=0, today=TODAY)
    events = [*backlog.of_registry(), *backlog.of_mentoring()]
    for service, told in (("registry", events[:30]), ("mentoring", events[30:])):
        async with written(world.database.settings(service, "owner"), service, told):
            pass
    await world.publish(events)
    await world.apply(events)
    report = await world.check()
    assert report.ok, report.details
    assert (report.acknowledged, report.stored, report.applied) == (80, 80, 80)


def test_a_second_backlog_goes_on_where_the_first_one_ended() -> None:
    first = Backlog(businesses=0, sessions=20, first=0, today=TODAY)
    second = Backlog(businesses=0, sessions=20, first=20, today=TODAY)
    ids = [event.aggregate_id for backlog in (first, second) for event in backlog.of_mentoring()]
    assert len(set(ids)) == 40


def test_scattered_sessions_meet_no_day_again_until_every_day_of_every_office_had_one() -> None:
    days = len(province.CODES) * province.DAYS
    first = [province.scattered(number, TODAY) for number in range(days)]
    again = [province.scattered(number, TODAY) for number in range(days, 2 * days)]
    assert len(set(first)) == days
    assert again == first
    assert all(day < TODAY for _, day in first)


def test_recent_sessions_are_of_today_for_the_most_part_and_none_is_three_weeks_old() -> None:
    places = [province.recent(number, TODAY) for number in range(8 * 1_000)]
    late = [(TODAY - day).days for _, day in places]
    assert late.count(0) in range(5_600, 5_700)
    assert (min(late), max(late)) == (0, 20)
    assert {code for code, day in places if day < TODAY} == set(province.CODES)


def test_no_two_sessions_of_a_consultant_are_near_each_other_and_each_has_one_office() -> None:
    held = [(province.recent(number, TODAY)[0], province.consultant(number, 5)) for number in range(1_000)]
    assert len(set(held)) == len({consultant for _, consultant in held}) == 8 * 5
    assert all(len({consultant for _, consultant in held[at : at + 40]}) == 40 for at in range(900))
