"""Without Postgres the answer is 503 and when to come again; when it is back, work goes on without a restart."""

import asyncio
from collections import Counter

import httpx
import pytest

from shared.auth.principal import Role
from shared.postgres import create_pool
from tests.integration.http.conftest import Cluster
from tests.support import edge
from tests.support.api import client_of
from tests.support.ledger import Ledger
from tests.support.tokens import bearer
from tests.support.wire import Wire


async def _make(client: httpx.AsyncClient, key: str) -> httpx.Response:
    headers = {**bearer(Role.FRONT_DESK), "Idempotency-Key": key}
    answer = await client.post("/v1/things", json={"name": "a"}, headers=headers)
    if answer.status_code == 503:
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Idempotency-Key" in answer.json()["cure"]
    return answer


async def _until_accepted(client: httpx.AsyncClient, key: str) -> httpx.Response:
    async with asyncio.timeout(30):
        while True:
            answer = await _make(client, key)
            if answer.status_code == 201:
                return answer
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["stop", "crash"])
async def test_commands_go_on_when_postgres_returns(cluster: Cluster, own_ledger: Ledger, how: str) -> None:
    pool = await own_ledger.database.pool("registry", "app")
    app = edge.create(own_ledger.database.settings("registry"), pool)
    async with client_of(app) as client:
        assert (await _make(client, "before-0001")).status_code == 201
        await getattr(cluster, how)()
        async with asyncio.timeout(30):
            gone = await asyncio.gather(*(_make(client, f"during-{n:04}") for n in range(20)))
            ready = await client.get("/ready")
            live = await client.get("/live")
        await cluster.start()
        after = [await _until_accepted(client, f"during-{n:04}") for n in range(20)]
        again = await _make(client, "before-0001")

    assert {answer.status_code for answer in gone} == {503}
    assert (ready.status_code, live.status_code) == (503, 200)
    assert len({answer.json()["id"] for answer in after}) == 20
    assert again.headers["idempotent-replayed"] == "true"
    assert set((await own_ledger.accepted()).values()) == {1}


async def test_a_crash_in_the_middle_loses_nothing_and_doubles_nothing(cluster: Cluster, own_ledger: Ledger) -> None:
    pool = await own_ledger.database.pool("registry", "app")
    statuses: Counter[int] = Counter()
    answers: dict[str, str] = {}
    keys = [f"crash-{n:05}" for n in range(400)]
    crashed = asyncio.Event()

    async def office(client: httpx.AsyncClient, mine: list[str]) -> None:
        for key in mine:
            answer = await _make(client, key)
            statuses[answer.status_code] += 1
            if answer.status_code == 201:
                answers[key] = answer.json()["id"]
            if statuses[201] > 80:
                crashed.set()

    async with client_of(edge.create(own_ledger.database.settings("registry"), pool)) as client:
        offices = asyncio.gather(*(office(client, keys[n::8]) for n in range(8)))
        await crashed.wait()
        await cluster.crash()
        await offices
        await cluster.start()
        assert set(statuses) == {201, 503}
        for key in keys:
            again = await _until_accepted(client, key)
            assert answers.get(key, again.json()["id"]) == again.json()["id"]

    accepted = await own_ledger.accepted()
    assert set(accepted) == set(keys)
    assert set(accepted.values()) == {1}


async def test_a_host_that_vanished_is_given_up(own_ledger: Ledger) -> None:
    settings = own_ledger.database.settings("registry")
    async with Wire.to(settings.postgres_host, settings.postgres_port) as wire:
        behind = settings.model_copy(update={"postgres_port": wire.port})
        pool = await create_pool(behind, "registry_app", schema="registry", application="frozen")
        async with client_of(edge.create(behind, pool)) as client:
            assert (await _make(client, "frozen-0001")).status_code == 201
            wire.freeze()
            async with asyncio.timeout(25):
                assert (await _make(client, "frozen-0002")).status_code == 503
            wire.thaw()
            await _until_accepted(client, "frozen-0002")
    assert await own_ledger.effects("frozen-0002") == 1
