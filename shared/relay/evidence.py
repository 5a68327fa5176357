"""What a record in Kafka proves. Pure.

Anybody may write strange things into a topic; only a record with our history and a fence in its headers came from us.
"""

import json
from collections.abc import Iterable
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
    epoch: int
    recorded_at: datetime


def told_by(topic: str, record: Any, history: int) -> Told | None:  # noqa: ANN401  aiokafka has no types
    """Returns what a record proves, or None for one that is not ours or of a history before `history`."""
    headers = dict(record.headers)
    try:
        if int(headers[names.HISTORY]) < history or int(headers[names.FENCE]) < 1:
            return None
        event_id = UUID(headers[names.EVENT_ID].decode())
        epoch = int(headers[names.EPOCH])
        aggregate_id = record.key.decode()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Told(
        event_id,
        topic,
        aggregate_id,
        _version(record.value),
        _text(headers.get(names.TYPE)),
        epoch,
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )


def event_id_in(record: Any) -> str | None:  # noqa: ANN401  the same
    """Returns the event id that a record's header names, whatever else it is."""
    return _text(dict(record.headers).get(names.EVENT_ID))


def earliest(told: Iterable[Told]) -> datetime | None:
    """Returns when Kafka got the first of these records."""
    return min((one.recorded_at for one in told), default=None)


def _version(value: bytes | None) -> int | None:
    try:
        version = json.loads(value or b"null")["version"]
    except (ValueError, TypeError, KeyError):
        return None
    return version if isinstance(version, int) else None


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
