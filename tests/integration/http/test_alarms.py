"""Each alarm that the edge's figures set off, and what only a Postgres of one's own can be made to suffer."""

import asyncio
from collections.abc import Callable

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Request

from shared.auth.principal import Role
from shared.auth.tokens import IssuerUnavailable, Verifier
from shared.relay import lead
from shared.relay.loop import RelayLoop
from tests.infrastructure.base import KafkaServer
from tests.integration.http.conftest import Cluster
from tests.integration.http.test_postgres_gone import _make
from tests.support import edge
from tests.support.alarms import Samples, fires, nothing_told, told_here
from tests.support.api import client_of
from tests.support.ledger import Ledger
from tests.support.tokens import bearer, token, with_edge

_reading = APIRouter(prefix="/v1")


@_reading.get("/rows")
async def count_rows(request: Request) -> int:
    return int(await request.app.state.pool.fetchval("select count(*) from effect"))


async def _told(holds: Callable[[Samples], bool]) -> Samples:
    async with asyncio.timeout(30):
        while not holds(told_here()):  # noqa: ASYNC110  a figure sets no event
            await asyncio.sleep(0.1)
    return told_here()


def _is(name: str, value: float) -> Callable[[Samples], bool]:
    return lambda told: any(series.startswith(name) and found == value for series, found in told.items())


async def test_answers_that_fail_use_the_budget_up(cluster: Cluster, own_ledger: Ledger) -> None:
    nothing_told()
    pool = await own_ledger.database.pool("registry", "app")
    async with client_of(edge.create(own_ledger.database.settings("registry"), pool, _reading)) as client:
        await _use(client, "good", 200)
        good = told_here()
        await cluster.stop()
        await _use(client, "gone", 503)
        failing = told_here()
        await cluster.start()
    fires("WritesFailFast WritesFailSteadily", good, failing, goes_on=True)
    fires("WritesFailSlowly", good, failing, goes_on=True)
    fires("AnswersFailFast AnswersFailSteadily", good, failing, goes_on=True)
    fires("AnswersFailSlowly", good, failing, goes_on=True)


async def _use(client: httpx.AsyncClient, key: str, status: int) -> None:
    await _make(client, f"{key}-00001")
    assert (await client.get("/v1/rows")).status_code == status


async def test_writes_that_wait_use_the_budget_up(own_ledger: Ledger) -> None:
    nothing_told()
    pool = await own_ledger.database.pool("registry", "app")
    async with client_of(edge.create(own_ledger.database.settings("registry"), pool)) as client:
        await asyncio.gather(*(_make(client, f"warm-{number:05}") for number in range(3)))
        nothing_told()
        before = told_here()
        await _made_to_wait(own_ledger, client)
    fires("WritesSlowFast WritesSlowSteadily", before, told_here(), goes_on=True)
    fires("WritesSlowSlowly", before, told_here(), goes_on=True)


async def _made_to_wait(ledger: Ledger, client: httpx.AsyncClient) -> None:
    """Writes, and lets what is written to go only when the write has waited longer than a good one may take."""
    connection = await asyncpg.connect(ledger.database.superuser_dsn)
    try:
        async with asyncio.TaskGroup() as group, connection.transaction():
            await connection.execute("lock registry.effect")
            group.create_task(_make(client, "slow-00001"))
            await ledger.until_waited_for("relation")
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def test_an_issuer_that_is_away_and_many_denials_set_alarms_off(own_ledger: Ledger) -> None:
    nothing_told()
    settings = with_edge(own_ledger.database.settings("registry"))
    before = told_here()
    away = Verifier(settings.model_copy(update={"issuer_url": "http://127.0.0.1:9"}))
    with pytest.raises(IssuerUnavailable):
        await away.verify(token(Role.AUDITOR))
    fires("IssuerAway", before, told_here())
    pool = await own_ledger.database.pool("registry", "app")
    async with client_of(edge.create(settings, pool)) as client:
        denied = [await client.get("/v1/things", headers=bearer(Role.ADMINISTRATOR)) for _ in range(12)]
    assert {answer.status_code for answer in denied} == {403}
    fires("DenialsSurge", before, told_here(), goes_on=True)


async def test_postgres_that_is_gone_or_cannot_archive_sets_alarms_off(
    cluster: Cluster, own_ledger: Ledger, kafka: KafkaServer, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_told()
    real = lead.Every
    monkeypatch.setattr(lead, "Every", lambda seconds: real(min(seconds, 1)))
    settings = own_ledger.database.settings("registry", "worker", kafka_bootstrap=kafka.bootstrap)
    relay = RelayLoop("registry", settings.model_copy(update={"topic_prefix": topic_prefix}))
    await relay.start()
    before = await _told(_is("postgres_archive_fails", 0))
    await cluster.stop()
    fires("PostgresAway", before, await _told(_is("relay_postgres_answers", 0)))
    await cluster.start()
    cluster.archive.symlink_to("/nowhere/to/copy/to")
    await own_ledger.as_superuser("execute", "select pg_switch_wal()")
    fires("WalArchiveFails", before, await _told(_is("postgres_archive_fails", 1)))
    await relay.stop()
    cluster.archive.unlink()
