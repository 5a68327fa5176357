"""Facts that are made in bulk are what the applier would have left of their events, and every answer is asked for."""

import pytest

from deploy.bench import generated
from deploy.bench.filling import Filling, FillingError
from deploy.bench.questions import questions
from services.reporting.app import build_api
from services.reporting.settings import ReportingSettings
from shared.clock import business_day
from shared.postgres import create_pool
from tests.infrastructure.databases import Database
from tests.support.read_models import begin_anew, found
from tests.support.reporting_events import NOW, deliver, received
from tests.support.tokens import verifier, with_edge

TODAY = business_day(NOW)


async def test_what_is_made_in_bulk_stands_as_if_it_had_been_applied(database: Database) -> None:
    worker = await database.pool("reporting", "worker")
    told: list[int] = []
    filling = Filling(database.superuser_dsn, NOW)
    await filling.grow(3_000, told.append)
    await filling.grow(6_000, told.append)
    assert told == sorted(told)
    assert told[-1] == filling.events >= 6_000
    in_bulk = await found(worker)

    await begin_anew(worker)
    made = [generated.circle(number, TODAY) for number in range(filling.circles)]
    facts = [fact for one in made for fact in (*one.businesses, *one.sessions)]
    await deliver(worker, received(map(generated.event_of, facts)))
    assert await found(worker) == in_bulk
    assert {len(rows) > 10 for rows in in_bulk.values() if rows} == {True}


async def test_a_process_that_cannot_write_ends_the_filling(database: Database) -> None:
    filling = Filling(database.superuser_dsn, NOW)
    owner = await database.pool("reporting", "owner")
    await owner.execute("drop table served_business")
    with pytest.raises(FillingError):
        await filling.grow(1, lambda _: None)
    assert filling.events == 0


async def test_every_answer_of_reporting_is_asked_for(database: Database) -> None:
    """So that one that grows with the number of events is found whoever adds it."""
    settings = with_edge(database.settings("reporting", "app", ReportingSettings))
    pool = await create_pool(settings, "reporting_app", schema="reporting", application="test-reporting-api")
    async with pool:
        documented = build_api(settings, pool, verifier(settings)).openapi()["paths"]
    asked = {question.path for question in questions(TODAY)}
    assert {path for path, methods in documented.items() if path.startswith("/v1/") and "get" in methods} == asked
    names = [question.name for question in questions(TODAY)]
    assert len(names) == len(set(names))
