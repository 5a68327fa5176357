"""From Kafka to the outbox: what the registry publishes reaches the copies and the sessions that wait."""

import asyncio
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.mentoring import commands
from services.mentoring.handlers import ReplicaApplier
from services.mentoring.settings import REPLICA_GROUP, SERVICE
from shared import kafka_admin
from shared.consumer.host import ConsumerHost
from shared.postgres import Pool
from tests.infrastructure.base import KafkaServer
from tests.infrastructure.databases import Database
from tests.integration.mentoring.office import (
    BATU,
    draft,
    opened,
    published,
    register_consultant,
    registered,
    request,
    said,
)
from tests.support.log import open_log


async def until(worker: Pool, sql: str, expected: Any, within: float = 30) -> None:
    """Waits until a query answers as expected."""
    deadline = time.monotonic() + within
    while (answer := await worker.fetchval(sql)) != expected:
        assert time.monotonic() < deadline, f"{sql}: {answer!r} instead of {expected!r}"
        await asyncio.sleep(0.02)


@pytest.mark.kafka
async def test_what_comes_by_kafka_resolves_and_confirms_a_session(
    database: Database, kafka: KafkaServer, topic_prefix: str, api_pool: Pool, worker: Pool
) -> None:
    settings = database.settings(SERVICE, "worker", kafka_bootstrap=kafka.bootstrap, topic_prefix=topic_prefix)
    await kafka_admin.create_missing(settings, ReplicaApplier.topics)
    consultant, business = await register_consultant(api_pool), uuid4()
    answer = await commands.Sessions(api_pool).complete(request(), draft([consultant], [business]))
    host = ConsumerHost(SERVICE, settings, await database.pool(SERVICE, "worker", size=12))
    await host.add(ReplicaApplier(REPLICA_GROUP))
    await host.start()
    try:
        async with open_log(kafka.bootstrap, topic_prefix) as log:
            event = registered(business)
            await log.publish(opened(), event, event)
        await until(worker, "select count(*) from session where not provisional", 1)
        await until(worker, "select count(*) from office_replica", 1)
        async with open_log(kafka.bootstrap, topic_prefix) as log:
            answer_of_the_client = said(UUID(answer.body["id"]), business)
            await log.publish(answer_of_the_client, answer_of_the_client)
        await until(worker, "select state from session", "confirmed")
    finally:
        await host.stop()
    told = await published(worker, UUID(answer.body["id"]))
    assert [(row["version"], row["type"]) for row in told] == [
        (1, "SessionCompleted"),
        (2, "SessionResolved"),
        (3, "SessionConfirmed"),
    ]
    assert json.loads(told[1]["payload"])["payload"]["state"]["businesses"][0]["home_office"] == BATU
