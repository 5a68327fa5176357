"""Sums the totals of a set from its facts while nothing is applied to it: the longest part of a rebuild.

Facts are read over a second connection, and added up, while Postgres writes what was added up before. Each stretch is
written with the place that it reaches, in one transaction: what is interrupted goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

from services.reporting import store
from services.reporting.domain import Fact, Kind
from services.reporting.projections import businesses_served, subjects, totals_of
from services.reporting.projections.subjects import Due, Served
from services.reporting.projections.total import Differences, Total, additions
from services.reporting.store import ReadModelSet
from shared.statements import Write, write_together

# Added up before they are written: a business that comes in several pages is then written once. About two seconds.
_PAGES = 4
# About a millisecond: so long Postgres waits for its next statement at most.
_STEP = 64
_SLICE = 0
_SUBJECTS = "subject"  # summed last: it sorts behind every kind of fact

_SUMMED = "select summed_kind, summed_id from read_model_set where version = $1"
_SUMMED_UP_TO = "update read_model_set set summed_kind = $2, summed_id = $3 where version = $1"
_FACTS = "select count(*) from {fact} where set_version = $1"


class Stretch(Protocol):
    """What is written in one transaction."""

    kind: str
    last: str
    size: int

    async def writes(self, connection: Any, set_version: int) -> list[Write]:  # noqa: ANN401  asyncpg's
        """Returns what has been added up, in the transaction that writes it."""


class _Facts:
    """What facts of one kind add up to."""

    def __init__(self, totals: Sequence[Total], kind: Kind) -> None:
        self.kind = kind.value
        self.last = ""
        self.size = 0
        self._changes: dict[UUID, Due] = {}
        self._sums = [Differences(total) for total in totals if kind in total.of]

    def take(self, facts: Sequence[Fact]) -> None:
        for one in self._sums:
            one.count(facts)
        subjects.note_changes(self._changes, [(None, fact) for fact in facts])
        self.size += len(facts)
        self.last = facts[-1].id

    async def writes(self, connection: Any, set_version: int) -> list[Write]:  # noqa: ANN401
        rows = await subjects.lock(connection, set_version, self._changes)
        served = [subjects.gathered(row, self._changes[row.subject]) for row in rows]
        return [*subjects.writes(served, intensive=False), *additions(self._sums, _SLICE)]


class _Businesses:
    """What businesses add up to that have been served: last, for by then all visits of each are known."""

    def __init__(self, totals: Sequence[Total], served: Sequence[Served]) -> None:
        self.kind = _SUBJECTS
        self.last = str(served[-1].subject)
        self.size = len(served)
        self._intensities = subjects.intensities(served)
        self._sums = [subjects.count_all(served)] if businesses_served.TOTAL in totals else []

    async def writes(self, connection: Any, set_version: int) -> list[Write]:  # noqa: ANN401, ARG002
        return [*self._intensities, *additions(self._sums, _SLICE)]


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
        self._version = building.version
        self._totals = totals_of(building.rules)
        self._page = page
        self._tell = tell
        self._done = 0

    async def run(self) -> None:
        """Goes on after the last stretch that was committed. Raises what asyncpg raises."""
        summed = await self._reading.fetchrow(_SUMMED, self._version)
        reached, after = summed["summed_kind"], summed["summed_id"]
        for kind in sorted(Kind):
            if reached is None or kind >= reached:
                await self._write_all(self._facts(kind, after if kind == reached else None))
        await self._write_all(self._businesses(UUID(after) if reached == _SUBJECTS else None))

    async def _write_all(self, stretches: AsyncIterator[Stretch]) -> None:
        """Never more than one stretch is being written, in the order in which they come."""
        writing: asyncio.Task[None] | None = None
        try:
            async for stretch in stretches:
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

    async def _write(self, stretch: Stretch) -> None:
        async with self._writing.transaction():
            writes = await stretch.writes(self._writing, self._version)
            await write_together(self._writing, self._version, writes)
            await self._writing.execute(_SUMMED_UP_TO, self._version, stretch.kind, stretch.last)
        self._done += stretch.size
        self._tell(self._done)

    async def _facts(self, kind: Kind, after: str | None) -> AsyncIterator[Stretch]:
        stretch, pages = _Facts(self._totals, kind), 0
        async for facts in self._pages(kind, after):
            for first in range(0, len(facts), _STEP):
                stretch.take(facts[first : first + _STEP])
                await asyncio.sleep(0)
            pages += 1
            if pages % _PAGES == 0:
                yield stretch
                stretch = _Facts(self._totals, kind)
        if stretch.size:
            yield stretch

    async def _pages(self, kind: Kind, after: str | None) -> AsyncIterator[list[Fact]]:
        """One is read while the one before it is added up."""
        reading = self._read(kind, after)
        try:
            while facts := await reading:
                reading = self._read(kind, facts[-1].id)
                yield facts
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    def _read(self, kind: Kind, after: str | None) -> asyncio.Task[list[Fact]]:
        return asyncio.create_task(store.facts_after(self._reading, self._version, kind, after, self._page))

    async def _businesses(self, after: UUID | None) -> AsyncIterator[Stretch]:
        while served := await subjects.after(self._reading, self._version, after, self._page):
            yield _Businesses(self._totals, served)
            after = served[-1].subject


async def how_many(connection: Any, set_version: int) -> int:  # noqa: ANN401  pooled or plain
    """Returns how many facts a set has to sum and, at most, how many businesses to count."""
    tables = (*(f"fact_{kind}" for kind in Kind), f"fact_{Kind.BUSINESS}")
    return sum([await connection.fetchval(_FACTS.format(fact=table), set_version) for table in tables])
