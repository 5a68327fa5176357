"""Which conversation a request belongs to: a correlation id of ours and a W3C trace context."""

import random
import re
from dataclasses import dataclass
from uuid import UUID

from starlette.types import Scope

from shared import spans
from shared.ids import new_id

_TRACEPARENT = re.compile(r"^00-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})$")
_SCOPE_KEY = "plut.trace"


@dataclass(frozen=True, slots=True)
class Trace:
    """`traceparent` names our own span, so that what follows from the request hangs below it; `parent` the caller's."""

    correlation_id: UUID
    trace_id: str
    traceparent: str
    parent: str | None = None


def begin(correlation: str | None, traceparent: str | None) -> Trace:
    """Continues what the caller began; begins anew where the headers are missing or not to be read."""
    match = _TRACEPARENT.match(traceparent) if traceparent else None
    trace_id, flags = (match["trace"], match["flags"]) if match else ("", "")
    if not trace_id.strip("0"):
        traceparent, flags = None, spans.flags()
        trace_id = f"{random.getrandbits(128) or 1:032x}"
    span = f"{random.getrandbits(64) or 1:016x}"
    return Trace(_correlation_id(correlation), trace_id, f"00-{trace_id}-{span}-{flags}", traceparent)


def remember(scope: Scope, trace: Trace) -> None:
    scope[_SCOPE_KEY] = trace


def of(scope: Scope) -> Trace:
    """Returns the request's trace; the edge has put one into every scope."""
    trace: Trace = scope[_SCOPE_KEY]
    return trace


def _correlation_id(text: str | None) -> UUID:
    if text and len(text) == 36:
        try:
            return UUID(text)
        except ValueError:
            pass
    return new_id()
