"""Renderings: one however many ask, and nobody is shown less than he has seen."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from services.reporting.domain import Position
from services.reporting.renderings import Behind, Rendering, Renderings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = ("overview", "province")


def at(offsets: int) -> Position:
    return Position(1, 0, offsets)


class Maker:
    """Renders whatever the position is by then, slowly, and counts."""

    def __init__(self) -> None:
        self.position = at(1)
        self.made = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.began = asyncio.Event()

    async def __call__(self) -> Rendering:
        position = self.position
        self.began.set()
        await self.go_on.wait()
        self.made += 1
        return Rendering("Judul", f"{position}", position, NOW, NOW, time.monotonic())


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def renderings() -> Renderings:
    return Renderings()


async def test_however_many_ask_it_is_rendered_once(renderings: Renderings, maker: Maker) -> None:
    found = await asyncio.gather(*(renderings.get(KEY, maker, newest=at(1)) for _ in range(1000)))
    assert {one.html for one in found} == {"1.0.1"}
    again = await renderings.get(KEY, maker, newest=at(1))
    assert (again, maker.made) == (found[0], 1)


async def test_each_page_and_scope_is_rendered_for_itself(renderings: Renderings, maker: Maker) -> None:
    await renderings.get(KEY, maker)
    await renderings.get(("overview", "35.76"), maker)
    assert maker.made == 2


async def test_whoever_has_seen_more_gets_a_new_one(renderings: Renderings, maker: Maker) -> None:
    await renderings.get(KEY, maker)
    maker.position = at(2)
    assert (await renderings.get(KEY, maker)).position == at(1)
    assert (await renderings.get(KEY, maker, seen=at(2))).position == at(2)
    assert (await renderings.get(KEY, maker)).position == at(2)


async def test_a_rendering_that_was_begun_too_early_is_not_shown(renderings: Renderings, maker: Maker) -> None:
    maker.go_on.clear()
    early = asyncio.create_task(renderings.get(KEY, maker))
    await maker.began.wait()
    maker.position = at(2)
    late = asyncio.create_task(renderings.get(KEY, maker, seen=at(2)))
    await asyncio.sleep(0)
    maker.go_on.set()
    assert ((await early).position, (await late).position) == (at(1), at(2))


async def test_a_position_that_nobody_has_reached_ends(renderings: Renderings, maker: Maker) -> None:
    with pytest.raises(Behind):
        await renderings.get(KEY, maker, seen=Position(9, 9, 9))
    assert maker.made == 2


async def test_an_old_one_is_good_only_while_nothing_is_newer(
    renderings: Renderings, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    await renderings.get(KEY, maker)
    maker.position = at(2)
    monkeypatch.setattr(time, "monotonic", lambda: began + 3)
    assert (await renderings.get(KEY, maker, newest=at(1))).position == at(1)
    assert (await renderings.get(KEY, maker, newest=at(2))).position == at(2)
    monkeypatch.setattr(time, "monotonic", lambda: began + 6)
    assert (maker.made, (await renderings.get(KEY, maker)).position) == (2, at(2))
    assert maker.made == 3


async def test_a_failure_is_everybodys_who_waits_and_nobodys_afterwards(renderings: Renderings, maker: Maker) -> None:
    async def fail() -> Rendering:
        await asyncio.sleep(0)
        raise ConnectionError("away")

    told = await asyncio.gather(*(renderings.get(KEY, fail) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError] * 3
    assert (await renderings.get(KEY, maker)).position == at(1)


async def test_one_who_leaves_takes_nothing_from_the_others(renderings: Renderings, maker: Maker) -> None:
    maker.go_on.clear()
    leaving, staying = (asyncio.create_task(renderings.get(KEY, maker)) for _ in range(2))
    await maker.began.wait()
    leaving.cancel()
    maker.go_on.set()
    assert ((await staying).position, maker.made) == (at(1), 1)


async def test_those_not_asked_for_are_let_go(renderings: Renderings, maker: Maker) -> None:
    for number in range(300):
        await renderings.get(("overview", number), maker, newest=at(1))
    await renderings.get(("overview", 299), maker, newest=at(1))
    assert maker.made == 300
    await renderings.get(("overview", 0), maker, newest=at(1))
    assert maker.made == 301
