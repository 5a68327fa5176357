"""A log that a test writes itself, as a relay would, or as nobody should."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.record.util import calc_crc32c

from shared.contracts import headers as names
from shared.contracts.catalogue import BUSINESS, PARTITIONS, TOPIC_OF, AnyEvent
from shared.contracts.envelope import Payload
from shared.contracts.registry import BusinessRegistered, BusinessState
from shared.ids import new_id

Headers = Sequence[tuple[str, bytes]]


def business(
    aggregate: UUID | None = None, version: int = 1, name: str = "Warung Bu Sri", event_id: UUID | None = None
) -> AnyEvent:
    """Returns a good event of a business."""
    number, now = aggregate or new_id(), datetime.now(UTC)
    state = BusinessState(
        id=number,
        trade_name=name,
        kinds=["umkm"],
        kelurahan="35.76.01.1001",
        home_office="35.76",
        status="active",
        registered_on=date(2026, 1, 2),
    )
    return BusinessRegistered(
        event_id=event_id or new_id(),
        schema_version=1,
        aggregate_id=str(number),
        version=version,
        occurred_at=now,
        recorded_at=now,
        office="35.76",
        actor="stf-test",
        correlation_id=new_id(),
        payload=Payload[BusinessState](state=state),
    )


def headers(event: AnyEvent, history: int = 1, epoch: int = 1, fence: int = 1) -> list[tuple[str, bytes]]:
    """Returns the headers that a relay gives to the event's record."""
    return [
        (names.EVENT_ID, str(event.event_id).encode()),
        (names.TYPE, event.type.encode()),
        (names.HISTORY, b"%d" % history),
        (names.EPOCH, b"%d" % epoch),
        (names.FENCE, b"%d" % fence),
    ]


def partition_of(key: bytes) -> int:
    return int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)


class Log:
    """Writes to the topics of one test."""

    def __init__(self, producer: AIOKafkaProducer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    async def publish(self, *events: AnyEvent, history: int = 1, epoch: int = 1) -> None:
        """Writes events as a relay does, and waits until Kafka has them."""
        for event in events:
            topic = TOPIC_OF[event.type].name
            value = event.model_dump_json().encode()
            await self.put(topic, event.aggregate_id.encode(), value, headers(event, history, epoch))

    async def put(
        self, topic: str, key: bytes | None, value: bytes | None, found: Headers = (), partition: int | None = None
    ) -> Any:
        """Writes any record; to the partition of its key unless told otherwise."""
        where = partition if partition is not None else partition_of(key or b"")
        return await self._producer.send_and_wait(self._prefix + topic, value, key, where, headers=list(found))

    async def put_with_header_name(self, topic: str, key: bytes, name: bytes) -> None:
        """Writes a record with a header whose name is any bytes: aiokafka's own producer writes UTF-8 only."""
        place_holder = "?" * len(name)
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=key, value=b"{}", headers=[(place_holder, b"1")])
        batch._builder = _Patched(batch._builder, place_holder.encode(), name)
        sending = await self._producer.send_batch(batch, self._prefix + topic, partition=partition_of(key))
        await sending

    async def put_bad(self, count: int = 1, value: bytes = b"not json", topic: str = BUSINESS.name) -> None:
        """Writes records that nobody can read, each with a key of its own."""
        for _ in range(count):
            await self.put(topic, str(new_id()).encode(), value, [(names.TYPE, b"BusinessRegistered")])


class _Patched:
    """Replaces some bytes of a finished batch and makes its checksum right again (bytes 17 to 20, over all that
    follow).
    """

    def __init__(self, builder: Any, before: bytes, after: bytes) -> None:
        self._builder, self._before, self._after = builder, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)

    def build(self) -> bytearray:
        content = bytearray(bytes(self._builder.build()).replace(self._before, self._after))
        content[17:21] = calc_crc32c(bytes(content[21:])).to_bytes(4, "big")
        return content


@asynccontextmanager
async def open_log(bootstrap: str, prefix: str) -> AsyncIterator[Log]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=8 << 20, linger_ms=0)
    await producer.start()
    try:
        yield Log(producer, prefix)
    finally:
        await producer.stop()
