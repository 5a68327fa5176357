"""Many listeners: each hears of a change, the figures are rendered once for all who see the same, and never go back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from uuid import UUID

import pytest
from fastapi import Request

from services.reporting.answers.attention import Thresholds
from services.reporting.assets import Assets
from services.reporting.domain import Position
from services.reporting.hints import Broadcaster, hints
from services.reporting.web import tables
from services.reporting.web.asking import Asked
from services.reporting.web.live import SEEN, Live, Moving
from services.reporting.web.overview import overview
from services.reporting.web.pages import Pages
from shared.auth.principal import Principal, Role
from shared.metrics import REGISTRY
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support.reporting_events import business, deliver, office, read_to, received

pytestmark = pytest.mark.timeout(90)
PROVINCE = Principal("stf-province", frozenset({Role.PROVINCE_ANALYST}), ("35.76", "35.79"))
HEAD = Principal("stf-head", frozenset({Role.OFFICE_HEAD}), ("35.76",))
THRESHOLDS = Thresholds(14, 50, 10)
LISTENERS = 1000


class Replica:
    """What one process of the api shows its browsers with."""

    def __init__(self, pool: Pool) -> None:
        self.broadcaster = Broadcaster(pool)
        self._live = Live(Pages(Assets(None)), self.broadcaster)
        self._app = SimpleNamespace(state=SimpleNamespace(pool=pool))

    async def part(self, who: Principal, seen: Position | None) -> tuple[int, bytes]:
        """Asks for the part that moves, as an open page does."""
        return await self._ask(who, [(b"hx-request", b"true"), (SEEN.lower().encode(), str(seen or "").encode())])

    async def page(self, who: Principal) -> bytes:
        """Loads the page, which does not tell what was seen."""
        return (await self._ask(who, []))[1]

    async def _ask(self, who: Principal, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
        request = Request({**scope, "app": self._app, "server": ("plut.test", 80), "scheme": "http"})
        whole = who is PROVINCE
        asked = Asked()
        page = Moving(
            "figures.html", "", asked, lambda seen: overview(seen, asked, THRESHOLDS, whole=whole), tables.of_overview
        )
        answer = await self._live.answer(request, who, page)
        return answer.status_code, bytes(answer.body)


@asynccontextmanager
async def replica_of(database: Database) -> AsyncIterator[Replica]:
    running = Replica(await database.pool("reporting", "app"))
    await running.broadcaster.start()
    yield running
    await running.broadcaster.stop()


def _renderings() -> float:
    return REGISTRY.get_sample_value("page_renderings_total", {"page": "figures.html"}) or 0


def _position(page: bytes) -> Position:
    told = Position.parse(page.split(b'data-position="')[1].split(b'"')[0].decode())
    assert told
    return told


async def test_a_thousand_listeners_hear_of_one_change_and_share_one_rendering(
    database: Database, worker: Pool
) -> None:
    await deliver(worker, received([office("35.76"), office("35.79", "PLUT Kota Batu")]))
    async with replica_of(database) as replica:
        listening = asyncio.Semaphore(0)

        async def listen(who: Principal, scope: str) -> tuple[str, bytes]:
            stream = hints(replica.broadcaster, scope, None, time.monotonic() + 60)
            await anext(stream)
            listening.release()
            while (told := await anext(stream)).startswith(b":"):
                pass
            position = Position.parse(told.decode().split("data: ")[1].strip())
            return scope, (await replica.part(who, position))[1]

        people = [(PROVINCE, "province") if number % 3 else (HEAD, "35.76") for number in range(LISTENERS)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(listen(*one)) for one in people]
            for _ in people:
                await listening.acquire()
            before = _renderings()
            await deliver(worker, received([business(UUID(int=1))]))
            await read_to(worker, "registry.business.v1", 0, 1)
        shown = [task.result() for task in tasks]
        assert _renderings() - before == 2
    for scope in ("province", "35.76"):
        pages = {body.split(b"</div>", 1)[1] for one, body in shown if one == scope}
        assert len(pages) == 1
        assert {_position(body) for _, body in shown} == {Position(1, 0, 1)}


async def test_no_page_goes_back_in_time_with_two_processes(database: Database, worker: Pool) -> None:
    await deliver(worker, received([office("35.76")]))
    async with replica_of(database) as one, replica_of(database) as other:
        stop = asyncio.Event()

        async def write() -> int:
            offset = 0
            while not stop.is_set():
                offset += 1
                await deliver(worker, received([business(UUID(int=offset))]))
                await read_to(worker, "registry.business.v1", 0, offset)
            return offset

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write())
            seen, moved = Position(0, 0, 0), 0
            for number in range(60):
                replica = (one, other)[number % 2]
                body = await replica.page(PROVINCE) if number % 5 == 0 else (await replica.part(PROVINCE, seen))[1]
                now = _position(body)
                assert now >= seen, number
                moved += now > seen
                seen = now
            stop.set()
        assert writing.result() >= moved > 10
        assert (await one.part(PROVINCE, Position(9, 9, 9)))[0] == 204
