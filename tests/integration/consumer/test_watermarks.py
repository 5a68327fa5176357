"""How fresh a read model is, by what the relays say."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import kafka_admin
from shared.consumer.host import ConsumerHost
from shared.consumer.watermarks import as_of, file, held_back, prune
from shared.contracts.catalogue import BUSINESS, WATERMARK
from shared.contracts.platform import TopicEnd, Watermark
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.integration.consumer.conftest import GROUP, SERVICE, Bench
from tests.support.log import Log

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OFFSET = """
insert into consumer_offset (consumer_group, topic, partition, history, epoch, next_offset) values ($1, $2, $3, $4,
$5, $6)
"""


def said(
    seconds: float,
    *ends: int,
    history: int = 1,
    epoch: int = 1,
    fence: int = 1,
    service: str = "registry",
    held: int = 0,
) -> Watermark:
    """Returns what a relay says `seconds` after NOW of the ends of the first partitions."""
    return Watermark(
        service=service,
        history=history,
        epoch=epoch,
        fence=fence,
        at=NOW + timedelta(seconds=seconds),
        ends=[TopicEnd(topic=BUSINESS.name, partition=n, next_offset=end) for n, end in enumerate(ends)],
        held_back=held,
    )


@pytest.fixture
async def pool(database: Database) -> Pool:
    return await database.pool(SERVICE, "worker")


async def _reached(pool: Pool, *offsets: int, epoch: int | None = 1) -> None:
    await pool.execute("delete from consumer_offset")
    for partition, offset in enumerate(offsets):
        await pool.execute(OFFSET, GROUP, BUSINESS.name, partition, 1 if epoch else None, epoch, offset)


async def _seconds(pool: Pool, *services: str) -> float | None:
    instant = await as_of(pool, GROUP, services or ("registry",))
    return None if instant is None else (instant - NOW).total_seconds()


async def test_a_read_model_is_as_of_the_newest_instant_that_all_its_rows_have_reached(pool: Pool) -> None:
    await file(pool, [said(1, 5, 5), said(2, 7, 5), said(3, 7, 9)])
    for offsets, expected in (((5, 5), 1), ((7, 8), 2), ((4, 9), None), ((7, 9), 3)):
        await _reached(pool, *offsets)
        assert await _seconds(pool) == expected


async def test_a_quiet_partition_without_records_holds_nothing_up(pool: Pool) -> None:
    await _reached(pool, 5)
    await file(pool, [said(1, 5, 0)])
    assert await _seconds(pool) == 1


async def test_it_is_the_least_of_the_services_and_unknown_without_their_word(pool: Pool) -> None:
    await _reached(pool, 5)
    await file(pool, [said(4, 5), said(2, service="mentoring")])
    assert await _seconds(pool, "registry", "mentoring") == 2
    assert await _seconds(pool, "registry", "platform") is None


async def test_a_lower_stamp_is_void_and_another_log_proves_nothing(pool: Pool) -> None:
    await _reached(pool, 9)
    await file(pool, [said(1, 9, fence=2)])
    await file(pool, [said(2, 5, fence=1)])
    assert await _seconds(pool) == 1
    await file(pool, [said(3, 4, epoch=2, fence=3)])
    assert await _seconds(pool) is None, "offsets of the lost log say nothing about the new one"
    await _reached(pool, 4, epoch=2)
    assert await _seconds(pool) == 3
    await file(pool, [said(4, 4, epoch=1, fence=9)])
    assert await _seconds(pool) == 3


async def test_what_is_held_back_is_told(pool: Pool) -> None:
    await file(pool, [said(1, 5, held=3), said(2, 5, held=2), said(1, service="mentoring", held=1)])
    assert await held_back(pool, ["registry", "mentoring"]) == 3


async def test_a_day_is_kept_thinly_and_the_last_minutes_whole(pool: Pool) -> None:
    old, recent = [said(n, 1) for n in range(-7200, -7000, 10)], [said(n, 1) for n in range(-60, 0)]
    await file(pool, [said(-200_000, 1), *old, *recent])
    await prune(pool)
    rows = [row["at"] for row in await pool.fetch("select at from watermark order by at")]
    assert [at for at in rows if at >= NOW - timedelta(seconds=60)] == [each.at for each in recent]
    assert len(rows) - 60 == len({each.at.replace(second=0) for each in old})


@pytest.mark.kafka
async def test_the_newest_are_filed_and_strange_ones_passed_over(bench: Bench) -> None:
    await kafka_admin.create_missing(bench.settings, [WATERMARK])
    await _reached(bench.pool, 5)
    await _say(bench.log, said(1, 5))
    await bench.log.put(WATERMARK.name, None, b"\xff", partition=0)
    await bench.log.put(WATERMARK.name, b"registry", None, partition=0)
    host = ConsumerHost(SERVICE, bench.settings, bench.pool)
    await host.file_watermarks()
    await host.start()
    bench.hosts.append(host)
    await bench.until("select count(*)::int from watermark", 1)
    await _say(bench.log, said(2, 5))
    await bench.until("select count(*)::int from watermark", 2)
    assert await _seconds(bench.pool) == 2
    assert await host.ready() is None


async def _say(log: Log, watermark: Watermark) -> None:
    await log.put(WATERMARK.name, watermark.service.encode(), watermark.model_dump_json().encode(), partition=0)
