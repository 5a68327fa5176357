"""A consumer that cannot be stopped in time, because the database hangs in its batch: it must not stay in its group."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.consumer import subscription
from shared.consumer.applier import Received
from shared.consumer.subscription import Wedged
from shared.ids import new_id
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


async def _members(bench: Bench) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.settings.kafka_bootstrap)
    await admin.start()
    try:
        described = await admin.describe_consumer_groups([bench.settings.topic_prefix + GROUP])
        return len(described[0].groups[0][5])
    finally:
        await admin.close()
