"""Spans on their way to a collector, by OpenTelemetry's own exporter. Loaded only where traces are on."""

import threading

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.spans import Span

_SCOPE = InstrumentationScope("plut")
_EXPORT_SECONDS = 5.0
_CLOSE_SECONDS = 2.0


class OtlpRecorder:
    """Exports from a thread of its own; what a collector that is away leaves behind is dropped, never waited for."""

    def __init__(self, endpoint: str, process: str, processor: SpanProcessor | None = None) -> None:
        self._resource = Resource.create({"service.name": process, "service.namespace": "plut"})
        self._processor = processor or _exporting_to(endpoint)

    def record(self, span: Span) -> None:
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.traceparent),
                parent=_context(span.parent) if span.parent else None,
                resource=self._resource,
                attributes=span.attributes,
                kind=SpanKind[span.kind],
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=span.began_ns,
                end_time=span.ended_ns,
                instrumentation_scope=_SCOPE,
            )
        )

    def close(self) -> None:
        closing = threading.Thread(target=self._processor.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)


def _exporting_to(endpoint: str) -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=_EXPORT_SECONDS))


def _context(traceparent: str) -> SpanContext:
    _, trace, span, told = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(told, 16)))
