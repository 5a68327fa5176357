"""When Kafka has lost what it had: everything again. When it knows more than Postgres: nothing until somebody acts."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from shared import kafka_admin
from shared.contracts.catalogue import OFFICE
from shared.ids import new_id
from shared.outbox import partition_of
from shared.relay import lead
from shared.relay.replay import Outbox
from shared.settings import Settings
from tests.integration.relay.bench import SERVICE, TOPIC, Bench, until
from tests.support.log import open_log

pytestmark = pytest.mark.kafka


async def _epoch_is(bench: Bench, epoch: int) -> None:
    async def raised() -> bool:
        return (await bench.state()).position.epoch == epoch

    await until(f"epoch {epoch}", raised)


async def _put(bench: Bench, key: str, headers: dict[str, bytes], partition: int = 0) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bench.settings.kafka_bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(
            bench.settings.topic_prefix + TOPIC,
            b'{"version": 9}',
            key.encode(),
            partition,
            headers=list(headers.items()),
        )
    finally:
        await producer.stop()


def _headers(event_id: UUID, history: int = 1) -> dict[str, bytes]:
    return {"event_id": str(event_id).encode(), "history": b"%d" % history, "epoch": b"1", "fence": b"1"}


async def test_a_lost_log_is_seen_on_taking_the_lead(bench: Bench) -> None:
    await bench.write(30)
    await bench.write(5, topic=OFFICE.name)
    await bench.relayed()
    await bench.make_anew()
    await bench.leading()
    await _epoch_is(bench, 2)
    await bench.drained()
    log = await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(5)])
    assert log.numbers("epoch") == {2}
    assert len((await bench.log(OFFICE.name)).records) == 10


async def test_a_missing_topic_is_made_and_everything_sent_again(bench: Bench) -> None:
    await bench.write(10)
    await bench.relayed()
    await bench.drop_topic()
    await bench.leading()
    await _epoch_is(bench, 2)
    await bench.drained()
    await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(5)])


async def test_a_topic_made_anew_and_grown_past_the_tails_is_seen(bench: Bench) -> None:
    """Longer than before, so no offset tells; only the event ids do."""
    await bench.write(10, aggregates=1)
    await bench.relayed()
    tails = (await bench.state()).position.tails
    await bench.make_anew()
    ((place, tail),) = tails.items()
    for _ in range(tail.next_offset + 5):
        await _put(bench, "stranger", {}, place[1])
    await bench.leading()
    await _epoch_is(bench, 2)
    await bench.drained()
    assert set(await bench.stored("a0")) == set((await bench.log()).firsts("a0"))


async def test_a_lost_log_is_seen_when_idle(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = lead.Every
    monkeypatch.setattr(lead, "Every", lambda seconds: real(0.2 if seconds == 10 else seconds))
    await bench.leading()
    await bench.write(10)
    await bench.drained()
    await bench.make_anew()
    await _epoch_is(bench, 2)
    await bench.drained()
    await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(5)])


async def test_a_lost_log_is_seen_by_offsets_that_go_backwards(bench: Bench) -> None:
    await bench.leading()
    await bench.write(20, aggregates=1)
    await bench.drained()
    await bench.make_anew()
    await bench.append("a0")
    await _epoch_is(bench, 2)
    await bench.drained()
    log = await bench.nothing_lost_nor_reordered([])
    assert 2 in log.numbers("epoch")


async def test_what_a_crash_left_unsaved_is_no_changed_history(bench: Bench) -> None:
    """The state of an earlier moment, while the outbox has everything: what lies beyond the tails comes twice."""
    await bench.write(5)
    await bench.relayed()
    (saved,) = await bench.worker.fetch("select snapshot, tails from relay_state")
    await bench.write(5)
    await bench.relayed()
    await bench.worker.execute("update relay_state set snapshot = $1, tails = $2", *saved)
    await bench.leading()
    await bench.drained()
    assert (await bench.state()).alarm is None
    assert (await bench.state()).position.epoch == 1
    assert len((await bench.nothing_lost_nor_reordered([])).records) == 15


async def test_strange_records_prove_nothing(bench: Bench) -> None:
    await bench.write(5)
    await bench.relayed()
    for strange in (
        {},
        {"event_id": b"\xff"},
        {"event_id": str(uuid4()).encode(), "history": b"1"},
        _headers(uuid4(), 0),
    ):
        await _put(bench, "stranger", strange)
    await bench.leading()
    await bench.write(5)
    await bench.drained()
    assert (await bench.state()).alarm is None


async def test_a_header_name_that_is_not_utf8_blocks_nothing(bench: Bench) -> None:
    """aiokafka raises at such a record; what we look for may lie behind it."""
    await bench.append("a0")
    await bench.relayed()
    async with open_log(bench.settings.kafka_bootstrap, bench.settings.topic_prefix) as log:
        for _ in range(2):
            await _put(bench, "a0", _headers(UUID((await bench.stored("a0"))[0])), partition_of("a0"))
            await log.put_with_header_name(TOPIC, b"a0", b"\xff\xfe")
    loop = await bench.leading()
    await bench.append("a0")
    await bench.drained()
    assert await loop.health.ready() is None
    await loop.stop()
    async with open_log(bench.settings.kafka_bootstrap, bench.settings.topic_prefix) as log:
        await log.put_with_header_name(TOPIC, b"a0", b"\xff\xfe")
    await _put(bench, "a0", _headers(uuid4()), partition_of("a0"))
    await bench.start()
    assert (await bench.alarm()).code == "changed_history"


async def _restored_to_an_earlier_point(bench: Bench) -> tuple[list[UUID], list[UUID]]:
    """Returns what is left, and what Postgres has forgotten."""
    kept = await bench.write(5, aggregates=5)
    await bench.relayed()
    (state,) = await bench.worker.fetch("select snapshot, tails, fence from relay_state")
    lost = await bench.write(5, aggregates=5)
    await bench.relayed()
    owner = await bench.database.pool(SERVICE, "owner")
    await owner.execute("delete from outbox where event_id = any($1::uuid[])", lost)
    await owner.execute("update relay_state set snapshot = $1, tails = $2, fence = $3", *state)
    return kept, lost


async def test_a_changed_history_stops_until_a_new_one_is_begun(bench: Bench) -> None:
    kept, lost = await _restored_to_an_earlier_point(bench)
    loop = await bench.leading()
    alarm = await bench.alarm()
    assert alarm.code == "changed_history"
    assert "plut replay --new-history" in alarm.text
    bench.versions.clear()
    bench.versions.update({f"{TOPIC}a{number}": 1 for number in range(5)})
    since = await bench.write(5, aggregates=5)
    assert "plut replay --new-history" in (await loop.health.ready() or "")
    assert loop.health.live() is None
    assert not set(since) & set((await bench.log()).event_ids()), "nothing is published in alarm"
    away = await bench.worker.fetch("select event_id, aggregate_id, type from restored_away")
    assert {row[0] for row in away} == set(lost)

    await _begin_new_history(bench)
    await bench.drained()
    log = await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(5)])
    assert set(log.event_ids()) == {*kept, *since}
    assert (log.numbers("history"), log.numbers("epoch")) == ({2}, {2})
    await until("the relay to be well", lambda: _well(loop.health.ready))
    (change,) = await bench.worker.fetch("select history, kept_until, completed_at from history_change")
    newest_kept = await bench.worker.fetchval("select max(created_at) from outbox where event_id = any($1)", kept)
    assert (change[0], change[1]) == (2, newest_kept)
    assert change[2] is not None


async def _well(ready: Callable[[], Awaitable[str | None]]) -> bool:
    return await ready() is None


async def _begin_new_history(bench: Bench, settings: Settings | None = None) -> None:
    """As `plut replay --new-history` does for one service, interrupted after each step and called again."""
    async with bench.worker.acquire() as connection:
        outbox = Outbox(SERVICE, settings or bench.settings, connection)
        first = await outbox.decide(new_id())
        again = await outbox.unfinished_run()
        assert again == first.run
        change = await outbox.decide(again)
        assert change == first
        await outbox.begin(change)
        await outbox.begin(change)
        await outbox.complete(change)
        assert await outbox.unfinished_run() is None


async def test_a_restore_to_before_the_last_new_history_is_seen(bench: Bench) -> None:
    """Nothing is missing, but Kafka's readers have seen a higher history than this Postgres knows."""
    await bench.write(5)
    await bench.relayed()
    await _begin_new_history(bench)
    await bench.relayed()
    await bench.worker.execute("update relay_state set history = 1, epoch = 1")
    await bench.leading()
    assert "riwayat 2" in (await bench.alarm()).text
    await bench.stop()
    await _begin_new_history(bench)
    assert (await bench.state()).position.history == 3


async def test_a_dump_restored_into_another_cluster(bench: Bench) -> None:
    """Other system identifier, and transaction numbers that are still to come here."""
    events = await bench.write(5)
    await bench.relayed()
    owner = await bench.database.pool(SERVICE, "owner")
    await owner.execute("update outbox set xid = '900000000'")
    await owner.execute("update relay_state set system_identifier = 42, snapshot = '900000001:900000001:'")
    loop = await bench.leading()
    assert "Postgres lain" in (await bench.alarm()).text
    await bench.write(2)
    assert await bench.backlog() == 7  # Kafka has none of them, whatever the numbers say
    await _begin_new_history(bench)
    await bench.drained()
    assert loop.leads.is_set()
    log = await bench.nothing_lost_nor_reordered([])
    assert set(events) < set(log.event_ids())
    assert log.numbers("history") == {2}
    assert await bench.worker.fetchval("select max(xid::text::bigint) from outbox") < 900000000


async def test_another_number_of_partitions_stops_until_it_is_mended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead, "_ALARM_LOOKS", 1)
    await bench.write(3)
    async with kafka_admin.admin(bench.settings) as client:
        await client.create_topics([NewTopic(bench.settings.topic_prefix + TOPIC, 3, 1)])
    loop = await bench.leading()
    alarm = await bench.alarm()
    assert alarm.code == "partitions"
    assert "3 partisi" in alarm.text
    assert not (await bench.log(partitions=3)).records
    await bench.drop_topic()
    await bench.drained()
    assert (await bench.state()).alarm is None
    assert loop.leads.is_set()
    await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(3)])


async def test_replay_sends_everything_again_under_a_higher_epoch(bench: Bench) -> None:
    await bench.leading()
    await bench.write(6)
    await bench.drained()
    async with bench.worker.acquire() as connection:
        outbox = Outbox(SERVICE, bench.settings, connection)
        await outbox.replay()
        await outbox.replay()
        await _epoch_is(bench, 2)
        await bench.drained()
        assert (await outbox.state()).position.epoch == 2
    log = await bench.nothing_lost_nor_reordered([f"a{number}" for number in range(5)])
    assert (len(log.records), log.numbers("epoch")) == (12, {1, 2})


async def test_replay_of_a_topic_leaves_the_others_and_the_epoch_alone(bench: Bench) -> None:
    await bench.leading()
    await bench.write(6)
    await bench.write(4, topic=OFFICE.name)
    await bench.drained()
    async with bench.worker.acquire() as connection:
        outbox = Outbox(SERVICE, bench.settings, connection)
        assert await outbox.replay_topic(OFFICE.name)
        await bench.write(2)

        async def done() -> bool:
            return (await outbox.state()).replay is None

        await until("the replay to end", done)
    await bench.drained()
    assert len((await bench.log(OFFICE.name)).records) == 8
    assert len((await bench.nothing_lost_nor_reordered([])).records) == 8
    assert (await bench.state()).position.epoch == 1


async def test_it_waits_for_kafka_and_stops_without_it(bench: Bench) -> None:
    """Nobody listens at the address: the relay says so, lives, and stops at once."""
    bench.settings = bench.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    await bench.write(3)
    loop = await bench.leading()

    async def told() -> bool:
        return "Kafka" in (await loop.health.ready() or "")

    await until("the trouble to be told", told)
    assert loop.health.live() is None
    async with asyncio.timeout(6):
        await loop.stop()
