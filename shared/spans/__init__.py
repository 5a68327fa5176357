"""Spans: what was done on the way of one trace, and how long it took.

They hang on the traceparents that travel anyway, through the outbox and in Kafka's headers. Unless PLUT_TRACES_TO names
a collector nothing is kept and no library is loaded. Attributes say what was done, never with whose data.
"""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from shared.settings import Settings

Attributes: TypeAlias = Mapping[str, str | int | bool]


class Kind(StrEnum):
    """OpenTelemetry's kinds: answers a request, does something inside, hands on, takes in."""

    SERVER = "SERVER"
    INTERNAL = "INTERNAL"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


@dataclass(slots=True)
class Span:
    """`traceparent` is its own, `parent` that of what it was done for. Instants are nanoseconds since 1970."""

    name: str
    kind: Kind
    traceparent: str
    parent: str | None
    began_ns: int
    ended_ns: int = 0
    attributes: Attributes = field(default_factory=dict)
    failed: bool = False


class Recorder(Protocol):
    """Takes finished spans, without waiting for anybody."""

    def record(self, span: Span) -> None: ...

    def close(self) -> None: ...


_recorder: Recorder | None = None
_ratio = 1.0


def begin(settings: Settings, service: str, role: str) -> None:
    """Records from now on, if the settings name a collector."""
    if settings.traces_to is None:
        return
    from shared.spans.otlp import OtlpRecorder

    use(OtlpRecorder(str(settings.traces_to), f"{service}-{role}"), settings.traces_ratio)


def use(recorder: Recorder | None, ratio: float = 1.0) -> None:
    """Hands spans to this recorder from now on, of that part of the traces that begin here; None ends it."""
    global _recorder, _ratio
    _recorder, _ratio = recorder, ratio


def end() -> None:
    """Hands over what is left, within two seconds."""
    if _recorder is not None:
        _recorder.close()
    use(None)


def are_on() -> bool:
    return _recorder is not None


def flags() -> str:
    """Returns the flags of a trace that begins here: whether it is to be recorded everywhere."""
    return "01" if _recorder is None or random.random() < _ratio else "00"  # noqa: S311  a sample, not a secret


def child_of(traceparent: str) -> str:
    """Returns the traceparent of a new span below that one."""
    version, trace, _, told = traceparent.split("-")
    return f"{version}-{trace}-{random.getrandbits(64) or 1:016x}-{told}"


def record(span: Span) -> None:
    """Keeps a span that is over, unless its trace is not recorded."""
    if _recorder is not None and is_recorded(span.traceparent):
        span.ended_ns = span.ended_ns or time.time_ns()
        _recorder.record(span)


def is_recorded(traceparent: str | None) -> bool:
    """Tells whether whoever began the trace wants it: what does not look like a traceparent, nobody does."""
    return traceparent is not None and len(traceparent) == 55 and traceparent.endswith(("1", "3"))


@contextmanager
def spanning(name: str, kind: Kind, parent: str) -> Iterator[Span]:
    """Yields a span below `parent`, and keeps it at the end; says that it failed, not with which words."""
    span = Span(name, kind, child_of(parent), parent, time.time_ns())
    try:
        yield span
    except BaseException:
        span.failed = True
        raise
    finally:
        record(span)
