"""Change hints: who listens is told that something changed, once, and is let go in time; and is told nothing that a
crash takes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from services.reporting.answers import snapshot
from services.reporting.domain import Position
from services.reporting.hints import Broadcaster, hints
from shared.auth.principal import Principal, Role
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support.reporting_events import read_to

FOREVER = time.monotonic() + 86_400
pytestmark = pytest.mark.timeout(60)


@pytest_asyncio.fixture
async def broadcaster(database: Database) -> AsyncIterator[Broadcaster]:
    running = Broadcaster(await database.pool("reporting", "app"))
    await running.start()
    yield running
    await running.stop()


async def _told(stream: AsyncIterator[bytes]) -> bytes:
    """Returns the next event, comments passed over."""
    async with asyncio.timeout(20):
        while (said := await anext(stream)).startswith(b":"):
            pass
        return said


async def test_a_change_is_told_with_its_position(broadcaster: Broadcaster, worker: Pool) -> None:
    stream = hints(broadcaster, "province", None, FOREVER)
    assert (await anext(stream)).startswith(b":")
    await read_to(worker, "registry.office.v1", 0, 7)
    assert await _told(stream) == b"event: perubahan\nid: 1.0.7\ndata: 1.0.7\n\n"


async def test_many_changes_at_once_are_one_hint(broadcaster: Broadcaster, worker: Pool) -> None:
    stream = hints(broadcaster, "province", None, FOREVER)
    assert (await anext(stream)).startswith(b":")
    await read_to(worker, "registry.office.v1", 0, 1)
    assert b"1.0.1" in await _told(stream)
    async with worker.acquire() as connection, connection.transaction():
        for partition in range(12):
            await connection.execute(
                "insert into consumer_offset (consumer_group, topic, partition, next_offset)"
                " values ('reporting-set-1', 'registry.business.v1', $1, 10)",
                partition,
            )
    assert b"1.0.121" in await _told(stream)


async def test_a_position_that_went_back_is_of_another_history(broadcaster: Broadcaster, worker: Pool) -> None:
    await read_to(worker, "registry.office.v1", 0, 9)
    stream = hints(broadcaster, "province", None, FOREVER)
    assert (await anext(stream)).startswith(b":")
    await read_to(worker, "registry.office.v1", 0, 4)
    assert (await _told(stream)).startswith(b"event: reset\nid: 1.0.4\n")


@pytest.mark.parametrize(
    ("last", "expected"),
    [("1.0.4", b"event: perubahan"), ("1.0.9", b"event: reset"), ("7.0.1", b"event: reset"), ("x", b"event: reset")],
)
async def test_whoever_comes_back_is_told_what_became_of_what_he_saw(
    broadcaster: Broadcaster, worker: Pool, last: str, expected: bytes
) -> None:
    await read_to(worker, "registry.office.v1", 0, 5)
    assert (await anext(hints(broadcaster, "province", last, FOREVER))).startswith(expected)


async def test_whoever_saw_the_newest_is_told_nothing(broadcaster: Broadcaster, worker: Pool) -> None:
    await read_to(worker, "registry.office.v1", 0, 5)
    assert (await anext(hints(broadcaster, "province", "1.0.5", FOREVER))).startswith(b":")


async def test_the_stream_ends_with_the_login(broadcaster: Broadcaster) -> None:
    stream = hints(broadcaster, "province", None, time.monotonic() + 0.2)
    assert (await anext(stream)).startswith(b":")
    assert await _told(stream) == b"event: masuk\ndata: \n\n"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_the_stream_ends_with_the_process(broadcaster: Broadcaster) -> None:
    stream = hints(broadcaster, "province", None, FOREVER)
    assert (await anext(stream)).startswith(b":")
    broadcaster.closing.set()
    async with asyncio.timeout(10):
        assert [said async for said in stream if not said.startswith(b":")] == []


async def test_nobody_is_asked_for_while_nobody_listens(broadcaster: Broadcaster, worker: Pool) -> None:
    await read_to(worker, "registry.office.v1", 0, 5)
    assert broadcaster.position is None
    stream = hints(broadcaster, "province", None, FOREVER)
    await anext(stream)
    assert broadcaster.position == Position(1, 0, 5)


async def _hinted(pool: Pool) -> Position:
    return (await Broadcaster(pool).current()).position


async def _answered(pool: Pool) -> Position:
    async with snapshot(pool, Principal("stf-prov", frozenset({Role.PROVINCE_ANALYST}), ("35.76",)), []) as seen:
        return seen.instant.position


@pytest.mark.parametrize("told", [_hinted, _answered])
async def test_what_is_told_is_on_disk(
    database: Database, worker: Pool, told: Callable[[Pool], Awaitable[Position]]
) -> None:
    """Appliers do not wait for the disk: told before, a position could go back by a crash of Postgres."""
    await read_to(worker, "registry.office.v1", 0, 0)
    asking = await database.pool("reporting", "app")
    for offset in range(1, 6):
        async with worker.acquire() as connection, connection.transaction():
            await connection.execute("set local synchronous_commit = off")
            await connection.execute("update consumer_offset set next_offset = $1", offset)
        written = await worker.fetchval("select pg_current_wal_insert_lsn()::text")
        assert await told(asking) == Position(1, 0, offset)
        assert await worker.fetchval("select pg_current_wal_flush_lsn() >= $1::text::pg_lsn", written)
