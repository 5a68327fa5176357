"""Real servers as processes of this machine, made for one test run."""

import asyncio
from pathlib import Path

from deploy.local import jars, ports
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import Running, start
from tests.infrastructure.base import KafkaServer, PostgresServer

_PASSWORD = "test"


class Embedded:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: list[Running] = []

    async def postgres(self) -> PostgresServer:
        cluster = Postgres(self._directory / "postgres", ports.choose(), durable=False)
        await asyncio.to_thread(cluster.initialise, _PASSWORD)
        server = start(cluster.command(self._directory / "postgres.log"))
        self._running.append(server)
        await server.ready(lambda: cluster.answers(_PASSWORD), within=30)
        return PostgresServer("127.0.0.1", cluster.port, _PASSWORD)

    async def kafka(self) -> KafkaServer:
        await asyncio.to_thread(jars.fetch)
        port = ports.choose()
        broker = Kafka(self._directory / "kafka", port, ports.choose({port}))
        await asyncio.to_thread(broker.initialise)
        server = start(broker.command(self._directory / "kafka.log"))
        self._running.append(server)
        await server.ready(broker.answers, within=60)
        return KafkaServer(broker.address)

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._running))
