"""Each alarm that is set off by what is seen from outside, by its reason: a dead process says nothing itself."""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.chaos.disk import Disk
from deploy.local import brokers, ports
from deploy.local.process import Running, start
from shared import kafka_admin
from shared.contracts.catalogue import BUSINESS, WATERMARK
from shared.settings import Settings
from shared.watch.loop import WatchLoop
from shared.watch.settings import WatchSettings
from tests.infrastructure.base import KafkaServer
from tests.support.alarms import Samples, fires, nothing_told, told_by, told_here
from tests.support.topics import WRITERS_TIMES, configure

pytestmark = pytest.mark.kafka
GROUP = "reporting-set-7"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(kafka: KafkaServer, topic_prefix: str) -> WatchSettings:
    return WatchSettings(kafka_bootstrap=kafka.bootstrap, topic_prefix=topic_prefix)


@asynccontextmanager
async def _watching(settings: WatchSettings) -> AsyncIterator[None]:
    nothing_told()
    loop = WatchLoop(settings, every_seconds=0.2)
    await loop.start()
    yield
    await loop.stop()


async def _told(holds: Callable[[Samples], bool]) -> Samples:
    deadline = time.monotonic() + 30
    while not holds(told_here()):
        assert time.monotonic() < deadline, told_here()
        await asyncio.sleep(0.1)
    return told_here()


def _of(told: Samples, name: str) -> float:
    return sum((value for series, value in told.items() if series.startswith(name)), 0.0)


async def _put(settings: Settings, topic: str, count: int = 1, ago_seconds: float = 0) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, linger_ms=20)
    await producer.start()
    at = int((time.time() - ago_seconds) * 1000)
    put = [
        await producer.send(settings.topic_prefix + topic, b"x", b"mentoring", 0, timestamp_ms=at) for _ in range(count)
    ]
    await asyncio.gather(*put)
    await producer.stop()


@asynccontextmanager
async def _member(settings: Settings, offset: int) -> AsyncIterator[AIOKafkaConsumer]:
    """A member of the group that has told Kafka so far, and tells nothing more."""
    consumer = AIOKafkaConsumer(
        settings.topic_prefix + BUSINESS.name,
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=settings.topic_prefix + GROUP,
        enable_auto_commit=False,
    )
    await consumer.start()
    await consumer.commit({TopicPartition(settings.topic_prefix + BUSINESS.name, 0): offset})
    yield consumer
    await consumer.stop()


async def test_consumers_that_stand_still_fall_behind_or_are_gone_set_alarms_off(settings: WatchSettings) -> None:
    await kafka_admin.create_missing(settings, [BUSINESS, WATERMARK])
    async with _watching(settings):
        async with _member(settings, 0):
            before = await _told(lambda told: _of(told, "group_members") == 1)
            await _put(settings, BUSINESS.name)
            fires("ConsumerStandsStill", before, await _told(lambda told: _of(told, "group_lag") == 1))
            await _put(settings, BUSINESS.name, 20_100)
            fires("ConsumerFallsBehind", before, await _told(lambda told: _of(told, "group_lag") > 20_000))
        fires("ConsumerAway", before, await _told(lambda told: _of(told, "group_members") == 0))
        await kafka_admin.forget_group(settings, GROUP)
        forgotten = await _told(lambda told: not any(series.startswith("group_members") for series in told))
    assert not any(series.startswith("group_lag") for series in forgotten), "what nobody is to follow is no alarm"


async def test_silent_relays_and_kafka_that_is_away_set_alarms_off(settings: WatchSettings) -> None:
    await kafka_admin.create_missing(settings, [WATERMARK])
    await _put(settings, WATERMARK.name)
    async with _watching(settings):
        before = await _told(lambda told: 0 < _silence_of_mentoring(told) < 60 and _of(told, "kafka_answers") == 1)
    await kafka_admin.delete(settings, [settings.topic_prefix + WATERMARK.name])
    await kafka_admin.create_missing(settings, [WATERMARK])
    await configure(settings, WATERMARK.name, WRITERS_TIMES)
    await _put(settings, WATERMARK.name, ago_seconds=300)
    async with _watching(settings):
        fires("RelaySilent", before, await _told(lambda told: _silence_of_mentoring(told) > 299))
    async with _watching(settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})):
        fires("KafkaAway", before, await _told(lambda told: _of(told, "kafka_answers") == 0))


def _silence_of_mentoring(told: Samples) -> float:
    return sum(value for series, value in told.items() if series.startswith("relay_silent") and "mentoring" in series)


async def test_a_broker_of_three_that_is_lost_sets_an_alarm_off(tmp_path: Path) -> None:
    async with _set_of_three(tmp_path) as (settings, running):
        await kafka_admin.create_missing(settings, [WATERMARK])
        async with _watching(settings):
            before = await _told(lambda told: _of(told, "kafka_answers") == 1 and not _short_of_copies(told))
            running[2].kill()
            fires("BrokerLost", before, await _told(lambda told: _short_of_copies(told) > 0))


def _short_of_copies(told: Samples) -> float:
    return _of(told, "kafka_partitions_short_of_copies")


@asynccontextmanager
async def _set_of_three(directory: Path) -> AsyncIterator[tuple[WatchSettings, list[Running]]]:
    """Three brokers of which any two go on without the third."""
    of_three = brokers.several(3)
    taken: dict[str, int] = {}
    for name in of_three.port_names:
        taken[name] = ports.choose(set(taken.values()))
    servers = [of_three.broker(name, directory, taken) for name in of_three.names]
    running: list[Running] = []
    try:
        for server in servers:
            await asyncio.to_thread(server.initialise)
            running.append(start(server.command(server.directory / "log")))
        for server, process in zip(servers, running, strict=True):
            await process.ready(server.answers, within=60)
        yield WatchSettings(kafka_bootstrap=",".join(each.address for each in servers), kafka_replication=3), running
    finally:
        await asyncio.gather(*(process.stop() for process in running))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may put a small disk beneath a directory")
async def test_a_disk_that_fills_sets_an_alarm_off(settings: WatchSettings, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "data")
    try:
        disk.put(8)
    except OSError as error:
        pytest.skip(f"this machine mounts no tmpfs: {error}")
    try:
        async with _watching(settings.model_copy(update={"watched_directories": f"{disk.directory}:/nowhere"})):
            before = await _told(lambda told: _of(told, "disk_free_bytes") > 1 << 20)
            disk.fill()
            fires("DiskFilling", before, await _told(lambda told: _of(told, "disk_free_bytes") < 1 << 16))
    finally:
        disk.take_away()


async def test_a_process_that_dies_or_begins_again_and_again_sets_alarms_off(settings: WatchSettings) -> None:
    """The watch itself, as a process."""
    starts = []
    for _ in range(2):
        process, url = await _process(settings)
        starts.append(told_by(url, "watch"))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    first, second = starts
    assert _of(first, "process_start_time") < _of(second, "process_start_time")
    fires("ProcessRestarts", first, second, goes_on=True)
    fires("ProcessAway", first, told_by(url, "watch"))


async def _process(settings: Settings) -> tuple[Process, str]:
    """Returns a watch that runs, and where it is asked."""
    told = {"PLUT_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "PLUT_TOPIC_PREFIX": settings.topic_prefix}
    own = {**os.environ, **told, "PLUT_HTTP_PORT": "0", "PLUT_LOG_FORMAT": "json"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "shared.watch", cwd=ROOT, env=own, stdout=PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(40):
        while not (found := re.search(rb"http://[0-9.:]+", line := await process.stdout.readline())):
            assert line, "it ended before it listened"
    return process, found.group().decode()
