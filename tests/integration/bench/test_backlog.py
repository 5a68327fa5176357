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


def test_each_session_has_a_total_of_its_own_until_every_day_of_every_office_had_one() -> None:
    days = len(province.CODES) * province.DAYS
    first = [province.place_of(number, TODAY) for number in range(days)]
    again = [province.place_of(number, TODAY) for number in range(days, 2 * days)]
    assert len(set(first)) == days
    assert {count for _, _, count in first} == {1}
    assert [place[:2] for place in again] == [place[:2] for place in first]
    assert {count for _, _, count in again} == {2}
    assert all(day < TODAY for _, day, _ in first)
