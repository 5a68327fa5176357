"""What comes while others are worked on goes together; nobody waits for company, and nobody fails or hangs unseen."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.pace import Wait
from shared.together import Together

NONE = Wait(0, 0)


class Work:
    """Doubles numbers, a group at a time, when it is let."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_end = asyncio.Semaphore(0)
        self.fails = False

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(items))
        await self.may_end.acquire()
        if self.fails:
            raise ValueError("refused")
        return [2 * item for item in items]

    def let(self, groups: int) -> None:
        for _ in range(groups):
            self.may_end.release()


def together(work: Work, most: int = 10, at_once: int = 1, wait: Wait = NONE) -> Together[int, int]:
    """Numbers that are equal modulo 100 share a key."""
    return Together(work, lambda item: [item % 100], most=most, at_once=at_once, wait=wait)


async def _begun() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_meanwhile_goes_together() -> None:
    work = Work()
    both = together(work)
    first = asyncio.create_task(both.do(1))
    await _begun()
    others = [asyncio.create_task(both.do(item)) for item in (2, 3, 4)]
    await _begun()
    assert work.groups == [[1]], "the first one waits for nobody"
    work.let(2)
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert work.groups == [[1], [2, 3, 4]]


async def test_groups_are_bounded_and_so_are_those_at_once() -> None:
    work = Work()
    both = together(work, most=2, at_once=2)
    tasks = [asyncio.create_task(both.do(item)) for item in range(7)]
    await _begun()
    assert work.groups == [[0, 1], [2, 3]]
    work.let(4)
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10, 12]
    assert work.groups == [[0, 1], [2, 3], [4, 5], [6]]


async def test_what_shares_a_key_goes_apart_and_in_order() -> None:
    work = Work()
    both = together(work)
    tasks = [asyncio.create_task(both.do(item)) for item in (1, 101, 2, 201, 102)]
    work.let(3)
    assert await asyncio.gather(*tasks) == [2, 202, 4, 402, 204]
    assert work.groups == [[1, 2], [101, 102], [201]]


async def test_a_failure_is_told_to_those_it_struck_alone() -> None:
    work = Work()
    work.fails = True
    both = together(work)
    struck = [asyncio.create_task(both.do(item)) for item in (1, 2)]
    await _begun()
    work.let(1)
    for task in struck:
        with pytest.raises(ValueError, match="refused"):
            await task
    work.fails = False
    work.let(1)
    assert await both.do(3) == 6


async def test_who_goes_away_is_left_out_and_stops_nobody() -> None:
    work = Work()
    both = together(work)
    begun, waiting, stays = (asyncio.create_task(both.do(item)) for item in (1, 101, 2))
    await _begun()
    begun.cancel()
    waiting.cancel()
    await _begun()
    work.let(2)
    assert await stays == 4
    assert await both.do(3) == 6
    assert work.groups == [[1, 2], [3]]


async def test_where_much_comes_more_of_it_is_waited_for() -> None:
    work = Work()
    both = together(work, wait=Wait(0, 500))
    many = [asyncio.create_task(both.do(item)) for item in range(100)]
    work.let(1_000)
    await asyncio.gather(*many)
    work.groups.clear()
    first = asyncio.create_task(both.do(1))
    await _begun()
    second = asyncio.create_task(both.do(2))
    assert [await first, await second] == [2, 4]
    assert work.groups == [[1, 2]]
