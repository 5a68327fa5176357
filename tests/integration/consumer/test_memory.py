"""What a consumer keeps in memory of what it has read."""

import gc

import pytest
from aiokafka import ConsumerRecord

from tests.integration.consumer.conftest import TIMES, Bench, Counting
from tests.support.log import business

pytestmark = pytest.mark.kafka


async def test_records_are_gone_when_they_were_applied(bench: Bench) -> None:
    """Also those of the batch in which a statement was prepared, whose timer lives for minutes."""
    await bench.host(Counting())
    await bench.log.publish(*(business() for _ in range(50)))
    await bench.until(TIMES, 50)
    for one_by_one in range(51, 54):
        await bench.log.publish(business())
        await bench.until(TIMES, one_by_one)
    gc.collect()
    kept = [
        each
        for each in gc.get_objects()
        if isinstance(each, ConsumerRecord) and each.topic.startswith(bench.settings.topic_prefix)
    ]
    assert len(kept) < 10
