"""How an installation is: its processes, what is not yet published, not yet read, set aside, and how fresh pages are.

Whatever cannot be asked is None or false: the status of a broken installation is what it is needed for.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from deploy.local import verdict
from deploy.local.installation import Installation, NotRunningError
from deploy.local.ports import is_free
from deploy.local.probe import hindrance, is_live
from deploy.local.process import Identity
from deploy.local.protection import GATE
from deploy.local.state import ProcessState, ServerState
from deploy.local.table import SERVICES
from shared.connections import kafka_options
from shared.kafka_admin import KafkaTrouble, bounded, ended_within
from shared.postgres import UNAVAILABLE, Connection, connect, role_name
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.relay.store import Wal

_KAFKA_SECONDS = 3.0
_POSTGRES_SECONDS = 5.0

Answer = TypeVar("Answer")
Place = tuple[str, int]


@dataclass(frozen=True)
class ProcessHealth:
    """`hindrance`: what keeps a process that lives from its work, in its own words. `held`: stopped on purpose."""

    state: ProcessState
    pid: int | None
    healthy: bool
    hindrance: str | None = None
    seconds_old: float | None = None
    held: bool = False


@dataclass(frozen=True)
class ServerHealth:
    state: ServerState
    pid: int | None
    healthy: bool
    held: bool = False


@dataclass(frozen=True)
class ReadModel:
    name: str
    as_of: datetime | None
    behind_ms: int | None


@dataclass(frozen=True)
class ServiceStatus:
    """What one service's schema says; None where it could not be asked."""

    backlog: int | None = None
    positions: Mapping[str, Mapping[Place, int]] = field(default_factory=dict)
    parked: int | None = None
    alarms: list[str] = field(default_factory=list)
    read_models: list[ReadModel] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    wal: "Wal | None" = None


@dataclass(frozen=True)
class Room:
    """What is left of the disk that a directory of data lies on."""

    directory: str
    megabytes: int


@dataclass(frozen=True)
class Status:
    """`broken_off`: what ran was not stopped; the supervisor has died, and all the rest with it."""

    processes: list[ProcessHealth]
    infrastructure: list[ServerHealth]
    services: Mapping[str, ServiceStatus]
    lags: Mapping[str, int | None]
    supervised: bool = True
    room: Sequence[Room] = ()
    broken_off: bool = False

    @property
    def parked(self) -> int | None:
        known = [service.parked for service in self.services.values() if service.parked is not None]
        return sum(known) if known else None

    @property
    def alarms(self) -> list[str]:
        """What somebody has to look at, the gravest first: what is seen here, then what was written down."""
        return [*verdict.troubles(self), *(alarm for service in self.services.values() for alarm in service.alarms)]

    @property
    def is_well(self) -> bool:
        """Tells whether everything runs and nobody has to look at anything."""
        running = all(each.healthy for each in self.processes) and all(each.healthy for each in self.infrastructure)
        return running and not self.alarms

    @property
    def under_way(self) -> list[str]:
        """What changes on purpose, such as a rebuild."""
        return [each for service in self.services.values() for each in service.sets]

    def as_json(self) -> dict[str, Any]:
        """Returns what programs rely on; `alarms` holds sentences for people."""
        return {
            "processes": [_process_json(process) for process in self.processes],
            "infrastructure": [_server_json(server) for server in self.infrastructure],
            "outbox_backlog": {name: service.backlog for name, service in self.services.items()},
            "consumer_lag": dict(self.lags),
            "parked": self.parked,
            "read_models": [
                {"name": model.name, "as_of": model.as_of and model.as_of.isoformat(), "behind_ms": model.behind_ms}
                for service in self.services.values()
                for model in service.read_models
            ],
            "alarms": self.alarms,
            "under_way": self.under_way,
        }


async def ask(installation: Installation) -> Status:
    """Asks everything at once; takes a few seconds at most, also when nothing answers."""
    state, supervised = installation.state, installation.is_running
    processes = asyncio.gather(
        *(_process_health(installation, process) for process in (state.processes if state else []))
    )
    servers = asyncio.gather(*(_server_health(installation, each) for each in (state.infrastructure if state else [])))
    services = dict(
        zip(SERVICES, await asyncio.gather(*(_ask_service(installation, each) for each in SERVICES)), strict=True)
    )
    groups = {group: places for service in services.values() for group, places in service.positions.items()}
    lags = await _lags(installation, groups)
    return Status(
        await processes,
        await servers,
        services,
        lags,
        supervised,
        _room(installation) if state else [],
        broken_off=state is not None and state.ready and not supervised,
    )


def _room(installation: Installation) -> list[Room]:
    """Of the data's disks; nothing of what lies in containers."""
    places = [
        installation.postgres.directory,
        *(installation.broker(name).directory for name in installation.brokers.names),
    ]
    found = []
    for place in places:
        with suppress(OSError):
            found.append(Room(str(place), shutil.disk_usage(place).free >> 20))
    return found


# Processes


async def _process_health(installation: Installation, process: ProcessState) -> ProcessHealth:
    pid = _living_pid(process.identity)
    if pid is None:
        return ProcessHealth(process, None, healthy=False, held=installation.holds(process.name))
    if not await is_live(process.url):
        old = time.time() - process.started if process.started is not None else None
        return ProcessHealth(process, pid, healthy=False, seconds_old=old)
    return ProcessHealth(process, pid, healthy=True, hindrance=await hindrance(process.url))


async def _server_health(installation: Installation, server: ServerState) -> ServerHealth:
    pid = _living_pid(server.identity)
    if pid is None:
        return ServerHealth(server, None, healthy=False, held=installation.holds(server.name))
    if server.name == GATE:
        return ServerHealth(server, pid, not is_free(int(server.address.rsplit(":", 1)[1])))
    if server.name in installation.brokers.names:
        return ServerHealth(server, pid, await installation.broker(server.name).answers())
    return ServerHealth(server, pid, await installation.postgres.answers(installation.superuser_password()))


def _living_pid(identity: Identity | None) -> int | None:
    return identity.pid if identity and identity.is_alive else None


# Services


async def _ask_service(installation: Installation, service: str) -> ServiceStatus:
    """Returns what was told in time, the gravest asked first."""
    told: dict[str, Any] = {}
    with suppress(*UNAVAILABLE, NotRunningError, asyncpg.PostgresError):
        async with asyncio.timeout(_POSTGRES_SECONDS), _schema_of(installation, service) as connection:
            told["alarms"] = await _alarms(connection, service)
            told["backlog"] = await _backlog(connection)
            told["positions"] = await _positions(connection)
            told["parked"] = await _parked(connection)
            told["wal"] = await _wal(connection)
            if service == "reporting":
                told["sets"] = await _sets(connection)
                told["read_models"] = await _read_models(connection)
    return ServiceStatus(**told)


@asynccontextmanager
async def _schema_of(installation: Installation, service: str) -> AsyncIterator[Connection]:
    settings = installation.settings(service, "worker")
    connection = await connect(settings, role_name(service, "worker"), schema=service, application="plut-status")
    try:
        yield connection
    finally:
        connection.terminate()


async def _backlog(connection: Connection) -> int:
    from shared import relay

    return await relay.backlog(connection)


async def _positions(connection: Connection) -> dict[str, dict[Place, int]]:
    rows = await connection.fetch("select consumer_group, topic, partition, next_offset from consumer_offset")
    found: dict[str, dict[Place, int]] = {}
    for row in rows:
        found.setdefault(row["consumer_group"], {})[row["topic"], row["partition"]] = row["next_offset"]
    return found


async def _parked(connection: Connection) -> int:
    from shared.consumer import parking

    return await parking.count_open(connection)


async def _wal(connection: Connection) -> "Wal":
    from shared.relay import store

    return await store.read_wal(connection)


async def _alarms(connection: Connection, service: str) -> list[str]:
    from shared.consumer import alarms, control
    from shared.relay import store

    holder = await store.holder_of_lead(connection, service)
    relay = await connection.fetchrow("select alarm_code, alarm from relay_state where alarm_code is not null")
    held = await connection.fetchval("select count(*) from relay_held where released_at is null")
    return [
        *([verdict.of_lead(service, holder)] if holder and holder.application != f"{service}-relay" else []),
        *([f"{service}: relay berhenti ({relay['alarm_code']}): {relay['alarm']}"] if relay else []),
        *([f"{service}: Kafka menolak {held} peristiwa untuk seterusnya; relay menahannya"] if held else []),
        *(f"{group} berhenti; lihat `plut parked list`" for group in await control.stopped_groups(connection)),
        *(verdict.of_consumer(each) for each in await alarms.open_alarms(connection)),
    ]


async def _sets(connection: Connection) -> list[str]:
    """A rebuild is no trouble, but explains why two groups read."""
    from services.reporting import store

    return [
        f"reporting: set {each.version} sedang dibangun ulang ({each.stage}); halaman memakai set yang lama"
        for each in await store.sets_to_run(connection)
        if each.state == "building"
    ]


async def _read_models(connection: Connection) -> list[ReadModel]:
    from services.reporting import freshness

    return [ReadModel(each.name, each.as_of, each.behind_ms) for each in await freshness.read_models(connection)]


# Kafka


async def _lags(installation: Installation, groups: Mapping[str, Mapping[Place, int]]) -> dict[str, int | None]:
    """Returns how many records each group has not read yet; None for all if Kafka does not answer."""
    wanted = sorted({place for places in groups.values() for place in places})
    if not wanted or not await installation.kafka_answers():
        return dict.fromkeys(groups, None)
    try:
        ends = await _ends(installation.settings("registry", "relay"), wanted)
    except KafkaTrouble:
        return dict.fromkeys(groups, None)
    return {group: sum(max(0, ends[place] - at) for place, at in places.items()) for group, places in groups.items()}


async def _ends(settings: Settings, wanted: list[Place]) -> dict[Place, int]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(**kafka_options(settings), request_timeout_ms=int(_KAFKA_SECONDS * 1000))
    try:
        await _of_kafka(consumer.start(), "looking for a broker")
        partitions = [TopicPartition(topic, partition) for topic, partition in wanted]
        found = await _of_kafka(consumer.end_offsets(partitions), "asking where logs end")
        return {(partition.topic, partition.partition): end for partition, end in found.items()}
    finally:
        await ended_within(1, consumer.stop())


async def _of_kafka(waiting: Awaitable[Answer], doing: str) -> Answer:
    return await bounded(waiting, doing, _KAFKA_SECONDS)


# JSON


def _process_json(process: ProcessHealth) -> dict[str, Any]:
    state = process.state
    return {
        "service": state.service,
        "role": state.role,
        "number": state.number,
        "pid": process.pid,
        "url": state.url,
        "healthy": process.healthy,
        "hindrance": process.hindrance,
        "restarts": state.restarts,
    }


def _server_json(server: ServerHealth) -> dict[str, Any]:
    return {
        "name": server.state.name,
        "pid": server.pid,
        "address": server.state.address,
        "healthy": server.healthy,
        "restarts": server.state.restarts,
    }
