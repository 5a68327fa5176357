"""From outbox rows to Kafka records. Pure, and on the hot path: little is done per row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.contracts import headers as names

Header = tuple[str, bytes]
Place = tuple[str, int]  # (topic by its catalogue name, partition)


class Record(NamedTuple):
    """What Kafka gets of an outbox row, and what the relay must remember of it."""

    seq: int
    key: bytes
    value: bytes
    headers: list[Header]


@dataclass(frozen=True)
class Stamp:
    """Which log a record belongs to, and which leader sent it."""

    history: int
    epoch: int
    fence: int

    def headers(self) -> tuple[Header, Header, Header]:
        return (
            (names.HISTORY, b"%d" % self.history),
            (names.EPOCH, b"%d" % self.epoch),
            (names.FENCE, b"%d" % self.fence),
        )


def by_place(rows: Iterable[Any], stamp: Stamp) -> dict[Place, list[Record]]:
    """Groups rows, which come in the order of `seq`, by partition; the order within each stays.

    A row is (seq, topic, partition, key, event id, type, payload, correlation id, traceparent), all but the first three
    and the last as bytes.
    """
    history, epoch, fence = stamp.headers()
    places: dict[Place, list[Record]] = {}
    for seq, topic, partition, key, event_id, kind, payload, correlation_id, traceparent in rows:
        headers = [
            (names.EVENT_ID, event_id),
            (names.TYPE, kind),
            history,
            epoch,
            fence,
            (names.CORRELATION_ID, correlation_id),
        ]
        if traceparent is not None:
            headers.append((names.TRACEPARENT, traceparent.encode()))
        place = (topic, partition)
        if place in places:
            places[place].append(Record(seq, key, payload, headers))
        else:
            places[place] = [Record(seq, key, payload, headers)]
    return places


def event_id_of(record: Record) -> str:
    """Returns the event's id as it stands in the header."""
    return record.headers[0][1].decode()
