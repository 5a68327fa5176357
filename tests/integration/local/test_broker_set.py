"""Three brokers of one set: what two have acknowledged outlives one, and one alone takes nothing more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local import brokers, jars, ports
from deploy.local.kafka import Kafka
from deploy.local.process import Running, start
from shared.contracts.catalogue import TOPICS
from shared.kafka_admin import KafkaTrouble, bounded, create_missing, ended_within, partition_counts
from shared.settings import Environment, Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
TOPIC = TOPICS["registry.office.v1"]


class Set:
    def __init__(self, directory: Path) -> None:
        three = brokers.several(3)
        taken: dict[str, int] = {}
        for name in three.port_names:
            taken[name] = ports.choose(set(taken.values()))
        self.brokers = {name: three.broker(name, directory, taken) for name in three.names}
        self.running: dict[str, Running] = {}
        self._directory = directory

    @property
    def settings(self) -> Settings:
        bootstrap = ",".join(broker.address for broker in self.brokers.values())
        return Settings(env=Environment.LOCAL, kafka_bootstrap=bootstrap, kafka_replication=3)

    async def start(self, *names: str) -> None:
        await asyncio.gather(*(self._start(name, self.brokers[name]) for name in names or self.brokers))

    async def _start(self, name: str, broker: Kafka) -> None:
        await asyncio.to_thread(broker.initialise)
        self.running[name] = start(broker.command(self._directory / f"{name}.log"))
        await self.running[name].ready(broker.answers, within=90)


@pytest_asyncio.fixture
async def three(tmp_path: Path) -> AsyncIterator[Set]:
    jars.fetch()
    together = Set(tmp_path)
    try:
        await together.start()
        yield together
    finally:
        await asyncio.gather(*(each.stop() for each in together.running.values()))


async def test_one_may_die_and_below_two_nothing_is_acknowledged(three: Set) -> None:
    assert await create_missing(three.settings, [TOPIC]) == {TOPIC.name}
    assert await partition_counts(three.settings, [TOPIC.name]) == {TOPIC.name: TOPIC.partitions}
    producer = AIOKafkaProducer(
        bootstrap_servers=three.settings.kafka_bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=3000
    )
    try:
        await bounded(producer.start(), "looking for a broker", 20)
        await _send_until_taken(producer)
        three.running["kafka-3"].kill()
        await _send_until_taken(producer)
        three.running["kafka-2"].kill()
        with pytest.raises(KafkaTrouble):
            await bounded(producer.send_and_wait(TOPIC.name, b"alone", partition=0), "sending to one", 12)
        await three.start("kafka-2")
        await _send_until_taken(producer)
    finally:
        await ended_within(2, producer.stop())


async def _send_until_taken(producer: Any) -> None:
    """A leader may have to be found first."""
    async with asyncio.timeout(60):
        while True:
            try:
                await bounded(producer.send_and_wait(TOPIC.name, b"record", partition=0), "sending", 10)
            except KafkaTrouble:
                await asyncio.sleep(0.2)
            else:
                return
