"""What the relay adds to traces: a span for each event that Kafka has acknowledged."""

from collections.abc import Sequence

from shared import spans
from shared.relay.position import Acknowledged
from shared.relay.records import EVENT_ID, TRACEPARENT, TYPE, Row


def record_published(batches: Sequence[Acknowledged], began_ns: int) -> None:
    """`began_ns`: when the batches were handed to Kafka. Called only where traces are on."""
    for batch in batches:
        for row in batch.rows:
            if row[TRACEPARENT] is not None:
                _record(batch.place[0], row, row[TRACEPARENT].decode(), began_ns)


def _record(topic: str, row: Row, parent: str, began_ns: int) -> None:
    if spans.is_recorded(parent):
        told = {"messaging.destination.name": topic, "plut.event_id": row[EVENT_ID].decode()}
        told["plut.event_type"] = row[TYPE].decode()
        span = spans.Span(
            f"publish {topic}", spans.Kind.PRODUCER, spans.child_of(parent), parent, began_ns, attributes=told
        )
        spans.record(span)
