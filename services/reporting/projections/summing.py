"""Sums the totals of a set from its facts while nothing is applied to it: the longest part of a rebuild.

Facts are read and added up over a second connection while Postgres writes what was added up before. Each stretch is
written with the place that it reaches, in one transaction: what is interrupted goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

from services.reporting import store
from services.reporting.domain import Fact, Kind
from services.reporting.projections import businesses_served, subjects, totals_of
from services.reporting.projections.subjects import Change
from services.reporting.projections.total import Differences, additions
from services.reporting.store import ReadModelSet
from shared.statements import write_together

# Added up before they are written: a business that comes in several pages is then written once. About two seconds.
_PAGES = 4
# About a millisecond: so long Postgres waits for its next statement at most.
_STEP = 64
_SUBJECTS = "subject"  # summed last: it sorts behind every kind of fact

_SUMMED = "select summed_kind, summed_id from read_model_set where version = $1"
_SUMMED_UP_TO = "update read_model_set set summed_kind = $2, summed_id = $3 where version = $1"
_FACTS = "select count(*) from {fact} where set_version = $1"


class _Stretch:
    """What some facts of one kind add up to, and the last of them."""

    def __init__(self, rules: int, kind: Kind) -> None:
        self.kind = kind
        self.last: str | None = None
        self.facts = 0
        self.changes: dict[UUID, Change] = {}
        self.sums = [Differences(total) for total in totals_of(rules) if not total.derived]

    def take(self, facts: Sequence[Fact]) -> None:
        for one in self.sums:
            for fact in facts:
                one.replace(None, fact)
        subjects.note_changes(self.changes, [(None, fact) for fact in facts])
        self.facts += len(facts)
        self.last = facts[-1].id


class Summing:
    """Sums one set; `page`: how many facts are read at once. `tell` hears how many facts and businesses are done."""

    def __init__(
        self,
        reading: Any,  # noqa: ANN401  asyncpg's
        writing: Any,  # noqa: ANN401  asyncpg's
        building: ReadModelSet,
        page: int,
        tell: Callable[[int], None],
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._set = building
        self._page = page
        self._tell = tell
        self._done = 0

    async def run(self) -> None:
        """Goes on after the last stretch that was committed. Raises what asyncpg raises."""
        summed = await self._reading.fetchrow(_SUMMED, self._set.version)
        reached, after = summed["summed_kind"], summed["summed_id"]
        for kind in sorted(Kind):
            if reached is None or kind >= reached:
                await self._sum_kind(kind, after if kind == reached else None)
        await self._count_businesses(UUID(after) if reached == _SUBJECTS else None)

    # Facts

    async def _sum_kind(self, kind: Kind, after: str | None) -> None:
        """Never more than one stretch is being written, in the order in which they were read."""
        writing: asyncio.Task[None] | None = None
        try:
            async for stretch in self._stretches(kind, after):
                if writing is not None:
                    await writing
                writing = asyncio.create_task(self._write(stretch))
            if writing is not None:
                await writing
        except BaseException:
            if writing is not None:
                writing.cancel()
                await asyncio.wait({writing})
            raise

    async def _stretches(self, kind: Kind, after: str | None) -> AsyncIterator[_Stretch]:
        stretch, pages = _Stretch(self._set.rules, kind), 0
        async for facts in self._pages(kind, after):
            for first in range(0, len(facts), _STEP):
                stretch.take(facts[first : first + _STEP])
                await asyncio.sleep(0)
            pages += 1
            if pages % _PAGES == 0:
                yield stretch
                stretch = _Stretch(self._set.rules, kind)
        if stretch.facts:
            yield stretch

    async def _pages(self, kind: Kind, after: str | None) -> AsyncIterator[list[Fact]]:
        while facts := await store.facts_after(self._reading, self._set.version, kind, after, self._page):
            yield facts
            after = facts[-1].id

    async def _write(self, stretch: _Stretch) -> None:
        async with self._writing.transaction():
            served = await subjects.lock(self._writing, self._set.version, stretch.changes)
            writes = [*subjects.writes(served, intensive=False), *additions(stretch.sums)]
            await write_together(self._writing, self._set.version, writes)
            await self._writing.execute(_SUMMED_UP_TO, self._set.version, stretch.kind, stretch.last)
        self._done += stretch.facts
        self._tell(self._done)

    # Businesses

    async def _count_businesses(self, after: UUID | None) -> None:
        """Counts the businesses served: last, for by then all visits of each are known."""
        while after := await self._count_page(after):
            self._tell(self._done)

    async def _count_page(self, after: UUID | None) -> UUID | None:
        async with self._writing.transaction():
            served = await subjects.after(self._writing, self._set.version, after, self._page)
            if not served:
                return None
            known = businesses_served.TOTAL in totals_of(self._set.rules)
            writes = [*subjects.intensities(served), *additions([subjects.count(served)] if known else [])]
            await write_together(self._writing, self._set.version, writes)
            last = served[-1].subject
            await self._writing.execute(_SUMMED_UP_TO, self._set.version, _SUBJECTS, str(last))
            self._done += len(served)
            return last


async def how_many(connection: Any, set_version: int) -> int:  # noqa: ANN401  pooled or plain
    """Returns how many facts a set has to sum and, at most, how many businesses to count."""
    tables = (*(f"fact_{kind}" for kind in Kind), f"fact_{Kind.BUSINESS}")
    return sum([await connection.fetchval(_FACTS.format(fact=table), set_version) for table in tables])
