"""Work that costs less together: what comes while others are worked on is taken up with all that has come meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.pace import Pace, Wait

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Waiting(Generic[T, R]):
    item: T
    keys: frozenset[Hashable]
    result: "asyncio.Future[R]"


class Together(Generic[T, R]):
    """Hands what has come to `work`, which returns a result for each, in their order.

    Where little comes, nobody waits for company: an item is begun at once, unless as many groups are under way as may
    be. Where much comes, company is waited for as its pace tells (`wait`). Two items of one group share none of their
    `keys`; the later one waits for another group. Log lines of `work` are of no request: they concern several.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        keys: Callable[[T], Collection[Hashable]],
        *,
        most: int,
        at_once: int,
        wait: Wait,
    ) -> None:
        """At most `most` items are handed over together, and `at_once` such groups are worked on at one time."""
        self._work = work
        self._keys = keys
        self._most = most
        self._at_once = at_once
        self._wait = wait
        self._pace = Pace(time.monotonic())
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, item: T) -> R:
        """Returns what became of one item. Raises what `work` raised for it and its company."""
        waiting = _Waiting[T, R](item, frozenset(self._keys(item)), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._pace.note(1, time.monotonic())
        self._begin()
        return await waiting.result

    def _begin(self) -> None:
        if self._waiting and len(self._running) < self._at_once:
            task = asyncio.create_task(self._run(), context=Context())
            self._running.add(task)
            task.add_done_callback(self._ended, context=Context())

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._begin()

    async def _run(self) -> None:
        wait_ms = self._pace.wait_ms(self._wait)
        if wait_ms and len(self._waiting) < self._most:
            await asyncio.sleep(wait_ms / 1_000)
        group = self._take()
        try:
            await self._work_on(group)
        finally:
            for each in group:
                each.result.cancel()  # of nobody who was answered, but of all if this is what is cancelled

    async def _work_on(self, group: Sequence[_Waiting[T, R]]) -> None:
        if not group:
            return
        try:
            results = await self._work([each.item for each in group])
            for each, result in zip(group, results, strict=True):
                if not each.result.done():
                    each.result.set_result(result)
        except Exception as error:  # noqa: BLE001  whoever waits is told, and nobody else
            for each in _still_there(group):
                each.result.set_exception(error)

    def _take(self) -> list[_Waiting[T, R]]:
        """Takes those that come next and may go together; whose caller has gone away is forgotten."""
        group: list[_Waiting[T, R]] = []
        taken: set[Hashable] = set()
        left: deque[_Waiting[T, R]] = deque()
        while self._waiting and len(group) < self._most:
            each = self._waiting.popleft()
            if each.result.done():
                continue
            if taken.isdisjoint(each.keys):
                group.append(each)
                taken |= each.keys
            else:
                left.append(each)
        self._waiting.extendleft(reversed(left))
        return group


def _still_there(group: Sequence[_Waiting[T, R]]) -> list[_Waiting[T, R]]:
    return [each for each in group if not each.result.done()]
