"""Each alarm that a relay's figures set off, by its reason."""

from uuid import uuid4

import asyncpg
import pytest

from deploy.local import status
from shared.postgres import role_name
from shared.relay import lead, store
from tests.integration.relay.bench import SERVICE, TOPIC, Bench, until
from tests.integration.relay.test_other_logs import _headers, _put
from tests.integration.relay.test_publishing import _held_back
from tests.support.alarms import Samples, fires, nothing_told, told_here
from tests.support.topics import configure

pytestmark = pytest.mark.kafka
NOBODY = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader counts once a second instead of every ten."""
    nothing_told()
    real = lead.Every
    monkeypatch.setattr(lead, "Every", lambda seconds: real(min(seconds, 1)))


async def _told(name: str, value: float) -> Samples:
    async def there() -> bool:
        return any(series.startswith(name) and found >= value for series, found in told_here().items())

    await until(f"{name} {value}", there)
    return told_here()


async def test_an_outbox_that_grows_sets_an_alarm_off(bench: Bench) -> None:
    await bench.leading()
    before = await _told("relay_leads", 1)
    await bench.stop()
    await bench.append("a0")
    connection = await asyncpg.connect(bench.database.superuser_dsn)
    await connection.execute("update registry.outbox set created_at = created_at - interval '2 minutes'")
    await connection.close()
    bench.settings = bench.settings.model_copy(update={"kafka_bootstrap": NOBODY})
    await bench.leading()
    fires("OutboxGrows", before, await _told("outbox_oldest_age_seconds", 120))


async def test_a_lead_that_nobody_can_take_sets_an_alarm_off(bench: Bench) -> None:
    first = await bench.leading()
    before = await _told("relay_leads", 1)
    await first.stop()
    settings = bench.settings
    holder = await asyncpg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_database,
        user=role_name(SERVICE, "worker"),
        password=settings.postgres_password.get_secret_value(),
        server_settings={"search_path": SERVICE},
    )
    assert await store.try_lock(holder, SERVICE)
    await bench.start()
    fires("RelayNobodyLeads", before, await _told("relay_postgres_answers", 1))
    (said,) = await status._alarms(holder, SERVICE)
    assert f"sambungan {holder.get_server_pid()} " in said
    await holder.close()


async def test_a_relay_that_leads_is_no_trouble(bench: Bench) -> None:
    await bench.leading()
    async with bench.worker.acquire() as connection:
        assert await status._alarms(connection, SERVICE) == []


async def test_a_log_that_knows_more_than_postgres_sets_an_alarm_off(bench: Bench) -> None:
    await bench.write(3)
    await bench.relayed()
    before = told_here()
    await _put(bench, "a0", _headers(uuid4()))
    await bench.leading()
    fires("RelayStandsStill", before, await _told("relay_alarm", 1))
    assert "riwayat berubah" in (await bench.alarm()).text


async def test_an_event_that_kafka_refuses_sets_an_alarm_off(bench: Bench) -> None:
    await bench.relayed()
    before = told_here()
    await configure(bench.settings, TOPIC, {"max.message.bytes": "20000"})
    await bench.append("a0", '{"x": "%s"}' % ("y" * 30_000))
    await bench.leading()
    await _held_back(bench, 1)
    fires("EventsHeldBack", before, await _told("events_held", 1))


async def test_a_slot_that_nobody_reads_sets_an_alarm_off(bench: Bench) -> None:
    await bench.leading()
    before = await _told("relay_leads", 1)
    connection = await asyncpg.connect(bench.database.superuser_dsn)
    name = f"of_a_test_{uuid4().hex}"
    await connection.execute("select pg_create_physical_replication_slot($1, true)", name)
    try:
        fires("WalSlotUnread", before, await _told("postgres_slots_unread", 1))
    finally:
        await connection.execute("select pg_drop_replication_slot($1)", name)
        await connection.close()


async def test_only_the_leader_tells_what_only_it_knows(bench: Bench) -> None:
    leader = await bench.leading()
    await _told("outbox_oldest_age_seconds", 0)
    await leader.stop()
    told = told_here()
    assert not any(series.startswith(("outbox_", "relay_alarm", "events_held")) for series in told)
