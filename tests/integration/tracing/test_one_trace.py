"""One trace leads from a request over its command, the outbox and Kafka to the read model; it names nobody."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.registry.app import build_api
from services.registry.settings import RegistrySettings
from services.reporting.runner import SetRunner
from shared import spans
from shared.consumer.host import ConsumerHost
from shared.privacy.keys import create_keys
from shared.relay.loop import RelayLoop
from shared.spans.otlp import OtlpRecorder
from tests.infrastructure.base import KafkaServer
from tests.infrastructure.databases import Database
from tests.integration.registry.desk import Desk
from tests.integration.registry.test_canary import CANARY, traces_in
from tests.support.api import client_of
from tests.support.tokens import verifier, with_edge

pytestmark = pytest.mark.kafka
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans.use(OtlpRecorder("", "test", SimpleSpanProcessor(exporter)))
    yield exporter
    spans.end()


async def test_one_trace_leads_from_a_request_to_the_read_model(
    database: Database, kafka: KafkaServer, topic_prefix: str, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    create_keys(tmp_path / "keys")
    settings = with_edge(database.settings("registry", "app", RegistrySettings, keys_dir=tmp_path / "keys"))
    on_kafka = {"kafka_bootstrap": kafka.bootstrap, "topic_prefix": topic_prefix}
    relay = RelayLoop("registry", database.settings("registry", "worker").model_copy(update=on_kafka))
    worker = await database.pool("reporting", "worker", size=12)
    host = ConsumerHost("reporting", database.settings("reporting", "worker").model_copy(update=on_kafka), worker)
    sets = SetRunner(host, worker)
    mentoring = RelayLoop("mentoring", database.settings("mentoring", "worker").model_copy(update=on_kafka))
    for loop in (relay, mentoring, host, sets):
        await loop.start()
    try:
        api = build_api(settings, await database.pool("registry", "app"), verifier(settings))
        async with client_of(api) as client:
            client.headers["traceparent"] = CALLER
            await Desk(client).open_office("35.76", "PLUT Kota Mojokerto")
            made = await Desk(client).registered(owners=[CANARY])
        async with asyncio.timeout(40):
            while not await worker.fetchval("select count(*) from fact_business where id = $1", made["id"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        for loop in (sets, host, mentoring, relay):
            await loop.stop()

    told = exported.get_finished_spans()
    way = _way_to("apply registry.business.v1", told)
    assert [span.name for span in way] == ["POST /v1/businesses", "command", "apply registry.business.v1"]
    published = _way_to("publish registry.business.v1", told)
    assert published[:2] == way[:2]
    assert way[0].parent is not None
    assert f"{way[0].parent.span_id:016x}" == CALLER.split("-")[2]
    assert {f"{span.context.trace_id:032x}" for span in told if span.context} == {CALLER.split("-")[1]}
    assert traces_in(" ".join(span.to_json() for span in told)) == []


def _way_to(name: str, told: tuple[ReadableSpan, ...]) -> list[ReadableSpan]:
    """The span of that name, and those above it, from the top."""
    by_id = {span.context.span_id: span for span in told if span.context}
    way = [next(span for span in told if span.name == name)]
    while (above := way[0].parent) is not None and above.span_id in by_id:
        way.insert(0, by_id[above.span_id])
    return way
