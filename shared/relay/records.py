"""From outbox rows to Kafka records. Pure, and on the hot path: little is done per row, and little is kept.

A row is (seq, topic, partition, key, event id, type, payload, correlation id, traceparent), from `key` on as bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts import headers as names

Row = Any  # of those nine columns, as asyncpg gives them
Place = tuple[str, int]  # (topic by its catalogue name, partition)
Header = tuple[str, bytes]

SEQ, TOPIC, PARTITION, KEY, EVENT_ID, TYPE, PAYLOAD, CORRELATION_ID, TRACEPARENT = range(9)


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


def by_place(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """Groups rows, which come in the order of `seq`, by partition; the order within each stays."""
    places: dict[Place, list[Row]] = {}
    for row in rows:
        place = (row[1], row[2])
        if place in places:
            places[place].append(row)
        else:
            places[place] = [row]
    return places


def fill(append: Callable[..., Any], rows: Sequence[Row], stamp: Stamp, timestamp_ms: int) -> int:
    """Appends rows as records until `append` returns None; returns how many were taken."""
    history, epoch, fence = stamp.headers()
    for taken, (_, _, _, key, event_id, kind, payload, correlation_id, traceparent) in enumerate(rows):
        headers = [
            (names.EVENT_ID, event_id),
            (names.TYPE, kind),
            history,
            epoch,
            fence,
            (names.CORRELATION_ID, correlation_id),
        ]
        if traceparent is not None:
            headers.append((names.TRACEPARENT, traceparent))
        if append(timestamp=timestamp_ms, key=key, value=payload, headers=headers) is None:
            return taken
    return len(rows)


def event_id_of(row: Row) -> str:
    """Returns the event's id as its header has it."""
    return str(row[EVENT_ID].decode())
