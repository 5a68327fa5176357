"""What a record of the log says: an event, something to pass over, or something to set aside. Pure, and it cannot
fail.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from shared.contracts import headers as names
from shared.contracts.catalogue import TOPIC_OF, AnyEvent, parse

Record: TypeAlias = ConsumerRecord[bytes, bytes]
Headers: TypeAlias = Sequence[tuple[str, bytes | None]]

# An event's payload is 256 KiB at most (the outbox checks it); with its envelope it stays far below this.
GREATEST_VALUE = 1024 * 1024
# Versions are kept as bigint, also of a record that is set aside.
_GREATEST_VERSION = 2**63 - 1
# Whoever shows an instant moves it into a zone and writes it into sheets, which begin with 1900: at the ends of the
# calendar that fails for everybody who asks, long after the event was taken.
_FIRST_INSTANT = datetime(1900, 1, 2, tzinfo=UTC)
_LAST_INSTANT = datetime(9999, 12, 30, tzinfo=UTC)
# Stands in the place of the headers of a record that Kafka's client cannot decode at all.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_ERROR_LENGTH = 2_000


class Readable(NamedTuple):
    """An event with the history and epoch of the log that carried it."""

    event: AnyEvent
    history: int
    epoch: int
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An event of a type that this version does not know: a newer producer's, none of our business."""

    type: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that no version of ours could have published like this; `error` says why."""

    error: str


Reading: TypeAlias = Readable | PassedOver | Unreadable


def read(record: Record, topic: str) -> Reading:
    """Returns what the record says; `topic` is its topic's name in the catalogue. Raises nothing."""
    value = record.value
    found = dict(record.headers)
    if UNREADABLE in found:
        return Unreadable("a header's name is not UTF-8: the record cannot be decoded")
    if value is None:
        return Unreadable("tombstone: an event is never deleted")
    if len(value) > GREATEST_VALUE:
        return Unreadable(f"{len(value)} bytes are more than the {GREATEST_VALUE} that an event may have")
    try:
        return _read_event(record.key, value, found, topic)
    except (ValueError, RecursionError) as error:
        return Unreadable(_plain(error))


def digest(record: Record) -> bytes:
    """Returns the SHA-256 of key, headers and value: it tells whether the log still holds what was read from it."""
    summary = hashlib.sha256(_framed(record.key))
    for name, content in record.headers:
        summary.update(_framed(name.encode("utf-8", "surrogatepass")))
        summary.update(_framed(content))
    summary.update(_framed(record.value))
    return summary.digest()


def header(found: Headers, name: str) -> str | None:
    """Returns the last header of that name as text, or None if it is missing or is not UTF-8."""
    content = dict(found).get(name)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None


def event_id_of(found: Headers) -> UUID | None:
    """Returns the event's id if a header tells one."""
    try:
        return UUID(header(found, names.EVENT_ID) or "")
    except ValueError:
        return None


def _read_event(key: bytes | None, value: bytes, found: dict[str, bytes | None], topic: str) -> Reading:
    kind = _text(found.get(names.TYPE), names.TYPE) if names.TYPE in found else _type_in(value)
    carrier = TOPIC_OF.get(kind)
    if carrier is None:
        return PassedOver(kind)
    if carrier.name != topic:
        return Unreadable(f"{kind} belongs to {carrier.name}, not to {topic}")
    history = _number(found.get(names.HISTORY), names.HISTORY)
    epoch = _number(found.get(names.EPOCH), names.EPOCH)
    trace = found.get(names.TRACEPARENT)
    traceparent = None if trace is None else _decoded(trace, names.TRACEPARENT)
    event = parse(kind, value)
    if event is None:
        return PassedOver(kind)
    if key is None or key != event.aggregate_id.encode():
        return Unreadable(f"key {key!r} is not the aggregate's id {event.aggregate_id}")
    if event.version > _GREATEST_VERSION:
        return Unreadable(f"version: no aggregate has more than {_GREATEST_VERSION} events")
    if not (_is_in_calendars(event.occurred_at) and _is_in_calendars(event.recorded_at)):
        return Unreadable("occurred_at or recorded_at: beyond every calendar")
    return Readable(event, history, epoch, traceparent)


def _is_in_calendars(instant: datetime) -> bool:
    """By its year, wherever that tells: zones need not be asked, which takes ten times as long."""
    return _FIRST_INSTANT.year < instant.year < _LAST_INSTANT.year or _FIRST_INSTANT < instant < _LAST_INSTANT


def _type_in(value: bytes) -> str:
    document: Any = json.loads(value)
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str):
        raise ValueError("neither a header nor the JSON tells the event's type")  # noqa: TRY004  read as a bad record, like the rest
    return kind


# Types, histories and epochs are few, and asked for with every record.
@lru_cache(maxsize=512)
def _text(content: bytes | None, name: str) -> str:
    if content is None:
        raise ValueError(f"header {name} is missing: the record does not come from a relay")
    return _decoded(content, name)


@lru_cache(maxsize=512)
def _number(content: bytes | None, name: str) -> int:
    text = _text(content, name)
    try:
        return names.number(text)
    except ValueError as error:
        raise ValueError(f"header {name} is {error}") from None


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"header {name} is not UTF-8") from error


def _framed(content: bytes | None) -> bytes:
    """Lengths are part of the digest, so that bytes cannot move between key, headers and value unseen."""
    return b"\xff" * 8 if content is None else struct.pack(">Q", len(content)) + content


def _plain(error: Exception) -> str:
    """Says what is wrong without repeating the input, which may hold anything."""
    if isinstance(error, ValidationError):
        parts = [
            f"{'.'.join(map(str, each['loc'])) or 'event'}: {each['msg']}" for each in error.errors(include_input=False)
        ]
        return "; ".join(parts)[:_ERROR_LENGTH]
    return str(error)[:_ERROR_LENGTH] or type(error).__name__
