"""Bad records are set aside or passed over; everything else goes on."""

import asyncio

import pytest

from shared import kafka_admin
from shared.consumer import alarms, control, parking
from shared.contracts import headers as names
from shared.contracts.catalogue import BUSINESS
from shared.ids import new_id
from tests.integration.consumer.conftest import GROUP, TIMES, Bench, Counting
from tests.support.log import business, headers

pytestmark = pytest.mark.kafka

PARKED = "select count(*)::int from parked_record where status = 'parked'"
TOPIC = BUSINESS.name


async def _allow_large_records(bench: Bench) -> None:
    async with kafka_admin.admin(bench.settings) as client:
        from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

        resource = ConfigResource(
            ConfigResourceType.TOPIC, bench.settings.topic_prefix + TOPIC, configs={"max.message.bytes": str(8 << 20)}
        )
        await kafka_admin.bounded(client.alter_configs([resource]), "allowing large records")


async def test_bad_records_of_all_kinds_are_set_aside_and_the_rest_goes_on(bench: Bench, counting: Counting) -> None:
    await _allow_large_records(bench)
    host = await bench.host(counting)
    event, refused, nul = business(), business(name="forbidden"), business(name="nul \0 inside")
    key, value = event.aggregate_id.encode(), event.model_dump_json().encode()
    stamps = headers(event)[1:]  # without the event's id, so that each is a record of its own
    bad = {
        "tombstone": (key, None, stamps),
        "not JSON": (key, b"{", stamps),
        "missing fields": (key, b'{"type": "BusinessRegistered"}', stamps),
        "no key": (None, value, stamps),
        "key of another": (str(new_id()).encode(), value, stamps),
        "value of the header not UTF-8": (key, value, [(names.TYPE, b"\xff\xfe")]),
        "no history": (key, value, [(names.TYPE, b"BusinessRegistered")]),
        "history not a number": (key, value, [*stamps[:1], (names.HISTORY, b"one"), *stamps[2:]]),
        "type of another topic": (key, value, [(names.TYPE, b"OfficeOpened"), *stamps[1:]]),
        "5 MB": (key, b" " * (5 << 20), stamps),
        "nested too deep": (key, b"[" * 100_000, []),
        "refused by a check": (refused.aggregate_id.encode(), refused.model_dump_json().encode(), headers(refused)),
        "NUL in a text": (nul.aggregate_id.encode(), nul.model_dump_json().encode(), headers(nul)),
    }
    for record in bad.values():
        await bench.log.put(TOPIC, *record)
        await bench.log.publish(business())
    await bench.log.put(TOPIC, key, b'{"type": "BusinessDreamt"}')
    await bench.log.put(TOPIC, key, value, [(names.TYPE, b"BusinessDreamt")])
    await bench.log.publish(event)
    await bench.until(TIMES, len(bad) + 1)
    await bench.until("select sum(passed_over)::int from consumer_offset", 2)
    rows = await bench.pool.fetch("select * from parked_record")
    assert len(rows) == len(bad)
    assert {row["value_size"] for row in rows} >= {5 << 20, None}
    assert all(row["error"] for row in rows)
    assert sum(row["value"] is not None and len(row["value"]) for row in rows) < 400_000
    assert await host.ready() is None


async def test_two_that_name_one_events_id_are_kept_apart_and_each_only_once(bench: Bench, counting: Counting) -> None:
    await bench.host(counting)
    event = business()
    key, stamps = event.aggregate_id.encode(), headers(event)
    for value in (b"{", b'{"type": "BusinessRegistered"}', b"{"):
        await bench.log.put(TOPIC, key, value, stamps)
    await bench.until("select coalesce(sum(tries + 1), 0)::int from parked_record", 3)
    rows = await bench.pool.fetch("select value, log_offset, tries from parked_record order by log_offset")
    assert [(row["value"], row["tries"]) for row in rows] == [(b'{"type": "BusinessRegistered"}', 0), (b"{", 1)]
    await bench.log.publish(event)
    await bench.until("select count(*)::int from parked_record where status = 'applied'", 2)


async def test_a_header_whose_name_is_not_utf8_stops_nothing(bench: Bench, counting: Counting) -> None:
    """aiokafka itself cannot decode such a record, in whatever batch it hides."""
    await bench.host(counting)
    event = business()
    key = event.aggregate_id.encode()
    before = [event, *[business(event.state.id, version) for version in (2, 3)]]
    await bench.log.publish(*before)
    await bench.log.put_with_header_name(TOPIC, key, b"\xff\xfe")
    await bench.log.publish(
        *[business(event.state.id, version) for version in (4, 5)], *[business() for _ in range(20)]
    )
    await bench.until(TIMES, 25)
    error = await bench.value("select error from parked_record where topic = $1", TOPIC)
    assert "UTF-8" in error


async def test_a_parked_record_heals_with_the_next_event(bench: Bench, counting: Counting) -> None:
    await bench.host(counting)
    good = business()
    await bench.log.publish(business(good.state.id, 1, "forbidden"))
    await bench.log.put(TOPIC, good.aggregate_id.encode(), b"garbage", headers(good)[1:])
    await bench.until(PARKED, 2)
    await bench.log.publish(business(good.state.id, 2))
    await bench.until(PARKED, 0)
    assert await bench.value("select count(*) from parked_record where status = 'healed'") == 2
    assert await bench.value("select count(*) from parked_action where action = 'healed'") == 2


async def test_a_retry_takes_effect_once_and_raises_the_position(bench: Bench, counting: Counting) -> None:
    await bench.host(counting)
    await bench.log.publish(business(name="forbidden"))
    await bench.until(PARKED, 1)
    number = await bench.value("select id from parked_record")
    assert await control.ask_retry(bench.pool, number, "siti")
    await bench.until("select detail is not null from parked_action where action = 'retry_failed'", expected=True)
    await bench.allow_forbidden_names()
    assert await control.ask_retry(bench.pool, number, "siti")
    await bench.until("select status from parked_record", "applied")
    assert await bench.value(TIMES) == 1
    assert await bench.value("select closed_by from parked_record") == "siti"
    assert await bench.value("select sum(resets)::int from consumer_offset") == 1
    await bench.log.publish(business())
    await bench.until(TIMES, 2)
    assert not await control.ask_retry(bench.pool, number, "siti")


async def test_a_skipped_record_stays_closed(bench: Bench, counting: Counting) -> None:
    await bench.host(counting)
    await bench.log.put_bad()
    await bench.until(PARKED, 1)
    number = await bench.value("select id from parked_record")
    assert await control.skip(bench.pool, number, "siti", "a test of the producer")
    assert not await control.skip(bench.pool, number, "siti", "again")
    assert await parking.count_open(bench.pool) == 0
    assert (await control.content(bench.pool, number))["actions"][0]["detail"] == "a test of the producer"


async def test_too_many_newly_parked_stop_it_until_somebody_has_looked(bench: Bench, counting: Counting) -> None:
    host = await bench.host(counting)
    await bench.log.put_bad(70)
    await bench.log.publish(business())
    await bench.until_ready(host, "stands still")
    await bench.until(PARKED, 50)
    assert [alarm.kind for alarm in await alarms.open_alarms(bench.pool, GROUP)] == [alarms.PARKING_LIMIT]
    await host.stop()
    again = await bench.host(Counting())
    await bench.until_ready(again, "stands still")
    assert await control.resume(bench.pool, GROUP, "siti", 100)
    await bench.until(PARKED, 70)
    await bench.until(TIMES, 1)
    await bench.until_ready(again)
    assert await alarms.open_alarms(bench.pool, GROUP) == []


async def test_refused_ones_count_for_the_limit_too(bench: Bench, counting: Counting) -> None:
    await asyncio.gather(*(bench.log.publish(business(name="forbidden")) for _ in range(55)))
    await bench.log.publish(*[business() for _ in range(5)])
    host = await bench.host(counting)
    await bench.until_ready(host, "stands still")
    await bench.until(PARKED, 50)
    assert await control.resume(bench.pool, GROUP, "siti", 0)
    await bench.until(PARKED, 55)
    await bench.until(TIMES, 5)
