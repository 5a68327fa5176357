"""From Kafka to a message: what mentoring publishes is asked, sent, answered, and told again."""

import asyncio
from uuid import uuid4

import pytest

from services.registry.handlers import AttestationApplier
from services.registry.sender import MessageSender
from services.registry.settings import ATTESTATION_GROUP, SERVICE, RegistrySettings
from shared import kafka_admin
from shared.consumer.host import ConsumerHost
from shared.contracts.catalogue import SESSION
from tests.infrastructure.base import KafkaServer
from tests.infrastructure.databases import Database
from tests.integration.registry.clients import SITE, Clients
from tests.support.log import open_log
from tests.support.sessions import session_state, told


@pytest.mark.kafka
async def test_a_session_that_comes_by_kafka_is_asked_about_and_answered(
    database: Database, kafka: KafkaServer, topic_prefix: str, clients: Clients
) -> None:
    settings = database.settings(
        SERVICE, "worker", RegistrySettings, kafka_bootstrap=kafka.bootstrap, topic_prefix=topic_prefix
    )
    await kafka_admin.create_missing(settings, [SESSION])
    session, business = uuid4(), await clients.business()
    pool = await database.pool(SERVICE, "worker", size=12)
    host = ConsumerHost(SERVICE, settings, pool)
    await host.add(AttestationApplier(ATTESTATION_GROUP, clients.vault))
    sender = MessageSender(pool, clients.vault, clients.postbox, SITE)
    await host.start()
    await sender.start()
    try:
        async with open_log(kafka.bootstrap, topic_prefix) as log:
            event = told(session_state(session, [business]))
            await log.publish(event, event)
        async with asyncio.timeout(30):
            await clients.postbox.arrived.wait()
    finally:
        await asyncio.gather(host.stop(), sender.stop())
    token, code = clients.postbox.last
    assert (await clients.say(token, {"code": code})).status_code == 201
    assert await clients.events(session) == [("SessionAttested", 1)]
    assert len(clients.postbox.messages) == 1
