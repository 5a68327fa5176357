"""Parts of pages as they were rendered last: one rendering for each page, scope and position, however many ask."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

from services.reporting.domain import Position
from shared.metrics import PAGE_RENDERINGS

_GOOD_SECONDS = 1.0
_KEPT = 128

Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What was rendered, how far it has read, and Postgres's time then. `made_at` is monotonic."""

    title: str
    html: str
    position: Position
    as_of: datetime | None
    now: datetime
    made_at: float


class Behind(Exception):
    """There is nothing as new as what the asker has seen: he keeps what he has."""


class Renderings:
    """Keeps the renderings used last, and lets all who want the same one wait for one rendering of it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Rendering] = OrderedDict()
        self._flights: dict[Key, asyncio.Task[Rendering]] = {}

    async def get(
        self,
        key: Key,
        make: Callable[[], Awaitable[Rendering]],
        *,
        seen: Position | None = None,
        newest: Position | None = None,
    ) -> Rendering:
        """Returns a rendering no older than `seen`: of the `newest` position, or at most a second old.

        The first word of the key names the page. Raises Behind, and what `make` raises.
        """
        kept = self._kept.get(key)
        if kept is not None and _is_good(kept, seen, newest):
            self._kept.move_to_end(key)
            return kept
        for _ in range(2):  # the first may have begun before this was asked; the second has not
            made = await asyncio.shield(self._flights.get(key) or self._begin(key, make))
            if not _is_older(made, seen):
                return made
        raise Behind

    def _begin(self, key: Key, make: Callable[[], Awaitable[Rendering]]) -> asyncio.Task[Rendering]:
        flight = self._flights[key] = asyncio.create_task(self._make(key, make))
        flight.add_done_callback(_look_at)
        return flight

    async def _make(self, key: Key, make: Callable[[], Awaitable[Rendering]]) -> Rendering:
        try:
            made = await make()
        finally:
            del self._flights[key]
        PAGE_RENDERINGS.labels(key[0]).inc()
        self._kept[key] = made
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made


def _is_good(kept: Rendering, seen: Position | None, newest: Position | None) -> bool:
    young = time.monotonic() - kept.made_at <= _GOOD_SECONDS
    return not _is_older(kept, seen) and (young or kept.position == newest)


def _is_older(one: Rendering, seen: Position | None) -> bool:
    return seen is not None and one.position < seen


def _look_at(flight: asyncio.Task[Rendering]) -> None:
    """Everyone who waited may have left: then nobody else is told of its failure."""
    if not flight.cancelled():
        flight.exception()
