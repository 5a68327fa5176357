from collections.abc import AsyncIterator

import pytest_asyncio

from tests.infrastructure.base import KafkaServer
from tests.infrastructure.databases import Database
from tests.integration.relay.bench import SERVICE, Bench


@pytest_asyncio.fixture
async def bench(database: Database, kafka: KafkaServer, topic_prefix: str) -> AsyncIterator[Bench]:
    app, worker = await database.pool(SERVICE, "app"), await database.pool(SERVICE, "worker")
    bench = Bench(database, kafka.bootstrap, topic_prefix, app, worker)
    yield bench
    await bench.stop()
