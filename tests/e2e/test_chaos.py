"""Whatever dies: what was acknowledged is found again, and counted once. The scenarios that matter most, one seed each.

`plut chaos` runs all of them, with any seed. At the end the judge itself is tried: what is planted it must name.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import asyncpg
import pytest

from deploy.chaos import course, judge, keeping, topics
from deploy.chaos.grounds import two_of_each
from deploy.chaos.result import Verdict
from deploy.chaos.scenario import Scenario
from deploy.chaos.scenarios import named
from deploy.chaos.stage import Stage
from deploy.local.installation import Installation
from shared.contracts import headers
from tests.e2e.machine import Machine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SEED = 20_260_817


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two of each process, shared by all scenarios: each leaves behind what it found."""
    machine = Machine(tmp_path_factory.mktemp("chaos"))
    installation = Installation.open(machine.data_dir)
    two_of_each(installation)
    try:
        machine.up()
        yield installation
    finally:
        machine.down()


@pytest.mark.parametrize(
    "name",
    [
        "api-killed-around-commit",
        "relay-killed",
        "consumer-killed",
        "consumer-frozen",
        "kafka-data-lost",
        "topic-made-anew",
        "postgres-crashed",
        "poison-sent",
    ],
)
async def test_it_survives(name: str, ground: Installation, tmp_path_factory: pytest.TempPathFactory) -> None:
    (scenario,) = named([name])
    result = await course.run(scenario, ground, SEED, rounds=1, say=lambda _text: None)
    if not result.is_good:
        kept = await keeping.keep(result, ground, tmp_path_factory.mktemp("kept"), rounds=1)
        pytest.fail(f"{result.verdict}: {result.problems}\nseen: {result.seen}\nkept in {kept}")
    assert result.acknowledged > 0
    assert (result.lost, result.twice, result.differing_rows) == (0, 0, 0)


class Gentle(Scenario):
    """Says that it kills, and does not."""

    name: ClassVar[str] = "gentle"
    faults: ClassVar[str] = "F99"
    title: ClassVar[str] = "nothing is broken"
    bites: ClassVar[Mapping[str, int]] = {"kills": 1}

    async def strike(self, stage: Stage) -> None:
        stage.say("nothing happens")


async def test_nothing_is_survived_where_nothing_was_broken(ground: Installation) -> None:
    result = await course.run(Gentle(), ground, SEED, rounds=1, say=lambda _text: None)
    assert result.verdict is Verdict.TOOTHLESS
    assert result.problems == ("the fault did not bite: kills was seen 0 times, 1 at least are needed",)


async def test_an_answer_that_nobody_remembers_is_lost(ground: Installation) -> None:
    told = {"key": str(uuid4()), "status": 201, "answer": {"id": str(uuid4()), "version": 1}}
    planted = ground.writers_dir / "planted.jsonl"
    planted.write_text(json.dumps({**told, "at": datetime.now(UTC).isoformat()}) + "\n", encoding="utf-8")
    report = await judge.checked(ground)
    planted.unlink()
    assert report.as_json()["lost"] == 1
    assert not report.ok


async def test_a_total_that_was_counted_twice_is_named(ground: Installation) -> None:
    connection = await asyncpg.connect(ground.superuser_dsn())
    row = await connection.fetchrow(
        "select set_version, office, grain, starts, slice from reporting.office_activity where sessions > 0 limit 1"
    )
    assert row is not None
    add = (
        "update reporting.office_activity set sessions = sessions + $1 "
        "where (set_version, office, grain, starts, slice) = ($2, $3, $4, $5, $6)"
    )
    await connection.execute(add, 1, *row.values())
    report = await judge.checked(ground)
    await connection.execute(add, -1, *row.values())
    await connection.close()
    assert not report.ok
    assert report.as_json()["twice"] + report.as_json()["differing_rows"] > 0


async def test_an_event_that_nobody_stored_is_a_phantom(ground: Installation) -> None:
    record = await anext(record async for record in topics.records(ground.kafka_bootstrap) if record.value)
    phantom = str(uuid4())
    await send(ground, record, phantom)
    contents = await topics.survey(ground.kafka_bootstrap)
    (told,) = await judge.published(ground, contents, ())
    assert f"1 events are in Kafka and never stored: {phantom}" in told
    assert await judge.published(ground, contents, {phantom}) == []


async def send(ground: Installation, record: Any, event_id: str) -> None:
    """Sends a record again, as another event."""
    named_so = [(headers.EVENT_ID, event_id.encode())]
    others = [each for each in record.headers if each[0] != headers.EVENT_ID]
    async with topics.producer(ground.kafka_bootstrap) as sender:
        await sender.send_and_wait(record.topic, record.value, record.key, headers=[*named_so, *others])
