"""Sends records to Kafka, each partition's in order.

A publisher that met any trouble is thrown away: aiokafka's producer may never recover.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    BrokerResponseError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    kafka_errors,
)

from shared import failpoint
from shared.connections import kafka_options
from shared.kafka_admin import KafkaTrouble, bounded, ended_within
from shared.relay.position import Acknowledged
from shared.relay.records import Place, Row, Stamp, event_id_of, fill
from shared.settings import Settings


class InvalidRecordError(BrokerResponseError):  # type: ignore[misc] # aiokafka has no types
    """The broker's own check of a record failed. aiokafka does not know the code and would call it unknown."""

    errno = 87
    message = "INVALID_RECORD"


kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)

# What Kafka says of a record that it will never take. Anything else is trouble of the moment: also a time that it does
# not believe, for that is no record's own, but our clock's.
REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)
_ACK_SECONDS = 10.0
# Below the broker's usual limit of 1 MiB for a batch, above the outbox's limit of 256 KiB for an event.
_BATCH_BYTES = 900_000


@dataclass(frozen=True)
class Refusal:
    """A batch that Kafka will never take as it is, and what must not overtake it."""

    place: Place
    rows: Sequence[Row]
    later: Sequence[Row]
    error: str


@dataclass
class Outcome:
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    place: Place
    rows: Sequence[Row]
    built: Any


Prepared = dict[Place, deque[_Batch]]


class Publisher:
    """An idempotent producer, and a bound on every wait for it."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.topic_prefix
        self._producer = AIOKafkaProducer(
            **kafka_options(settings),
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_BATCH_BYTES,
            linger_ms=0,
            request_timeout_ms=5000,
            retry_backoff_ms=200,
            metadata_max_age_ms=30_000,
        )

    async def open(self) -> None:
        """Connects. Raises KafkaTrouble; close it then too."""
        await bounded(self._producer.start(), "opening a producer")

    async def close(self) -> None:
        """Lets go of it within two seconds, whatever state it is in. Records under way may still arrive.

        Not by aiokafka's own stop(): that waits until all is sent, for as long as the broker is gone.
        """
        self._producer._closed = True  # noqa: SLF001  else it complains of not having been stopped
        sender = self._producer._sender.sender_task  # noqa: SLF001  the one that would go on trying
        if sender is not None:
            sender.cancel()
        await ended_within(1, self._producer.client.close())
        for _ in range(3):
            if sender is None or sender.done():
                return
            sender.cancel()  # once more for each request that it waits for
            await asyncio.wait({sender}, timeout=0.3)

    def prepare(self, places: Mapping[Place, Sequence[Row]], stamp: Stamp) -> Prepared:
        """Builds the batches; the CPU's part of sending, done while the page before is under way."""
        now_ms = int(time.time() * 1000)
        return {place: self._batches(place, rows, stamp, now_ms) for place, rows in places.items()}

    async def send(self, prepared: Prepared) -> Outcome:
        """Sends one batch per partition at a time, so that none overtakes another, until each is taken or refused.

        Raises KafkaTrouble: then nothing is known of the records under way.
        """
        outcome = Outcome()
        await failpoint.point("relay.before_send")
        while prepared:
            wave = [batches.popleft() for batches in prepared.values()]
            results = await self._send_wave(wave)
            for batch, result in zip(wave, results, strict=True):
                if isinstance(result, str):
                    later = [row for behind in prepared.pop(batch.place) for row in behind.rows]
                    outcome.refusals.append(Refusal(batch.place, batch.rows, later, result))
                else:
                    outcome.acknowledged.append(result)
            prepared = {place: batches for place, batches in prepared.items() if batches}
        await failpoint.point("relay.after_ack")
        return outcome

    async def tell(self, topic: str, key: bytes, value: bytes) -> None:
        """Sends one record to the first partition of a topic and waits until Kafka has it. Raises KafkaTrouble."""
        batch = self._producer.create_batch()
        batch.append(timestamp=int(time.time() * 1000), key=key, value=value, headers=[])
        (result,) = await self._send_wave([_Batch((topic, 0), (), batch)])
        if isinstance(result, str):
            raise KafkaTrouble(f"Kafka refuses what is told to {topic}: {result}")

    def _batches(self, place: Place, rows: Sequence[Row], stamp: Stamp, now_ms: int) -> deque[_Batch]:
        batches: deque[_Batch] = deque()
        while rows:
            built = self._producer.create_batch()
            taken = fill(built.append, rows, stamp, now_ms)
            batches.append(_Batch(place, rows[:taken], built))
            rows = rows[taken:]
        return batches

    async def _send_wave(self, wave: Sequence[_Batch]) -> list[Acknowledged | str]:
        under_way: list[asyncio.Future[Any]] = []
        for number, batch in enumerate(wave):
            topic, partition = batch.place
            sending = self._producer.send_batch(batch.built, self._prefix + topic, partition=partition)
            under_way.append(await bounded(sending, f"sending to {topic}"))
            if number == len(wave) // 2:
                await failpoint.point("relay.mid_batch")
            under_way[-1].add_done_callback(_look_at)
        _, waiting = await asyncio.wait(under_way, timeout=_ACK_SECONDS)
        if waiting:
            raise KafkaTrouble(f"Kafka did not acknowledge {len(waiting)} batches within {_ACK_SECONDS:g} s")
        return [_result(batch, future) for batch, future in zip(wave, under_way, strict=True)]


def _result(batch: _Batch, future: "asyncio.Future[Any]") -> Acknowledged | str:
    """Returns where the batch stands, or why Kafka will never take it. Raises KafkaTrouble."""
    error = None if future.cancelled() else future.exception()
    if isinstance(error, REFUSALS):
        return f"{type(error).__name__}: {error}"
    if future.cancelled() or error is not None:
        raise KafkaTrouble(f"a batch was not sent: {error!r}") from error
    metadata = future.result()
    if metadata is None or metadata.offset < 0:
        # Kafka had it before and no longer knows where: without the offset the tail would be a guess.
        raise KafkaTrouble("Kafka acknowledged a batch without saying where it stands")
    last_event_id = event_id_of(batch.rows[-1]) if batch.rows else ""
    return Acknowledged(batch.place, metadata.offset, len(batch.rows), last_event_id, batch.rows)


def _look_at(future: "asyncio.Future[Any]") -> None:
    """Nobody else will: an exception that is never looked at is logged as if it were a surprise."""
    if not future.cancelled():
        future.exception()
