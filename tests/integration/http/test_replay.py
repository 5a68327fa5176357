"""The same write sent again over HTTP: the same answer, letter by letter."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest_asyncio

from shared.auth.principal import Role
from tests.infrastructure.databases import Database
from tests.support import edge
from tests.support.api import client_of
from tests.support.ledger import Ledger
from tests.support.tokens import bearer


@pytest_asyncio.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    await Ledger.create(database)
    pool = await database.pool("registry", "app")
    async with client_of(edge.create(database.settings("registry"), pool)) as open_client:
        yield open_client


async def _send(client: httpx.AsyncClient, body: str, key: str = "key-00001", subject: str = "stf-1") -> httpx.Response:
    headers = {**bearer(Role.FRONT_DESK, subject=subject), "Idempotency-Key": key, "Content-Type": "application/json"}
    return await client.post("/v1/things", content=body, headers=headers)


async def test_a_repeated_write_gets_the_same_answer(client: httpx.AsyncClient) -> None:
    first = await _send(client, '{"name": "a", "count": 2}')
    again = await _send(client, '{ "count":2,\n"name":"a" }')
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"] == '"1"'
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_double_click_gets_one_effect(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(_send(client, '{"name": "a"}') for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_another_body_is_refused(client: httpx.AsyncClient) -> None:
    await _send(client, '{"name": "a"}')
    refused = await _send(client, '{"name": "b"}')
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:plut:problem:idempotency-key-reused"


async def test_another_person_has_other_keys(client: httpx.AsyncClient) -> None:
    first = await _send(client, '{"name": "a"}', subject="stf-1")
    other = await _send(client, '{"name": "b"}', subject="stf-2")
    assert other.status_code == 201
    assert other.json() != first.json()


async def test_path_and_revision_belong_to_what_is_compared(client: httpx.AsyncClient) -> None:
    headers = {**bearer(Role.FRONT_DESK), "Idempotency-Key": "key-00001"}

    async def digest(thing: str, seen: str) -> str:
        answer = await client.patch(f"/v1/things/{thing}", json={"name": "a"}, headers={**headers, "If-Match": seen})
        return str(answer.json()["digest"])

    one, two = str(uuid4()), str(uuid4())
    assert await digest(one, '"1"') == await digest(one, '"1"')
    assert len({await digest(one, '"1"'), await digest(one, '"2"'), await digest(two, '"1"')}) == 3


async def test_a_duplicate_that_waits_in_vain_is_told_to_come_again(
    client: httpx.AsyncClient, database: Database
) -> None:
    ledger = Ledger(database, await database.pool("registry", "app"))
    async with ledger.pool.acquire() as connection, connection.transaction():
        await connection.fetch("select * from begin_command('', 'stf-1', 'key-00001')")
        answer = await _send(client, '{"name": "a"}')
        assert answer.status_code == 409
        assert answer.headers["retry-after"] == "2"
    assert (await _send(client, '{"name": "a"}')).status_code == 201


async def test_readiness_holds_with_a_migrated_database(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ready")
    assert answer.status_code == 200, answer.text


async def test_readiness_misses_a_migration(client: httpx.AsyncClient, database: Database) -> None:
    ledger = Ledger(database, await database.pool("registry", "app"))
    await ledger.as_superuser("execute", "delete from registry.migration where name = '0003_commands.sql'")
    answer = await client.get("/ready")
    assert answer.status_code == 503
    assert "migrate" in answer.json()["reason"]
