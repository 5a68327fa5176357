"""Names of the headers that the relay puts on every record. Their values are UTF-8, numbers in decimal digits."""

EVENT_ID = "event_id"
TYPE = "type"
HISTORY = "history"
EPOCH = "epoch"
FENCE = "fence"
TRACEPARENT = "traceparent"
CORRELATION_ID = "correlation_id"


def number(text: str) -> int:
    """Returns a history, epoch or fence: they begin at 1 and rise by one. Raises ValueError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0):
        raise ValueError(f"not a number above zero: {text[:40]!r}")
    return int(text)
