"""A service's outbox with a relay in front of Kafka, and eyes on both sides."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import kafka_admin, relay
from shared.contracts.catalogue import topics_of
from shared.contracts.platform import Watermark
from shared.outbox import partition_of
from shared.postgres import Pool
from shared.relay import store
from shared.relay.loop import RelayLoop
from shared.settings import Settings
from tests.infrastructure.databases import Database

SERVICE = "registry"
TOPIC = "registry.business.v1"
WITHIN = 20.0

_INSERT = """
insert into outbox (event_id, topic, partition, aggregate_id, version, type, payload, traceparent, correlation_id)
values ($1, $2, $3, $4, $5, 'BusinessRegistered', $6, $7, $1)
"""


async def until(what: str, holds: Callable[[], Awaitable[Any]], within: float = WITHIN) -> None:
    """Waits for a condition; says what did not come."""
    try:
        async with asyncio.timeout(within):
            while not await holds():  # noqa: ASYNC110  it is Kafka or Postgres that changes
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


@dataclass
class Log:
    """What Kafka holds of a topic: records per partition."""

    partitions: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))

    @property
    def records(self) -> list[Any]:
        return [record for partition in self.partitions.values() for record in partition]

    def event_ids(self) -> list[UUID]:
        return [UUID(dict(record.headers)["event_id"].decode()) for record in self.records]

    def firsts(self, aggregate: str) -> list[str]:
        """The event ids of an aggregate in the order in which each came first."""
        mine = [record for record in self.records if record.key == aggregate.encode()]
        return list(dict.fromkeys(dict(record.headers)["event_id"].decode() for record in mine))

    def numbers(self, name: str) -> set[int]:
        return {int(dict(record.headers)[name]) for record in self.records}


class Bench:
    """Given events in the outbox, when relays run, then this is in Kafka."""

    def __init__(self, database: Database, bootstrap: str, prefix: str, app: Pool, worker: Pool) -> None:
        self.database = database
        self.app = app
        self.worker = worker
        self.settings: Settings = database.settings(SERVICE, "worker").model_copy(
            update={"kafka_bootstrap": bootstrap, "topic_prefix": prefix}
        )
        self.versions: dict[str, int] = defaultdict(int)
        self.relays: list[RelayLoop] = []

    # Writing

    async def write(
        self, count: int, *, aggregates: int = 5, payload: str = '{"x": 1}', topic: str = TOPIC
    ) -> list[UUID]:
        """Commits events one by one, over some aggregates."""
        return [await self.append(f"a{number % aggregates}", payload, topic) for number in range(count)]

    async def append(self, aggregate: str, payload: str = '{"x": 1}', topic: str = TOPIC) -> UUID:
        async with self.app.acquire() as connection, connection.transaction():
            return await self.append_in(connection, aggregate, payload, topic)

    async def append_in(self, connection: Any, aggregate: str, payload: str = '{"x": 1}', topic: str = TOPIC) -> UUID:
        self.versions[topic + aggregate] += 1
        version = self.versions[topic + aggregate]
        event_id = uuid4()
        await connection.execute(
            _INSERT,
            event_id,
            topic,
            partition_of(aggregate),
            aggregate,
            version,
            payload,
            "00-trace" if version % 2 else None,
        )
        return event_id

    # Relaying

    async def start(self) -> RelayLoop:
        loop = RelayLoop(SERVICE, self.settings)
        self.relays.append(loop)
        await loop.start()
        return loop

    async def leading(self) -> RelayLoop:
        loop = await self.start()
        await asyncio.wait_for(loop.leads.wait(), WITHIN)
        return loop

    async def stop(self) -> None:
        await asyncio.gather(*(loop.stop() for loop in self.relays))
        self.relays.clear()

    async def drained(self, within: float = WITHIN) -> None:
        """Waits until nothing is unpublished, nor remembered by the leader alone."""

        async def empty() -> bool:
            return await self.backlog() == 0

        await until("an empty outbox", empty, within)

    async def backlog(self) -> int:
        async with self.worker.acquire() as connection:
            return await relay.backlog(connection)

    async def relayed(self) -> None:
        """Lets a relay run until the outbox is empty, and stop."""
        loop = await self.leading()
        await self.drained()
        await loop.stop()
        self.relays.remove(loop)

    async def state(self) -> store.State:
        async with self.worker.acquire() as connection:
            return await store.read_state(connection)

    async def alarm(self) -> store.Alarm:
        async def there() -> bool:
            return (await self.state()).alarm is not None

        await until("an alarm", there)
        alarm = (await self.state()).alarm
        assert alarm is not None
        return alarm

    # Kafka's side

    async def log(self, topic: str = TOPIC, partitions: int = 12) -> Log:
        """Reads all that a topic holds."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        log = Log()
        await consumer.start()
        try:
            places = [TopicPartition(self.settings.topic_prefix + topic, number) for number in range(partitions)]
            ends = await consumer.end_offsets(places)
            open_ends = {place: end for place, end in ends.items() if end > 0}
            if not open_ends:
                return log
            consumer.assign(list(open_ends))
            async with asyncio.timeout(WITHIN):
                while open_ends:
                    for place, records in (await consumer.getmany(timeout_ms=100)).items():
                        log.partitions[place.partition].extend(records)
                        if records[-1].offset + 1 >= ends[place]:
                            open_ends.pop(place, None)
        finally:
            await consumer.stop()
        return log

    async def watermarks(self) -> list[Watermark]:
        log = await self.log("platform.watermark.v1", 1)
        return [Watermark.model_validate_json(record.value) for record in log.records]

    async def make_anew(self, topic: str = TOPIC) -> None:
        await self.drop_topic(topic)
        (found,) = (one for one in topics_of(SERVICE) if one.name == topic)
        await kafka_admin.create_missing(self.settings, [found])

    async def drop_topic(self, topic: str = TOPIC) -> None:
        await kafka_admin.delete(self.settings, [self.settings.topic_prefix + topic])

    # Judging

    async def stored(self, aggregate: str, topic: str = TOPIC) -> list[str]:
        rows = await self.worker.fetch(
            "select event_id from outbox where topic = $1 and aggregate_id = $2 order by version", topic, aggregate
        )
        return [str(row[0]) for row in rows]

    async def nothing_lost_nor_reordered(self, aggregates: Sequence[str]) -> Log:
        """All that was committed is in the log, nothing else, and each aggregate's events came first in their order."""
        log = await self.log()
        committed = {row[0] for row in await self.worker.fetch("select event_id from outbox where topic = $1", TOPIC)}
        assert set(log.event_ids()) == committed
        for aggregate in aggregates:
            assert log.firsts(aggregate) == await self.stored(aggregate)
        return log


class Writers:
    """Offices at work: several at once, with savepoints, roll-backs and now and then a long transaction."""

    def __init__(self, bench: Bench, aggregates: int, seed: int) -> None:
        self._bench = bench
        self._dice = random.Random(seed)  # noqa: S311  a test's dice
        self._locks = [asyncio.Lock() for _ in range(aggregates)]
        self.committed = 0

    @property
    def aggregates(self) -> list[str]:
        return [f"w{number}" for number in range(len(self._locks))]

    async def work(self, transactions: int) -> None:
        for _ in range(transactions):
            number = self._dice.randrange(len(self._locks))
            async with self._locks[number]:
                await self._transaction(self.aggregates[number])

    async def _transaction(self, aggregate: str) -> None:
        """The lock of the aggregate, as a command takes it, is held until the commit."""
        kind = self._dice.random()
        before = self._bench.versions[TOPIC + aggregate]
        async with self._bench.app.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            for _ in range(self._dice.randint(1, 3)):
                if kind < 0.4:
                    async with connection.transaction():
                        await self._bench.append_in(connection, aggregate)
                else:
                    await self._bench.append_in(connection, aggregate)
                if kind > 0.9:
                    await asyncio.sleep(self._dice.random() / 10)
            if 0.4 < kind < 0.55:
                await transaction.rollback()
                self._bench.versions[TOPIC + aggregate] = before
            else:
                await transaction.commit()
                self.committed += 1
