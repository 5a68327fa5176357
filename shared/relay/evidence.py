"""What a record in Kafka proves. Pure.

Anybody may write strange things into a topic; only a record with our history and a fence in its headers came from us.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts import headers as names


class Told(NamedTuple):
    """A record of ours: which event it carries, and when Kafka got it."""

    event_id: UUID
    topic: str
    aggregate_id: str
    version: int | None
    type: str | None
    history: int
    epoch: int
    recorded_at: datetime


@dataclass
class Findings:
    """What the log says of us beyond what we know: events that the outbox has not, and the highest numbers met."""

    missing: dict[UUID, Told] = field(default_factory=dict)
    history: int = 0
    epoch: int = 0

    def hear(self, told: Iterable[Told]) -> None:
        """Keeps the highest history and epoch."""
        for one in told:
            self.history = max(self.history, one.history)
            self.epoch = max(self.epoch, one.epoch)

    def earliest_missing(self) -> datetime | None:
        """Returns when Kafka got the first record of which the outbox knows nothing."""
        return min((told.recorded_at for told in self.missing.values()), default=None)


def told_by(topic: str, record: Any, history: int) -> Told | None:  # noqa: ANN401  aiokafka has no types
    """Returns what a record proves, or None for one that is not ours or of a history before `history`."""
    headers = dict(record.headers)
    try:
        of_history = names.number(headers[names.HISTORY].decode())
        names.number(headers[names.FENCE].decode())
        if of_history < history:
            return None
        event_id = UUID(headers[names.EVENT_ID].decode())
        epoch = names.number(headers[names.EPOCH].decode())
        aggregate_id = _storable(record.key.decode())
        recorded_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None
    return Told(
        event_id,
        topic,
        aggregate_id,
        _version(record.value),
        _text(headers.get(names.TYPE)),
        of_history,
        epoch,
        recorded_at,
    )


def event_id_in(record: Any) -> str | None:  # noqa: ANN401  the same
    """Returns the event id that a record's header names, whatever else it is."""
    return _text(dict(record.headers).get(names.EVENT_ID))


def _version(value: bytes | None) -> int | None:
    try:
        version = json.loads(value or b"null")["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return version if isinstance(version, int) and 0 < version < 2**63 else None


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else _storable(value.decode())
    except ValueError:
        return None


def _storable(text: str) -> str:
    """What is missing from the outbox is written down there, and Postgres keeps no NUL."""
    if "\0" in text:
        raise ValueError("no name of ours holds a NUL")
    return text
