"""Names of the headers that the relay puts on every record. Their values are UTF-8, numbers in decimal digits."""

EVENT_ID = "event_id"
TYPE = "type"
HISTORY = "history"
EPOCH = "epoch"
FENCE = "fence"
TRACEPARENT = "traceparent"
CORRELATION_ID = "correlation_id"
