"""What a consumer adds to traces: a span for each event that its transaction has applied."""

from collections.abc import Sequence

from shared import spans
from shared.consumer.applier import Received
from shared.consumer.partitions import Share


def record_applied(group: str, shares: Sequence[Share], began_ns: int) -> None:
    """`began_ns`: when the batch's transaction began. Called only where traces are on, and after its commit."""
    together = sum(len(share.events) for share in shares)
    for share in shares:
        for event in share.events:
            if spans.is_recorded(event.traceparent):
                spans.record(_span(group, event, together, began_ns))


def _span(group: str, event: Received, together: int, began_ns: int) -> spans.Span:
    parent = event.traceparent or ""
    told: dict[str, str | int] = {
        "messaging.destination.name": event.topic,
        "messaging.consumer.group.name": group,
        "messaging.kafka.offset": event.offset,
        "messaging.batch.message_count": together,
        "plut.event_id": str(event.event.event_id),
        "plut.event_type": event.event.type,
    }
    name = f"apply {event.topic}"
    return spans.Span(name, spans.Kind.CONSUMER, spans.child_of(parent), parent, began_ns, attributes=told)
