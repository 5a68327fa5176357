"""Strangers that join a group of the product's consumers, take partitions from them, read nothing, and leave."""

import re
from types import TracebackType
from typing import Self

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from deploy.chaos.stage import Stage
from shared.contracts.catalogue import TOPICS
from shared.kafka_admin import bounded, ended_within

_JOINING_SECONDS = 20.0
_PLACED = re.compile(r'consumer_lag{group="reporting-set-\d+",(partition="\d+",topic="[^"]+")}')


class Member:
    """A member for as long as its context is open; it commits nothing."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._consumer = AIOKafkaConsumer(
            *TOPICS,
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
        )

    async def __aenter__(self) -> Self:
        """Joins. Raises KafkaTrouble."""
        await bounded(self._consumer.start(), "joining a group", _JOINING_SECONDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await ended_within(3, self._consumer.stop())


async def groups(stage: Stage, service: str) -> list[str]:
    """Returns the groups that follow the catalogue's topics for a service."""
    async with stage.database() as connection:
        rows = await connection.fetch(
            f"select distinct consumer_group as name from {service}.consumer_offset where topic = any($1)",  # noqa: S608
            list(TOPICS),
        )
    return sorted(row["name"] for row in rows)


async def partitions_of(url: str) -> list[str]:
    """Returns the partitions that a consumer of reporting says are its own; none while it does not answer."""
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            return _PLACED.findall((await client.get(f"{url}/metrics")).text)
    except httpx.TransportError:
        return []
