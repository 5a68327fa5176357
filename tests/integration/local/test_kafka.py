"""A broker of one's own: formatted once, back after a kill, its logs never deleted."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from deploy.local import jars, ports
from deploy.local.kafka import Kafka, KafkaError, answers
from deploy.local.process import start

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(tmp_path: Path) -> Kafka:
    jars.fetch()
    port = ports.choose()
    return Kafka(tmp_path / "kafka", port, ports.choose({port}))


async def test_it_comes_back_with_its_cluster_after_a_kill(broker: Kafka, tmp_path: Path) -> None:
    assert await asyncio.to_thread(broker.initialise)
    identity = (broker.directory / "data" / "meta.properties").read_text(encoding="utf-8")
    first = start(broker.command(tmp_path / "kafka.log"))
    try:
        await first.ready(broker.answers, within=90)
        os.kill(first.pid, signal.SIGKILL)
        await first.ended()
        assert not await broker.answers()
        assert not broker.initialise()
        again = start(broker.command(tmp_path / "kafka.log"))
        try:
            await again.ready(broker.answers, within=90)
        finally:
            await again.stop()
    finally:
        await first.stop()
    assert (broker.directory / "data" / "meta.properties").read_text(encoding="utf-8") == identity


def test_an_interrupted_format_is_done_anew(broker: Kafka) -> None:
    (broker.directory / "data").mkdir(parents=True)
    (broker.directory / "data" / "bootstrap.checkpoint").write_bytes(b"half")
    assert broker.initialise()
    assert broker.is_initialised


def test_logs_without_their_properties_are_left_alone(broker: Kafka) -> None:
    log = broker.directory / "data" / "registry.business.v1-0" / "00000000000000000000.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"records")
    with pytest.raises(KafkaError, match="they are left alone"):
        broker.initialise()
    assert log.read_bytes() == b"records"


async def test_something_else_on_the_port_is_no_broker() -> None:
    async def talk_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk_nonsense, "127.0.0.1", 0)
    async with server:
        assert not await answers("127.0.0.1", server.sockets[0].getsockname()[1])
