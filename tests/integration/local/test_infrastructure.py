"""The servers that the other tests stand on."""

import asyncpg
import pytest

from deploy.local import kafka as kafka_module
from tests.infrastructure.base import KafkaServer
from tests.infrastructure.databases import SERVICES, Database


@pytest.mark.parametrize("service", SERVICES)
async def test_a_fresh_database_has_each_schema_migrated(database: Database, service: str) -> None:
    pool = await database.pool(service, "owner")
    assert await pool.fetchval("select count(*) from migration") >= 2
    assert await pool.fetchval("select count(*) from outbox") == 0


async def test_a_service_sees_no_other_schema(database: Database) -> None:
    pool = await database.pool("mentoring", "worker")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.fetchval("select count(*) from registry.outbox")


@pytest.mark.kafka
async def test_the_broker_answers(kafka: KafkaServer) -> None:
    host, port = kafka.bootstrap.split(":")
    assert await kafka_module.answers(host, int(port))
