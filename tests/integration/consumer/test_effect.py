"""Each record takes effect once, whatever happens on the way."""

import asyncio
from functools import partial

import asyncpg
import pytest
from aiokafka import TopicPartition

from shared import kafka_admin
from shared.consumer import kafka, reader, subscription
from shared.consumer.applier import Received
from shared.consumer.offsets import position
from shared.contracts.catalogue import BUSINESS, CONSULTANT, OFFICE, PARTITIONS
from shared.ids import new_id
from tests.infrastructure.databases import Database
from tests.integration.consumer.conftest import GROUP, TIMES, Bench, Counting, Preparing, Sharing
from tests.support.log import business

pytestmark = pytest.mark.kafka

_OPEN_ALARMS = "select count(*)::int from consumer_alarm where kind = 'log_replaced' and cleared_at is null"


async def test_each_record_takes_effect_once_and_moves_the_position(bench: Bench, counting: Counting) -> None:
    events = [business() for _ in range(50)]
    await bench.log.publish(*events)
    await bench.host(counting)
    await bench.until(TIMES, 50)
    await bench.log.publish(*events[:10])
    await bench.until(TIMES, 60)
    assert await position(bench.pool, GROUP) == (0, 60)


async def test_what_was_made_of_an_event_beforehand_comes_back_with_it(bench: Bench) -> None:
    events = [business() for _ in range(70)]
    await bench.log.publish(*events)
    preparing = Preparing()
    await bench.host(preparing)
    await bench.until(TIMES, 70)
    assert {each.prepared for each in preparing.seen} == {event.aggregate_id for event in events}
    assert all(each.prepared == each.event.aggregate_id for each in preparing.seen)


@pytest.fixture
def errands(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[str]:
    """Tells of each look for errands when it begins."""
    begun: asyncio.Queue[str] = asyncio.Queue()
    look = reader.Reader.run_errands

    async def look_and_tell(self: reader.Reader) -> None:
        begun.put_nowait(self.group)
        await look(self)

    monkeypatch.setattr(reader.Reader, "run_errands", look_and_tell)
    return begun


async def _next(errands: asyncio.Queue[str]) -> None:
    while not errands.empty():
        errands.get_nowait()
    await asyncio.wait_for(errands.get(), 20)


async def test_looking_for_errands_keeps_no_batch_from_being_read_while_one_is_written(
    bench: Bench, errands: asyncio.Queue[str]
) -> None:
    writing, read_on, done = (asyncio.Event() for _ in range(3))
    number = new_id()

    async def hang() -> None:
        writing.set()
        await done.wait()

    class Telling(Preparing):
        def prepare(self, one: Received) -> object:
            if one.event.version == 2:
                read_on.set()
            return super().prepare(one)

    await bench.host(Telling(before=hang))
    await bench.log.publish(business(number))
    await asyncio.wait_for(writing.wait(), 40)
    await _next(errands)
    await bench.log.publish(business(number, version=2))
    try:
        await asyncio.wait_for(read_on.wait(), 20)
    finally:
        done.set()
    await bench.until(TIMES, 2)


async def test_another_log_is_settled_only_when_its_last_batch_is_written(
    bench: Bench, counting: Counting, errands: asyncio.Queue[str]
) -> None:
    first = await bench.host(counting)
    await bench.log.publish(business())
    await bench.until(TIMES, 1)
    await first.stop()
    await bench.pool.execute("update consumer_offset set last_digest = sha256('another') where next_offset > 0")
    writing, done = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        writing.set()
        await done.wait()

    await bench.host(Counting(before=hang))
    try:
        await asyncio.wait_for(writing.wait(), 40)
        for _ in range(3):
            await _next(errands)
        assert await bench.value(_OPEN_ALARMS) == 1
    finally:
        done.set()
    await bench.until(_OPEN_ALARMS, 0)


async def test_a_restarted_host_goes_on_where_the_rows_say(bench: Bench, counting: Counting) -> None:
    first = await bench.host(counting)
    await bench.log.publish(*[business() for _ in range(20)])
    await bench.until(TIMES, 20)
    await first.stop()
    await bench.log.publish(*[business() for _ in range(20)])
    await bench.host(Counting())
    await bench.until(TIMES, 40)


async def test_two_hosts_share_the_work_and_one_takes_over(bench: Bench) -> None:
    ours, theirs = Counting(), Counting()
    await bench.host(ours)
    second = await bench.host(theirs)
    total = 0
    while not (ours.seen and theirs.seen):
        await bench.log.publish(*[business() for _ in range(24)])
        total += 24
        await bench.until(TIMES, total)
    await second.stop()
    await bench.log.publish(*[business() for _ in range(24)])
    await bench.until(TIMES, total + 24)
    assert len(ours.seen) + len(theirs.seen) == total + 24


async def test_who_shares_the_work_is_told_its_part(bench: Bench) -> None:
    ours, theirs = Sharing(), Sharing()
    await bench.host(ours)
    second = await bench.host(theirs)
    async with asyncio.timeout(30):
        while not (theirs.own and len(ours.own) < PARTITIONS):  # noqa: ASYNC110  a rebalance sets no event
            await asyncio.sleep(0.02)
    assert ours.own | theirs.own == {TopicPartition(BUSINESS.name, number) for number in range(PARTITIONS)}
    assert ours.own.isdisjoint(theirs.own)
    await second.stop()
    async with asyncio.timeout(30):
        while len(ours.own) < PARTITIONS:  # noqa: ASYNC110  a rebalance sets no event
            await asyncio.sleep(0.02)


async def test_a_zombie_finds_another_row_and_rolls_back(bench: Bench, counting: Counting) -> None:
    """One host falls asleep in the middle of a batch; meanwhile its partitions are dealt to another."""
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        asleep.set()
        await awake.wait()

    await bench.log.publish(*[business() for _ in range(30)])
    sleeper = Counting(before=sleep)
    await bench.host(sleeper)
    await asyncio.wait_for(asleep.wait(), 20)
    heir = await bench.host(counting)
    await bench.until_ready(heir)
    await bench.log.publish(*[business() for _ in range(30)])
    awake.set()
    await bench.until(TIMES, 60)
    assert await position(bench.pool, GROUP) == (0, 60)


_END_CONNECTIONS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'mentoring_worker'"


async def _until_counted(watcher: asyncpg.Connection, expected: int) -> None:
    """Waits on a connection of its own: those of the pool, which were ended with the others, may not know it yet."""
    async with asyncio.timeout(30):
        while await watcher.fetchval(TIMES) != expected:  # noqa: ASYNC110  what is waited for lies in the consumer
            await asyncio.sleep(0.05)


async def test_it_survives_lost_connections(bench: Bench, counting: Counting, database: Database) -> None:
    await bench.host(counting)
    superuser = await asyncpg.connect(database.superuser_dsn, server_settings={"search_path": "mentoring"})
    for _ in range(4):
        await bench.log.publish(*[business() for _ in range(10)])
        await superuser.execute(_END_CONNECTIONS)
    await _until_counted(superuser, 40)
    await superuser.close()


async def test_what_a_crash_took_back_is_read_again_though_nothing_new_comes(
    bench: Bench, counting: Counting, database: Database
) -> None:
    await bench.log.publish(*[business() for _ in range(20)])
    await bench.host(counting)
    await bench.until(TIMES, 20)
    superuser = await asyncpg.connect(database.superuser_dsn, server_settings={"search_path": "mentoring"})
    async with superuser.transaction():  # as a crash leaves it, where commits do not wait for the disk
        await superuser.execute(_END_CONNECTIONS)
        await superuser.execute("delete from counted")
        await superuser.execute("update consumer_offset set next_offset = 0, last_digest = null")
    await _until_counted(superuser, 20)
    await superuser.close()


async def test_what_is_not_the_records_fault_stops_and_is_tried_again(
    bench: Bench, counting: Counting, database: Database
) -> None:
    superuser = await asyncpg.connect(database.superuser_dsn)
    await superuser.execute("alter table mentoring.counted rename column name to renamed")
    host = await bench.host(counting)
    await bench.log.publish(business())
    await bench.until_ready(host, "UndefinedColumn")
    assert await bench.value("select count(*) from parked_record") == 0
    await superuser.execute("alter table mentoring.counted rename column renamed to name")
    await superuser.close()
    await bench.until(TIMES, 1)
    await bench.until_ready(host)


async def test_a_consumer_that_kafka_does_not_answer_any_more_is_made_anew(
    bench: Bench, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some failures leave aiokafka's client waiting for ever, while others are answered: no error ever comes of it."""

    async def never(_consumer: object, _partitions: object) -> None:
        await asyncio.Event().wait()

    host = await bench.host(counting)
    await bench.log.publish(*[business() for _ in range(10)])
    await bench.until(TIMES, 10)
    (following,) = host._subscriptions.by_group.values()
    deaf = following._reader.consumer
    assert deaf is not None
    monkeypatch.setattr(kafka, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(subscription, "_WEDGED_MS", 1_000)
    monkeypatch.setattr(deaf, "beginning_offsets", partial(never, deaf))
    following._reader.doubt()
    await bench.log.publish(*[business() for _ in range(10)])
    await bench.until(TIMES, 20)
    assert following._reader.consumer is not deaf


async def test_a_missing_topic_is_waited_for(bench: Bench) -> None:
    waiting = Counting(topics=(BUSINESS, CONSULTANT))
    host = await bench.host(waiting)
    await bench.until_ready(host, "mentoring.consultant.v1 do not exist yet")
    await kafka_admin.create_missing(bench.settings, [CONSULTANT])
    await bench.log.publish(business())
    await bench.until(TIMES, 1)


async def test_appliers_come_and_go_while_it_runs(bench: Bench, counting: Counting) -> None:
    host = await bench.host(counting)
    await bench.log.publish(business())
    await bench.until(TIMES, 1)
    await host.add(Counting("another", (OFFICE, BUSINESS)))
    await bench.until(TIMES, 2)
    with pytest.raises(ValueError, match="followed already"):
        await host.add(Counting("another"))
    await host.remove(GROUP)
    await bench.log.publish(business())
    await bench.until(
        "select coalesce(sum(next_offset), 0)::int from consumer_offset where consumer_group = 'another'", 2
    )
    assert await position(bench.pool, GROUP) == (0, 1)
