"""What is committed comes to Kafka: all of it, in order per aggregate, whoever is killed meanwhile."""

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from shared import kafka_admin
from shared.contracts.catalogue import OFFICE, topics_of
from shared.relay import lead, publisher, store
from tests.integration.relay.bench import SERVICE, TOPIC, Bench, Writers, until
from tests.support.topics import WRITERS_TIMES, configure

pytestmark = pytest.mark.kafka


async def test_a_record_is_the_row_with_the_headers_of_its_log(bench: Bench) -> None:
    first, second = await bench.append("a", '{"version": 1}'), await bench.append("a", '{"version": 2}')
    await bench.relayed()
    one, two = (await bench.log()).records
    headers = dict(one.headers)
    assert (one.key, one.value) == (b"a", b'{"version": 1}')
    assert headers == {
        "event_id": str(first).encode(),
        "type": b"BusinessRegistered",
        "history": b"1",
        "epoch": b"1",
        "fence": b"1",
        "correlation_id": str(first).encode(),
        "traceparent": b"00-trace",
    }
    assert dict(two.headers)["event_id"].decode() == str(second)
    assert "traceparent" not in dict(two.headers)


async def test_topics_are_made_as_the_catalogue_says(bench: Bench) -> None:
    await bench.leading()
    names = [bench.settings.topic_prefix + topic.name for topic in topics_of(SERVICE)]

    async def made() -> bool:
        return len(await kafka_admin.partition_counts(bench.settings, names)) == len(names)

    await until("all topics", made)
    assert set((await kafka_admin.partition_counts(bench.settings, names)).values()) == {12}
    watermark = bench.settings.topic_prefix + "platform.watermark.v1"
    assert await kafka_admin.partition_counts(bench.settings, [watermark]) == {watermark: 1}


@pytest.mark.parametrize("small_pages", [False, True])
async def test_concurrent_writers_against_leaders_that_die(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    small_pages: bool,  # noqa: FBT001  pytest passes it
) -> None:
    """Savepoints, roll-backs, long transactions, and every second the leader's connections are cut."""
    if small_pages:
        monkeypatch.setattr(lead, "_SMALL", 4)
        monkeypatch.setattr(lead, "_PAGE_ROWS", (1, 7))
    writers = Writers(bench, aggregates=6, seed=7)
    await bench.start()
    await bench.start()
    working = asyncio.gather(*(writers.work(60) for _ in range(6)))
    kills = 0
    while not working.done():
        await asyncio.sleep(random.Random(kills).uniform(0.1, 0.4))  # noqa: S311  a test's dice
        kills += await _kill_the_leader(bench)
    await working
    await bench.drained()
    await bench.stop()
    assert kills > 0
    assert writers.committed > 200
    log = await bench.nothing_lost_nor_reordered(writers.aggregates)
    assert max(log.numbers("fence")) > 1


async def _kill_the_leader(bench: Bench) -> int:
    return int(
        await bench.worker.fetchval(
            """
            select count(pg_terminate_backend(pid)) from pg_stat_activity a join pg_locks l using (pid)
            where l.locktype = 'advisory' and l.granted
              and datname = current_database() and application_name = 'registry-relay'
            """
        )
    )


async def test_the_stand_by_takes_over_and_the_old_leader_may_not_save(bench: Bench) -> None:
    old = await bench.leading()
    standby = await bench.start()
    await standby.started.wait()
    assert not standby.leads.is_set()
    fence = (await bench.state()).position.fence
    await bench.write(3)
    await bench.drained()
    await old.stop()
    await asyncio.wait_for(standby.leads.wait(), 10)
    await bench.write(3)
    await bench.drained()
    assert (await bench.state()).position.fence > fence
    stale = (await bench.state()).position
    async with bench.worker.acquire() as connection:
        await store.raise_fence(connection)
        with pytest.raises(store.SteppedDown):
            await store.save(connection, stale)


async def test_a_leader_whose_fence_is_passed_steps_down_and_leads_again(bench: Bench) -> None:
    await bench.leading()
    await bench.write(2)
    await bench.drained()
    async with bench.worker.acquire() as connection:
        raised = (await store.raise_fence(connection)).position.fence
    await bench.write(2)

    async def sent_by_a_newer_one() -> bool:
        return max((await bench.log()).numbers("fence"), default=0) > raised

    await until("records of a newer fence", sent_by_a_newer_one)
    await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(2)])


async def test_a_large_backlog_goes_on_where_it_stopped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle of 20,000 rows that lie behind published ones: the rest follows, not the whole again."""
    rows = 20_000  # a second's work in such small pages: the test must come in between
    monkeypatch.setattr(lead, "_SMALL", 100)
    monkeypatch.setattr(lead, "_PAGE_ROWS", (50, 100))
    await bench.write(20)
    await bench.relayed()
    async with bench.app.acquire() as connection:
        await connection.execute(
            """
            insert into outbox (event_id, topic, partition, aggregate_id, version, type, payload, correlation_id)
            select gen_random_uuid(), $1, i % 12, 'b' || i, 1, 'BusinessRegistered', '{}', gen_random_uuid()
            from generate_series(1, $2::int) i
            """,
            TOPIC,
            rows,
        )
    loop = await bench.leading()

    async def half_way() -> bool:
        return (await bench.state()).position.after_seq > 500

    await until("half of the backlog", half_way)
    await loop.stop()
    stopped = (await bench.state()).position
    assert stopped.target is not None
    left = await bench.backlog()
    assert 0 < left <= rows - (stopped.after_seq - 20)
    await bench.relayed()
    log = await bench.nothing_lost_nor_reordered([])
    assert len(log.records) < rows + 20 + 1500


async def test_records_that_kafka_refuses_are_held_and_heal(bench: Bench) -> None:
    """One too large among others of its partition: they go on, it is held back, its aggregate's next event heals it."""
    await bench.relayed()
    await configure(bench.settings, TOPIC, {"max.message.bytes": "20000"})
    small = [await bench.append(f"a{number}") for number in range(30)]
    await bench.append("a0", '{"x": "%s"}' % ("y" * 30_000))
    after = [await bench.append(f"a{number}") for number in range(1, 30)]
    await bench.leading()
    await bench.drained()
    assert set((await bench.log()).event_ids()) == {*small, *after}
    (held,) = await bench.worker.fetch("select topic, aggregate_id, error, released_at from relay_held")
    assert (held[0], held[1], held[3]) == (TOPIC, "a0", None)
    assert "MessageSizeTooLarge" in held[2]
    await _held_back(bench, 1)
    await bench.append("a0")

    async def healed() -> bool:
        return bool(await bench.worker.fetchval("select released_at is not null from relay_held"))

    await until("the aggregate to heal", healed)
    await _held_back(bench, 0)


async def _held_back(bench: Bench, count: int) -> None:
    async def told() -> bool:
        watermarks = await bench.watermarks()
        return bool(watermarks) and watermarks[-1].held_back == count

    await until(f"a watermark with {count} held back", told)


async def test_a_relay_whose_clock_is_hours_ahead_publishes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _set_clock(monkeypatch, ahead=timedelta(hours=3))
    written = [await bench.append(f"a{number}") for number in range(5)]
    await bench.relayed()
    assert set((await bench.log()).event_ids()) == set(written)
    assert await bench.worker.fetchval("select count(*) from relay_held") == 0


async def test_nothing_is_held_for_a_time_that_kafka_does_not_believe(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a topic that keeps the writers' times a wrong clock is trouble until it is right again, and nothing worse."""
    await bench.relayed()
    await configure(bench.settings, TOPIC, WRITERS_TIMES)
    _set_clock(monkeypatch, ahead=timedelta(hours=3))
    written = [await bench.append(f"a{number}") for number in range(5)]
    loop = await bench.leading()

    async def in_trouble() -> bool:
        return "InvalidTimestamp" in (loop.health.kafka_trouble or "")

    await until("Kafka's refusal", in_trouble)
    assert await bench.worker.fetchval("select count(*) from relay_held") == 0
    _set_clock(monkeypatch, ahead=timedelta())
    await bench.drained()
    assert set((await bench.log()).event_ids()) == set(written)


def _set_clock(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    monkeypatch.setattr(publisher, "time", SimpleNamespace(time=lambda: time.time() + ahead.total_seconds()))


async def test_watermarks_go_on_in_a_quiet_hour_and_tell_the_ends(bench: Bench) -> None:
    await bench.leading()
    await bench.write(7)
    await bench.drained()
    before = datetime.now(UTC)

    async def several_since() -> bool:
        return sum(mark.at > before for mark in await bench.watermarks()) >= 2

    await until("two watermarks in silence", several_since)
    marks = await bench.watermarks()
    assert [mark.at for mark in marks] == sorted(mark.at for mark in marks)
    assert (marks[-1].service, marks[-1].history, marks[-1].epoch, marks[-1].held_back) == (SERVICE, 1, 1, 0)
    log = await bench.log()
    assert {(end.partition, end.next_offset) for end in marks[-1].ends if end.topic == TOPIC} == {
        (number, len(records)) for number, records in log.partitions.items()
    }


async def test_a_watermark_is_never_ahead_of_what_was_committed(bench: Bench) -> None:
    """Whatever was committed by the instant of a watermark lies below the ends that it tells."""
    await bench.leading()
    committed: list[tuple[datetime, str]] = []
    for number in range(300):
        event_id = await bench.append(f"a{number % 20}")
        committed.append((await bench.worker.fetchval("select clock_timestamp()"), str(event_id)))
    await bench.drained()
    log, marks = await bench.log(), await bench.watermarks()
    places = {
        dict(record.headers)["event_id"].decode(): (record.partition, record.offset) for record in reversed(log.records)
    }
    for mark in marks:
        ends = {end.partition: end.next_offset for end in mark.ends if end.topic == TOPIC}
        for at, committed_id in committed:
            if at <= mark.at:
                partition, offset = places[committed_id]
                assert offset < ends[partition]


async def test_old_answers_are_forgotten(bench: Bench) -> None:
    async with bench.app.acquire() as connection:
        await connection.execute(
            """
            insert into accepted_command (principal, key, body_digest, status, answer, event_ids, accepted_at)
            select 'p', 'key-' || i, '', 201, '{}', '{}', now() - i * interval '1 day' from generate_series(0, 120) i
            """
        )
    async with bench.worker.acquire() as connection:
        assert await store.forget_old_answers(connection, limit=20) == 20
        assert await store.forget_old_answers(connection) == 11
        assert await store.forget_old_answers(connection) == 0
    assert await bench.worker.fetchval("select count(*) from accepted_command") == 90


async def test_the_event_of_another_topic_comes_too(bench: Bench) -> None:
    event_id = await bench.append("35.76", topic=OFFICE.name)
    await bench.relayed()
    assert (await bench.log(OFFICE.name)).event_ids() == [event_id]


async def test_a_producer_that_met_trouble_is_thrown_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The acknowledgement is lost once: the records are sent again by another producer, and nothing is missing."""
    await bench.leading()
    await bench.write(5)
    await bench.drained()
    real = publisher.Publisher.send
    failures: list[publisher.Publisher] = []

    async def lose_one_answer(self: publisher.Publisher, prepared: publisher.Prepared) -> publisher.Outcome:
        outcome = await real(self, prepared)
        if not failures:
            failures.append(self)
            raise kafka_admin.KafkaTrouble("injected")
        return outcome

    monkeypatch.setattr(publisher.Publisher, "send", lose_one_answer)
    await bench.write(5)
    await bench.drained()
    log = await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(5)])
    assert failures
    assert len(log.records) > 10
