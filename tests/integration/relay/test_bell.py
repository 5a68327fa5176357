"""The bell between an outbox's writers and its relay: a hint that may get lost, and is believed while it is right."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from shared.bell import Bell, Hearing, channel
from shared.postgres import connect
from tests.infrastructure.databases import Database

SERVICE = "registry"
SOON = 20.0


@pytest_asyncio.fixture
async def bell(database: Database) -> AsyncIterator[Bell]:
    bell = Bell(SERVICE, database.settings(SERVICE, "app"))
    bell.pause_seconds = 0.1
    await bell.start()
    yield bell
    await bell.stop()


@pytest_asyncio.fixture
async def listener(database: Database) -> AsyncIterator[Any]:
    settings = database.settings(SERVICE, "worker")
    connection = await connect(settings, "registry_worker", schema=SERVICE, application="test-listener")
    yield connection
    await connection.close(timeout=5)


async def test_a_relay_hears_the_bell_of_its_service(bell: Bell, listener: Any, database: Database) -> None:
    hearing = Hearing()
    await hearing.listen(listener, SERVICE)
    assert not hearing.is_believed
    for _ in range(3):
        bell.ring()
        await hearing.wait(SOON)
        hearing.begin_turn()
        hearing.end_turn(found=True)
        assert hearing.is_believed
    other = await database.pool("mentoring", "app")
    await other.execute(f"notify {channel('mentoring')}")
    await listener.fetchval("select 1")
    hearing.begin_turn()
    hearing.end_turn(found=False)
    assert hearing.is_believed


async def test_what_is_committed_while_it_rings_shares_a_ring(bell: Bell, listener: Any) -> None:
    heard: list[object] = []
    await listener.add_listener(channel(SERVICE), lambda *told: heard.append(told))
    for _ in range(200):
        bell.ring()
        await asyncio.sleep(0)
    await bell.stop()
    await listener.fetchval("select 1")
    assert 1 <= len(heard) < 100


async def test_it_rings_again_over_another_connection(bell: Bell, listener: Any, database: Database) -> None:
    hearing = Hearing()
    await hearing.listen(listener, SERVICE)
    bell.ring()
    await hearing.wait(SOON)
    ended = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'registry-bell'"
    assert await (await database.pool(SERVICE, "app")).fetchval(ended)
    async with asyncio.timeout(SOON):
        while True:
            hearing.begin_turn()
            bell.ring()
            await hearing.wait(0.2)
            hearing.end_turn(found=False)
            hearing.begin_turn()
            if hearing._told:
                return


def test_nothing_is_believed_before_it_was_heard_nor_after_others_wrote_three_times() -> None:
    hearing = Hearing()
    for found in (True, False, True):
        hearing.begin_turn()
        hearing.end_turn(found=found)
        assert not hearing.is_believed
    hearing._rung.set()
    for found in (True, True, False, True):
        hearing.begin_turn()
        hearing.end_turn(found=found)
        assert hearing.is_believed
    hearing.begin_turn()
    hearing.end_turn(found=True)
    assert not hearing.is_believed
