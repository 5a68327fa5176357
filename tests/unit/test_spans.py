"""Spans cost nothing while nobody wants them, and say what was done, not with whose data."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from shared import spans
from shared.http import tracing

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass
class Kept:
    told: list[spans.Span] = field(default_factory=list)

    def record(self, span: spans.Span) -> None:
        self.told.append(span)

    def close(self) -> None:
        """Nothing is left to hand over."""


@pytest.fixture
def kept() -> Iterator[Kept]:
    recorder = Kept()
    spans.use(recorder)
    yield recorder
    spans.end()


def test_nothing_is_loaded_while_traces_are_off() -> None:
    """Each process has 150 MB: the library alone would take some of it."""
    code = (
        "import sys\n"
        "import services.registry.app, services.mentoring.app, services.reporting.app\n"
        "import shared.consumer.host, shared.relay.app, shared.http.app\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_span_hangs_below_its_parent(kept: Kept) -> None:
    with spans.spanning("command", spans.Kind.INTERNAL, PARENT) as span:
        assert span.traceparent.split("-")[1] == PARENT.split("-")[1]
    (told,) = kept.told
    assert (told.parent, told.failed, told.ended_ns >= told.began_ns) == (PARENT, False, True)


def test_a_failure_is_told_without_its_words(kept: Kept) -> None:
    with pytest.raises(ValueError, match="Siti"), spans.spanning("command", spans.Kind.INTERNAL, PARENT):
        raise ValueError("Siti 3578010101010001")
    (told,) = kept.told
    assert told.failed
    assert "Siti" not in str(told)


@pytest.mark.parametrize("parent", [None, "00-trace", PARENT[:-1] + "0"])
def test_whose_trace_is_not_recorded_keeps_nothing(kept: Kept, parent: str | None) -> None:
    assert not spans.is_recorded(parent)
    if parent and len(parent) == 55:
        with spans.spanning("command", spans.Kind.INTERNAL, parent):
            pass
    assert kept.told == []


def test_only_a_part_of_the_traces_that_begin_here_is_recorded(kept: Kept) -> None:
    spans.use(kept, 0.0)
    assert not spans.is_recorded(tracing.begin(None, None).traceparent)
    assert spans.is_recorded(tracing.begin(None, PARENT).traceparent)
    assert tracing.begin(None, PARENT).parent == PARENT
    assert tracing.begin(None, "00-" + "0" * 32 + PARENT[35:]).parent is None
