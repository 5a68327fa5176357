"""A consumer that cannot be stopped in time, because the database hangs in its batch: it must not stay in its group."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.consumer import kafka, subscription
from shared.consumer.applier import Received
from shared.consumer.subscription import Wedged
from shared.ids import new_id
from shared.pace import Wait
from tests.integration.consumer.conftest import GROUP, TIMES, Bench, Counting
from tests.support.log import business

pytestmark = pytest.mark.kafka


async def test_another_takes_its_place_and_it_is_dealt_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "_STOP_SECONDS", 0.5)
    hanging, wedged = asyncio.Event(), asyncio.Event()

    class Hanging(Counting):
        async def apply(self, connection: Any, batch: Sequence[Received]) -> None:
            if not hanging.is_set():
                hanging.set()
                await asyncio.sleep(60)
            await super().apply(connection, batch)

    async def look(self: subscription.Subscription) -> None:
        if self.group == GROUP and self._reader.receiving_since is not None and not wedged.is_set():
            wedged.set()
            raise Wedged("as if nobody polled")

    number = new_id()
    await bench.host(Hanging())
    monkeypatch.setattr(subscription.Subscription, "_look_for_a_wedge", look)
    await bench.log.publish(business(number))
    await asyncio.wait_for(hanging.wait(), 40)
    # It waits until the one before is written. Another partition's might wait for a place instead, and never get here.
    await bench.log.publish(business(number, version=2))
    await asyncio.wait_for(wedged.wait(), 40)
    await bench.log.publish(*(business() for _ in range(40)))
    await bench.until(TIMES, 42, within=60)
    assert await _members(bench) == 1


async def test_a_consumer_that_puts_its_fetch_off_is_stopped_and_not_abandoned(
    bench: Bench, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned: list[object] = []

    async def abandon(*told: object) -> None:
        abandoned.append(told)

    monkeypatch.setattr(kafka, "_abandon", abandon)
    counting.gather = Wait(60_000, 60_000)
    host = await bench.host(counting)
    await bench.log.publish(business())
    await bench.until(TIMES, 1)
    async with asyncio.timeout(20):
        await host.stop()
    assert abandoned == []


async def _members(bench: Bench) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.settings.kafka_bootstrap)
    await admin.start()
    try:
        described = await admin.describe_consumer_groups([bench.settings.topic_prefix + GROUP])
        return len(described[0].groups[0][5])
    finally:
        await admin.close()
