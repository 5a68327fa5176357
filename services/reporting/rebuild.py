"""Builds the next set of read models beside the live one, compares the two, and moves the pointer.

The running consumer reads the log for both; here the stages are changed. Every step can be interrupted and is gone on
with by the next call; only one rebuilder works at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.reporting import store
from services.reporting.domain import Kind
from services.reporting.freshness import as_of
from services.reporting.projections import RULES, TOTALS, summing, totals_of
from services.reporting.projections.applier import SetApplier
from services.reporting.projections.comparison import Comparer, Comparison
from services.reporting.projections.summing import Summing
from services.reporting.settings import SERVICE
from services.reporting.store import SET_LOCK, ReadModelSet, Stage
from shared import postgres
from shared.consumer import offsets
from shared.settings import Settings

_REBUILD_LOCK = 7_305_523
_PAGE = 5_000
_LOOK_SECONDS = 0.25
_FREEZE_SECONDS = 5.0
_LEFT_BEHIND_SECONDS = 3.0  # a consumer looks once a second which sets it should run

_NEXT = """
insert into read_model_set (version, rules, state, stage)
select max(version) + 1, $1, 'building', 'reading' from read_model_set
returning version, rules, state, stage
"""
# A set that has read an older history can only halt at the new one.
_BUILDING = """
select version, rules, state, stage, exists (
    select from consumer_offset o join watermark w on o.topic like w.service || '.%' and o.history < w.history
    where o.consumer_group = 'reporting-set-' || s.version
) as is_of_an_older_history
from read_model_set s where state = 'building'
"""
_STAGE = "update read_model_set set stage = $2 where version = $1"
_LOCK_SET = "select pg_advisory_xact_lock($1, $2)"
_READ = """
select count(*) as rows, coalesce(sum(next_offset), 0)::bigint as read from consumer_offset where consumer_group = $1
"""
_WRITTEN = """
select coalesce(sum((e ->> 2)::bigint), 0)::bigint
from (select distinct on (service) ends from watermark order by service, at desc) w, jsonb_array_elements(w.ends) e
where e ->> 0 = any($1)
"""
# Where both have read the same log, the new set may not be behind: answers never go back.
_BEHIND = """
select count(*) from consumer_offset l
where l.consumer_group = $1 and l.next_offset > 0 and not exists (
    select from consumer_offset b
    where b.consumer_group = $2 and (b.topic, b.partition) = (l.topic, l.partition)
      and ((b.history, b.epoch) <> (l.history, l.epoch) or b.next_offset >= l.next_offset))
"""
_RETIRE = "update read_model_set set state = 'retired', retired_at = clock_timestamp() where version = $1"
_GO_LIVE = "update read_model_set set state = 'live', switched_at = clock_timestamp() where version = $1"
_POINT = "update read_model_pointer set version = $1"
_RETIRED = "select version from read_model_set where state = 'retired' and removed_at is null order by version"
_REMOVE = "delete from {table} where ctid = any(array(select ctid from {table} where set_version = $1 limit 20000))"
_REMOVED = "update read_model_set set removed_at = clock_timestamp() where version = $1"


class AlreadyRebuildingError(Exception):
    """Another rebuilder holds the lock."""


@dataclass(frozen=True)
class Progress:
    """`step`: reading, summing, following, comparing, switching or removing. `whole` is an estimate, 0 if unknown."""

    step: str
    done: int
    whole: int


@dataclass(frozen=True)
class Outcome:
    """Which set answers now, which did before, and in what they differed."""

    version: int
    before: int
    comparison: Comparison


Tell = Callable[[Progress], None]


async def rebuild(settings: Settings, tell: Tell) -> Outcome:
    """Builds, compares and switches; returns when the new set answers and the old one's rows are gone.

    `settings` are those of the worker. Needs a running consumer and running relays, and waits for them.
    Raises AlreadyRebuildingError, and what postgres.UNAVAILABLE names. After a new history it is called the same way.
    """
    async with _alone(settings) as connection:
        return await _Rebuilder(settings, connection, tell).run()


@asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[Any]:
    async with _connected(settings) as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _REBUILD_LOCK):
            raise AlreadyRebuildingError("another rebuild is running")
        yield connection


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Any]:
    connection = await postgres.connect(
        settings, postgres.role_name(SERVICE, "worker"), schema=SERVICE, application="plut-rebuild"
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


class _Rebuilder:
    def __init__(self, settings: Settings, connection: Any, tell: Tell) -> None:  # noqa: ANN401  asyncpg's
        self._settings = settings
        self._connection = connection
        self._tell = tell
        self._topics = [topic.name for topic in SetApplier.topics]
        self._partitions = sum(topic.partitions for topic in SetApplier.topics)

    async def run(self) -> Outcome:
        await self._remove_retired()
        live = await store.live_set(self._connection)
        building = await self._building()
        if building.stage is Stage.READING:
            await self._catch_up(building, "reading")
            building = await self._enter(building, Stage.SUMMING)
        if building.stage is Stage.SUMMING:
            await self._sum(building)
            building = await self._enter(building, Stage.FOLLOWING)
        await self._catch_up(building, "following")
        comparison = await self._compare(live, building)
        await self._switch(live, building)
        await self._remove_retired()
        return Outcome(building.version, live.version, comparison)

    async def _building(self) -> ReadModelSet:
        """The set that an interrupted call left, if it was begun with the present rules and history; else the next."""
        left = await self._connection.fetchrow(_BUILDING)
        if left is not None and left["rules"] == RULES and not left["is_of_an_older_history"]:
            return store.set_of(left)
        async with self._connection.transaction():
            if left is not None:
                await self._connection.execute(_LOCK_SET, SET_LOCK, left["version"])
                await self._connection.execute(_RETIRE, left["version"])
            return store.set_of(await self._connection.fetchrow(_NEXT, RULES))

    async def _enter(self, building: ReadModelSet, stage: Stage) -> ReadModelSet:
        """Changes the stage while no applier is inside the set."""
        async with self._connection.transaction():
            await self._connection.execute(_LOCK_SET, SET_LOCK, building.version)
            await self._connection.execute(_STAGE, building.version, stage)
        return ReadModelSet(building.version, building.rules, building.state, stage)

    # Reading

    async def _catch_up(self, building: ReadModelSet, step: str) -> None:
        """Waits until the set holds all that was committed when this was called."""
        since = await store.database_clock(self._connection)
        while not await self._holds(building, since):
            read = await self._connection.fetchrow(_READ, building.group)
            written = await self._connection.fetchval(_WRITTEN, self._topics)
            self._tell(Progress(step, min(read["read"], written), written))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _holds(self, building: ReadModelSet, since: datetime) -> bool:
        """Until its consumer has begun, a group has no rows, and nothing that it could be behind of."""
        read = await self._connection.fetchrow(_READ, building.group)
        if read["rows"] < self._partitions:
            return False
        reached = await as_of(self._connection, building, TOTALS)
        return reached is not None and reached >= since

    # Summing

    async def _sum(self, building: ReadModelSet) -> None:
        """Sums what the facts contribute; goes on where an interrupted call has stopped."""
        whole = await summing.how_many(self._connection, building.version)

        def tell(done: int) -> None:
            self._tell(Progress("summing", min(done, whole), whole))

        async with _connected(self._settings) as reading:
            await Summing(reading, self._connection, building, _PAGE, tell).run()

    # Comparing and switching

    async def _compare(self, live: ReadModelSet, building: ReadModelSet) -> Comparison:
        common = [total for total in totals_of(building.rules) if total.known_to(live.rules)]
        comparer = Comparer(self._connection, live.version, building.version, common)
        compared = 0

        def tell(rows: int) -> None:
            nonlocal compared
            compared += rows
            self._tell(Progress("comparing", compared, 0))

        return await comparer.compare(lambda: self._catch_up(building, "comparing"), tell)

    async def _switch(self, live: ReadModelSet, building: ReadModelSet) -> None:
        """Moves the pointer in an instant in which the new set has read at least as far as the old one."""
        while not await self._try_switch(live, building):
            self._tell(Progress("switching", 0, 0))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _try_switch(self, live: ReadModelSet, building: ReadModelSet) -> bool:
        async with self._connection.transaction():
            await self._connection.execute(_LOCK_SET, SET_LOCK, live.version)
            if not await self._overtakes(live, building):
                return False
            await self._connection.execute(_RETIRE, live.version)
            await self._connection.execute(_GO_LIVE, building.version)
            await self._connection.execute(_POINT, building.version)
            return True

    async def _overtakes(self, live: ReadModelSet, building: ReadModelSet) -> bool:
        """The live set stands still meanwhile, for this transaction holds its lock; so not for long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _FREEZE_SECONDS
        while await self._connection.fetchval(_BEHIND, live.group, building.group):
            if loop.time() > until:
                return False
            await asyncio.sleep(0.02)
        return True

    # Removing

    async def _remove_retired(self) -> None:
        for row in await self._connection.fetch(_RETIRED):
            await self._remove(row["version"])

    async def _remove(self, set_version: int) -> None:
        removed = 0
        for table in _tables():
            while (number := await self._remove_some(table, set_version)) > 0:
                removed += number
                self._tell(Progress("removing", removed, 0))
        await asyncio.sleep(_LEFT_BEHIND_SECONDS)
        async with self._connection.transaction():
            await offsets.forget_group(self._connection, store.group_of(set_version))
            await self._connection.execute(_REMOVED, set_version)

    async def _remove_some(self, table: str, set_version: int) -> int:
        tag = await self._connection.execute(_REMOVE.format(table=table), set_version)
        return int(tag.rsplit(" ", 1)[1])


def _tables() -> list[str]:
    """Every table whose rows belong to a set."""
    derived = ["served_business", "intensive_business", "happening", "subject_alias"]
    return [*(f"fact_{kind}" for kind in Kind), *derived, *dict.fromkeys(total.name for total in TOTALS)]
