"""Each alarm that a consumer's figures set off, by its reason."""

import asyncio
import time
from collections.abc import Callable

import pytest

from shared.consumer import parking
from tests.integration.consumer.conftest import TIMES, Bench, Counting
from tests.support.alarms import Samples, fires, nothing_told, told_here
from tests.support.log import business

pytestmark = pytest.mark.kafka


async def _told(holds: Callable[[Samples], bool]) -> Samples:
    deadline = time.monotonic() + 30
    while not holds(told_here()):
        assert time.monotonic() < deadline, told_here()
        await asyncio.sleep(0.1)
    return told_here()


def _of(told: Samples, name: str) -> float:
    return sum(value for series, value in told.items() if series.startswith(name))


async def test_records_that_are_set_aside_set_alarms_off(bench: Bench, counting: Counting) -> None:
    """One is to be looked at; too many in a minute make the consumer stand still."""
    nothing_told()
    await bench.host(counting)
    await bench.log.publish(business())
    await bench.until(TIMES, 1)
    before = await _told(lambda told: any(series.startswith("parked_events") for series in told))
    await bench.log.put_bad()
    fires("RecordsParked", before, await _told(lambda told: _of(told, "parked_events") > 0))
    await bench.log.put_bad(parking.LIMIT_PER_MINUTE + 5)
    fires("ConsumerAlarm", before, await _told(lambda told: _of(told, "consumer_alarms") > 0))


async def test_a_log_that_was_replaced_and_members_that_come_and_go_set_alarms_off(
    bench: Bench, counting: Counting
) -> None:
    nothing_told()
    await bench.host(counting)
    await bench.log.publish(*(business() for _ in range(3)))
    await bench.until(TIMES, 3)
    before = told_here()
    await bench.host(Counting())
    dealt = await _told(lambda told: _of(told, "rebalances_total") >= _of(before, "rebalances_total") + 2)
    fires("RebalanceStorm", before, dealt, goes_on=True)
    await bench.pool.execute(
        "update consumer_offset set last_digest = decode(repeat('00', 32), 'hex') where next_offset > 0"
    )
    await bench.host(Counting())
    fires("LogReplaced", before, await _told(lambda told: _of(told, "offset_resets_total") > 0))
