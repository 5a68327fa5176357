"""The states of sets: building, live, kept, retired. Every change happens while no applier is inside the set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.reporting import store
from services.reporting.store import SET_LOCK, ReadModelSet, Stage

_COLUMNS = "version, rules, state, stage, kept_until"
_NEXT = f"""
insert into read_model_set (version, rules, state, stage)
select max(version) + 1, $1, 'building', 'reading' from read_model_set
returning {_COLUMNS}
"""  # noqa: S608  columns are ours
_IN_STATE = f"select {_COLUMNS} from read_model_set where state = $1"  # noqa: S608  the same
# A set that has read an older history can only halt at the new one.
_IS_OLDER = """
select exists (
    select from consumer_offset o join watermark w on o.topic like w.service || '.%' and o.history < w.history
    where o.consumer_group = $1
)
"""
_STAGE = "update read_model_set set stage = $2 where version = $1"
_LOCK_SET = "select pg_advisory_xact_lock($1, $2)"
_RETIRE = """
update read_model_set set state = 'retired', retired_at = clock_timestamp(), kept_until = null where version = $1
"""
_KEEP = "update read_model_set set state = 'kept', kept_until = clock_timestamp() + $2 where version = $1"
_GO_LIVE = """
update read_model_set set state = 'live', switched_at = clock_timestamp(), kept_until = null where version = $1
"""
_POINT = "update read_model_pointer set version = $1"
# Where both have read the same log, the one that takes over may not be behind: answers never go back.
_BEHIND = """
select count(*) from consumer_offset l
where l.consumer_group = $1 and l.next_offset > 0 and not exists (
    select from consumer_offset b
    where b.consumer_group = $2 and (b.topic, b.partition) = (l.topic, l.partition)
      and ((b.history, b.epoch) <> (l.history, l.epoch) or b.next_offset >= l.next_offset))
"""
_OUTLIVED = "select version from read_model_set where state = 'kept' and kept_until < clock_timestamp()"
_RETIRE_OUTLIVED = """
update read_model_set set state = 'retired', retired_at = clock_timestamp(), kept_until = null
where version = $1 and state = 'kept' and kept_until < clock_timestamp()
"""


class NothingToDoError(Exception):
    """There is no set in the state that was asked for; says why not."""


@dataclass(frozen=True, slots=True)
class KeptSet:
    """The set that answered before, and until when it is fed."""

    fed: ReadModelSet
    until: datetime


async def begin_next(connection: Any, rules: int) -> ReadModelSet:  # noqa: ANN401  asyncpg's
    """Makes the next set, which the consumer begins to read for at once."""
    return store.set_of(await connection.fetchrow(_NEXT, rules))


async def building(connection: Any) -> ReadModelSet | None:  # noqa: ANN401
    """Returns the set that is being built, if there is one."""
    row = await connection.fetchrow(_IN_STATE, "building")
    return None if row is None else store.set_of(row)


async def kept(connection: Any) -> KeptSet | None:  # noqa: ANN401
    """Returns the set that answered before the last switch, while it is kept."""
    row = await connection.fetchrow(_IN_STATE, "kept")
    return None if row is None else KeptSet(store.set_of(row), row["kept_until"])


async def is_of_an_older_history(connection: Any, one: ReadModelSet) -> bool:  # noqa: ANN401
    """Tells whether a publisher has begun a new history since the set began to read its events."""
    return bool(await connection.fetchval(_IS_OLDER, one.group))


async def enter(connection: Any, one: ReadModelSet, stage: Stage) -> ReadModelSet:  # noqa: ANN401
    """Changes the stage."""
    async with locked(connection, one):
        await connection.execute(_STAGE, one.version, stage)
    return ReadModelSet(one.version, one.rules, one.state, stage)


async def retire(connection: Any, one: ReadModelSet) -> None:  # noqa: ANN401
    """Ends a set that does not answer: its consumer leaves it within a second, its rows are removed later."""
    async with locked(connection, one):
        await connection.execute(_RETIRE, one.version)


async def retire_outlived(connection: Any) -> None:  # noqa: ANN401
    """Ends the kept set whose time is over."""
    for row in await connection.fetch(_OUTLIVED):
        async with connection.transaction():
            await connection.execute(_LOCK_SET, SET_LOCK, row["version"])
            await connection.execute(_RETIRE_OUTLIVED, row["version"])


async def is_behind(connection: Any, live: ReadModelSet, other: ReadModelSet) -> bool:  # noqa: ANN401
    """Tells whether the other set has read less than the live one of any partition."""
    return bool(await connection.fetchval(_BEHIND, live.group, other.group))


async def put_in_place(connection: Any, new: ReadModelSet, old: ReadModelSet, keep: timedelta | None) -> None:  # noqa: ANN401
    """Moves the pointer, in the caller's transaction that holds the old set's lock.

    The old one is kept for `keep`, and whatever was kept before it is retired; None retires it too.
    """
    before = await kept(connection)
    if before is not None and before.fed.version != new.version:
        await connection.execute(_RETIRE, before.fed.version)
    # Out of the way first: of live and kept sets there is one each, at every moment.
    await connection.execute(_RETIRE, old.version)
    await connection.execute(_GO_LIVE, new.version)
    if keep is not None:
        await connection.execute(_KEEP, old.version, keep)
    await connection.execute(_POINT, new.version)


@asynccontextmanager
async def locked(connection: Any, one: ReadModelSet) -> AsyncIterator[None]:  # noqa: ANN401
    """Holds every applier out of a set for one transaction."""
    async with connection.transaction():
        await connection.execute(_LOCK_SET, SET_LOCK, one.version)
        yield
