"""A quiet, healthy system without its processes: accepted, published, applied, with the positions of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from deploy.check.findings import Report
from deploy.check.proof import prove
from deploy.check.reader import SERVICES, open_readers
from services.mentoring.handlers import ReplicaApplier
from services.reporting.projections.applier import SetApplier
from services.reporting.store import ReadModelSet
from shared import outbox
from shared.consumer.applier import Applier, Received
from shared.contracts.catalogue import TOPIC_OF, AnyEvent
from shared.outbox import partition_of
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support.reporting_events import LIVE, NOW, business, dealt_to, office, session

_ACCEPT = (
    "insert into accepted_command (principal, key, body_digest, status, answer, event_ids)"
    " values ($1, $2, $3, $4, $5, $6)"
)
_ALL_PUBLISHED = "update relay_state set snapshot = pg_current_snapshot(), tails = $1"
_READ = (
    "insert into consumer_offset (consumer_group, topic, partition, history, epoch, next_offset)"
    " values ($1, $2, $3, 1, 1, $4)"
    " on conflict (consumer_group, topic, partition) do update set next_offset = $4"
)
_GROUPS = (("reporting", "reporting-set-1"), ("mentoring", "mentoring-replica"))


class World:
    """Everything goes through the real tables; `superuser` is the hand that plants faults.

    `ends`: how much of each partition is published.
    """

    def __init__(
        self,
        database: Database,
        superuser: "asyncpg.Connection[asyncpg.Record]",
        ends: Mapping[tuple[str, int], int] | None = None,
        fed: ReadModelSet = LIVE,
    ) -> None:
        self.database = database
        self.superuser = superuser
        self.ends = dict(ends or {})
        self._fed = fed
        self._pools: dict[tuple[str, str], Pool] = {}

    async def pool(self, service: str, role: str) -> Pool:
        if (service, role) not in self._pools:
            self._pools[service, role] = await self.database.pool(service, role, size=2)
        return self._pools[service, role]

    async def accept(self, *events: AnyEvent, key: str | None = None) -> dict[str, Any]:
        """Accepts one command per event and carries it through; returns the line of the writer of the last one."""
        line: dict[str, Any] = {}
        for event in events:
            line = await self.commit(event, key=key)
        await self.publish(events)
        await self.apply(events)
        return line

    async def commit(self, event: AnyEvent, *, key: str | None = None) -> dict[str, Any]:
        """Leaves an accepted command behind, not yet published."""
        key = key or str(uuid4())
        status = 201 if event.version == 1 else 200
        answer = {**_named(event), "revision": event.version, "version": event.version}
        pool = await self.pool(TOPIC_OF[event.type].service, "app")
        async with pool.acquire() as connection, connection.transaction():
            ids = await outbox.append(connection, [event])
            await connection.execute(_ACCEPT, "stf-test", key, b"digest", status, json.dumps(answer), ids)
        return {"key": key, "status": status, "answer": answer, "at": event.recorded_at.isoformat()}

    async def publish(self, events: Sequence[AnyEvent]) -> None:
        """What the relay saves once Kafka has acknowledged."""
        for event in events:
            place = (TOPIC_OF[event.type].name, partition_of(event.aggregate_id))
            self.ends[place] = self.ends.get(place, 0) + 1
        for service in ("registry", "mentoring"):
            tails: dict[str, dict[str, list[Any]]] = {}
            for (topic, partition), end in self.ends.items():
                if topic.startswith(service):
                    tails.setdefault(topic, {})[str(partition)] = [end, str(UUID(int=0))]
            pool = await self.pool(service, "worker")
            await pool.execute(_ALL_PUBLISHED, json.dumps(tails))

    async def apply(self, events: Sequence[AnyEvent]) -> None:
        """What the consumers do: read models and offsets in one transaction."""
        batch = [
            Received(TOPIC_OF[one.type].name, partition_of(one.aggregate_id), number, one, None, 0)
            for number, one in enumerate(events)
        ]
        replicated = [each for each in batch if each.topic in {topic.name for topic in ReplicaApplier.topics}]
        appliers: dict[str, tuple[Applier, list[Received]]] = {
            "reporting": (dealt_to(batch, SetApplier(self._fed, lambda: NOW)), batch),
            "mentoring": (ReplicaApplier("mentoring-replica"), replicated),
        }
        for service, group in _GROUPS:
            applier, mine = appliers[service]
            pool = await self.pool(service, "worker")
            async with pool.acquire() as connection, connection.transaction():
                for (topic, partition), end in self.ends.items():
                    await connection.execute(_READ, group, topic, partition, end)
                await applier.apply(connection, mine)

    async def check(self, *, writers: Path | None = None, wait: float = 0.0) -> Report:
        settings = {service: self.database.settings(service, "worker") for service in SERVICES}
        async with open_readers(settings) as readers:
            return await prove(readers, writers=writers, wait_seconds=wait, progress=lambda _stage, _number: None)


def _named(event: AnyEvent) -> dict[str, str]:
    """How an answer names what it is about: a move has an id of its own."""
    if event.type == "BusinessMoved":
        return {"id": str(uuid4()), "business": event.aggregate_id}
    return {"code" if event.type.startswith("Office") else "id": event.aggregate_id}


def ids(count: int, start: int) -> list[UUID]:
    return [UUID(int=start + number) for number in range(count)]


BUSINESSES = ids(30, 1000)
SESSIONS = ids(40, 5000)


async def populate(world: World) -> None:
    """Two offices, thirty businesses, forty sessions, and a correction of every third business."""
    await world.accept(office("35.76"), office("35.79", "PLUT Kota Batu"))
    await world.accept(*(business(one) for one in BUSINESSES))
    await world.accept(*(business(one, version=2, trade_name="Batik Baru") for one in BUSINESSES[::3]))
    await world.accept(
        *(session(one, [BUSINESSES[number % 30]], contact_minutes=30 + number) for number, one in enumerate(SESSIONS))
    )
