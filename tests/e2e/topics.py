"""What may happen to a topic behind the product's back."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PARTITIONS = 12


def make_anew(bootstrap: str, topic: str) -> None:
    """Deletes the topic, makes it again, and writes strange records until it is longer than it was."""
    asyncio.run(_make_anew(bootstrap, topic))


async def _make_anew(bootstrap: str, topic: str) -> None:
    ends = await _ends(bootstrap, topic)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        await _until_made(admin, NewTopic(topic, PARTITIONS, 1, topic_configs={"retention.ms": "-1"}))
    finally:
        await admin.close()
    await _fill(bootstrap, topic, max(ends) + 20)


async def _ends(bootstrap: str, topic: str) -> list[int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        found = await consumer.end_offsets([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
    finally:
        await consumer.stop()
    return list(found.values())


async def _until_made(admin: AIOKafkaAdminClient, topic: NewTopic) -> None:
    """The relay may be quicker: then the topic is there, made anew all the same."""
    async with asyncio.timeout(30):
        while topic.name not in await admin.list_topics():
            await admin.create_topics([topic])


async def _fill(bootstrap: str, topic: str, records: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for partition in range(PARTITIONS):
            for _ in range(records):
                await producer.send(topic, b"{}", partition=partition, headers=[("type", b"SomethingUnheardOf")])
        await producer.flush()
    finally:
        await producer.stop()
