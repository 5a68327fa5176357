"""The same servers from public images, by testcontainers: `make test-containers`."""

import asyncio
import os

# testcontainers' reaper is one more image to pull; what is started here is stopped here.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.infrastructure.base import KafkaServer, PostgresServer

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
_PASSWORD = "test"
_KAFKA = {
    "NODE_ID": "1",
    "PROCESS_ROLES": "broker,controller",
    "LISTENERS": "CLIENT://:9092,BROKER://:9094,CONTROLLER://:9093",
    "LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "INTER_BROKER_LISTENER_NAME": "BROKER",
    "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "AUTO_CREATE_TOPICS_ENABLE": "false",
    "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "GROUP_MIN_SESSION_TIMEOUT_MS": "3000",
    "MESSAGE_MAX_BYTES": "6291456",
}


class KafkaContainer(DockerContainer):
    """The address that clients are told is known only once the container runs, so the broker starts late."""

    _START = "/tmp/start.sh"  # noqa: S108  inside the container

    def __init__(self) -> None:
        super().__init__(KAFKA_IMAGE)
        self.with_exposed_ports(9092)
        self.with_command(["sh", "-c", f"until [ -f {self._START} ]; do sleep 0.1; done; exec sh {self._START}"])
        for name, value in _KAFKA.items():
            self.with_env(f"KAFKA_{name}", value)

    @property
    def bootstrap(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(9092)}"

    def start(self) -> "KafkaContainer":
        super().start()
        advertised = f"CLIENT://{self.bootstrap},BROKER://localhost:9094"
        script = f"export KAFKA_ADVERTISED_LISTENERS={advertised}\nexec /etc/kafka/docker/run\n"
        self.copy_into_container(script.encode(), self._START)
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(60).wait_until_ready(self)
        return self


class Containers:
    def __init__(self) -> None:
        self._started: list[DockerContainer] = []

    async def postgres(self) -> PostgresServer:
        container = PostgresContainer(POSTGRES_IMAGE, username="postgres", password=_PASSWORD, dbname="postgres")
        container.with_command("postgres -c fsync=off -c max_connections=120")
        await asyncio.to_thread(container.start)
        self._started.append(container)
        return PostgresServer(container.get_container_host_ip(), int(container.get_exposed_port(5432)), _PASSWORD)

    async def kafka(self) -> KafkaServer:
        container = KafkaContainer()
        await asyncio.to_thread(container.start)
        self._started.append(container)
        return KafkaServer(container.bootstrap)

    async def stop(self) -> None:
        for container in self._started:
            await asyncio.to_thread(container.stop)
