"""Each record takes effect once, whatever happens on the way."""

import pytest

from shared.consumer.offsets import position
from tests.integration.consumer.conftest import GROUP, Bench, Counting
from tests.support.log import business

pytestmark = pytest.mark.kafka

TIMES = "select coalesce(sum(times), 0)::int from counted"


async def test_each_event_takes_effect_once(bench: Bench, counting: Counting) -> None:
    events = [business() for _ in range(50)]
    await bench.log.publish(*events)
    await bench.host(counting)
    await bench.until(TIMES, 50)
    await bench.log.publish(*events[:10])
    await bench.until(TIMES, 60)
    assert await position(bench.pool, GROUP) == (0, 60)
