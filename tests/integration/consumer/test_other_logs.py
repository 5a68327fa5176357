"""Logs that are lost, made anew, or begin another history."""

import pytest

from shared import kafka_admin
from shared.consumer import alarms, control
from shared.consumer.offsets import position
from shared.contracts.catalogue import BUSINESS, AnyEvent
from tests.integration.consumer.conftest import GROUP, TIMES, Bench, Counting
from tests.support.log import business

pytestmark = pytest.mark.kafka

COUNTED = "select count(*)::int from counted"
AT_VERSION = "select count(*)::int from counted where version = $1"


async def _make_anew(bench: Bench) -> None:
    await kafka_admin.delete(bench.settings, [bench.settings.topic_prefix + BUSINESS.name])
    await kafka_admin.create_missing(bench.settings, [BUSINESS])


def _next_versions(events: list[AnyEvent]) -> list[AnyEvent]:
    return [business(event.state.id, event.version + 1) for event in events]


@pytest.mark.parametrize("rounds", [1, 4])
async def test_a_log_made_anew_is_read_from_its_beginning(bench: Bench, counting: Counting, rounds: int) -> None:
    """Shorter than the stored offsets (1), and longer than they are (4): offsets alone would miss the second."""
    host = await bench.host(counting)
    events = [business() for _ in range(30)]
    await bench.log.publish(*events, *_next_versions(events))
    await bench.until(TIMES, 60)
    if rounds > 1:
        await host.stop()
    await _make_anew(bench)
    last = events
    for _ in range(rounds):
        await bench.log.publish(*last, epoch=2)
        last = _next_versions(last)
    if rounds > 1:
        await bench.host(counting)
    await bench.until(TIMES, 60 + 30 * rounds)
    resets, offsets = await position(bench.pool, GROUP)
    assert resets > 0
    assert offsets == 30 * rounds
    assert await bench.value("select bool_and(kind = $1) from consumer_alarm", alarms.LOG_REPLACED)
    await bench.until("select count(*)::int from consumer_alarm where cleared_at is null", 0)


async def test_a_higher_epoch_alone_changes_nothing_but_the_rows(bench: Bench, counting: Counting) -> None:
    await bench.host(counting)
    events = [business() for _ in range(30)]
    await bench.log.publish(*events)
    await bench.until(TIMES, 30)
    await bench.log.publish(*events, epoch=2)
    await bench.until(TIMES, 60)
    assert await position(bench.pool, GROUP) == (0, 60)
    assert await bench.value("select min(epoch) from consumer_offset where next_offset > 0") == 2


async def test_a_lower_history_is_passed_over_and_a_higher_one_stops(bench: Bench, counting: Counting) -> None:
    host = await bench.host(counting)
    known = business()
    await bench.log.publish(known, history=2)
    await bench.until(TIMES, 1)
    await bench.log.publish(business(known.state.id, 2), history=1)
    await bench.until("select sum(from_lower_history)::int from consumer_offset", 1)
    await bench.log.publish(business(known.state.id, 3), history=3)
    await bench.until_ready(host, "must be rebuilt")
    assert await bench.value(TIMES) == 1
    assert [alarm.kind for alarm in await alarms.open_alarms(bench.pool, GROUP)] == [alarms.HIGHER_HISTORY]


async def test_a_replica_forgets_and_begins_the_new_history(bench: Bench, counting: Counting) -> None:
    """After a restore the replica is ahead: version 2 never happened, and version 1 alone must remain."""
    host = await bench.host(counting)
    kept, lost = business(), business()
    await bench.log.publish(kept, lost, business(kept.state.id, 2))
    await bench.log.put_bad()
    await bench.until(TIMES, 3)
    await _make_anew(bench)
    await bench.log.publish(kept, history=2, epoch=2)
    await bench.until_ready(host, "must be rebuilt")
    await control.ask_for_new_history(bench.pool, GROUP, "registry", 2, 2)
    await bench.until(COUNTED, 1)
    await bench.until(AT_VERSION, 1, 1)
    assert (await control.read(bench.pool, GROUP)).new_history is None
    await bench.log.publish(business(kept.state.id, 2), history=2, epoch=2)
    await bench.until(AT_VERSION, 1, 2)
    await bench.until("select count(*)::int from consumer_alarm where cleared_at is null", 0)
