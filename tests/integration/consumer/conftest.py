"""A small applier with a table of its own, and a log to feed it."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from shared import kafka_admin
from shared.consumer.applier import GATHER, Received
from shared.consumer.host import ConsumerHost
from shared.contracts.catalogue import BUSINESS, OFFICE, Topic
from shared.pace import Wait
from shared.postgres import Pool
from shared.settings import Settings
from tests.infrastructure.base import KafkaServer
from tests.infrastructure.databases import Database
from tests.support.log import Log, open_log

SERVICE = "mentoring"
GROUP = "mentoring-counting"
TIMES = "select coalesce(sum(times), 0)::int from counted"
_TABLE = """
create table mentoring.counted (
    aggregate_id text primary key, version bigint not null, name text not null check (name <> 'forbidden'),
    times bigint not null
);
grant select, insert, update, delete on mentoring.counted to mentoring_worker, mentoring_app;
"""


@dataclass
class Counting:
    """Counts every event that takes effect: an effect that is not repeatable, so that nothing but the positions
    can save it.
    """

    group: str = GROUP
    topics: tuple[Topic, ...] = (BUSINESS,)
    durable: bool = True
    gather: Wait = GATHER
    table: str = "counted"
    before: Callable[[], Awaitable[None]] | None = None
    seen: list[Received] = field(default_factory=list)

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:
        if self.before is not None:
            await self.before()
        for each in batch:
            await connection.execute(
                f"""
                insert into {self.table} as c (aggregate_id, version, name, times) values ($1, $2, $3, 1)
                on conflict (aggregate_id) do update
                set version = greatest(c.version, excluded.version), times = c.times + 1, name = excluded.name
                """,
                each.event.aggregate_id,
                each.event.version,
                each.event.state.trade_name,
            )
        self.seen += batch

    async def forget(self, connection: Any) -> None:
        await connection.execute("delete from counted")


@dataclass
class Preparing(Counting):
    """Is handed back what it made of each event while it was read."""

    may_prepare: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_prepare.set()

    def prepare(self, one: Received) -> object:
        return one.event.aggregate_id


@dataclass
class Sharing(Counting):
    """Knows which partitions are its own."""

    own: set[TopicPartition] = field(default_factory=set)

    def dealt(self, partitions: Iterable[TopicPartition]) -> None:
        self.own = set(partitions)


@dataclass
class Bench:
    """Everything that a test of the consumer needs."""

    settings: Settings
    pool: Pool
    log: Log
    superuser_dsn: str
    hosts: list[ConsumerHost] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    async def host(self, *appliers: Any) -> ConsumerHost:
        """Returns a running host with these appliers."""
        host = ConsumerHost(SERVICE, self.settings, self.pool)
        for applier in appliers:
            await host.add(applier)
        await host.start()
        self.hosts.append(host)
        return host

    async def value(self, sql: str, *arguments: Any) -> Any:
        return await self.pool.fetchval(sql, *arguments)

    async def until(self, sql: str, expected: Any, *arguments: Any, within: float = 30) -> None:
        """Waits until a query answers as expected; fails with what it answered last."""
        deadline = time.monotonic() + within
        while (answer := await self.value(sql, *arguments)) != expected:
            assert time.monotonic() < deadline, f"{sql}: {answer!r} instead of {expected!r}"
            await asyncio.sleep(0.02)

    async def until_ready(self, host: ConsumerHost, wrong: str | None = None, within: float = 30) -> None:
        """Waits until the host is ready, or says what is named here."""
        deadline = time.monotonic() + within
        while True:
            said = await host.ready()
            if said is None if wrong is None else said is not None and wrong in said:
                return
            assert time.monotonic() < deadline, f"{said!r} instead of {wrong!r}"
            await asyncio.sleep(0.02)

    async def allow_forbidden_names(self) -> None:
        """Mends what made the database refuse a record."""
        connection = await asyncpg.connect(self.superuser_dsn)
        await connection.execute("alter table mentoring.counted drop constraint counted_name_check")
        await connection.close()


@pytest_asyncio.fixture
async def bench(database: Database, kafka: KafkaServer, topic_prefix: str) -> AsyncIterator[Bench]:
    connection = await asyncpg.connect(database.superuser_dsn)
    await connection.execute(_TABLE)
    await connection.close()
    settings = database.settings(SERVICE, "worker", kafka_bootstrap=kafka.bootstrap, topic_prefix=topic_prefix)
    await kafka_admin.create_missing(settings, [OFFICE, BUSINESS])
    pool = await database.pool(SERVICE, "worker", size=12)
    async with open_log(kafka.bootstrap, topic_prefix) as log:
        own = Bench(settings, pool, log, database.superuser_dsn)
        yield own
        await asyncio.gather(*(host.stop() for host in own.hosts))
        for process in own.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture
def counting() -> Counting:
    return Counting()
