"""What operators ask of a running consumer, through the database that both share: go on, try again, skip, begin a
new history.

The command line has no applier of a service; so it asks here, the consumer acts within a second or two, and the
answer stands here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

Connection: TypeAlias = Any


@dataclass(frozen=True)
class Control:
    """Why a group stands still, if it does, and the history that it is asked to begin with."""

    stopped_because: str | None
    new_history: int | None
    new_epoch: int | None
    new_history_of: str | None


@dataclass(frozen=True)
class Parked:
    """A parked record in one line."""

    id: int
    group: str
    topic: str
    partition: int
    offset: int
    type: str | None
    aggregate_id: str | None
    version: int | None
    status: str
    error: str
    tries: int
    parked_at: datetime
    closed_at: datetime | None
    closed_by: str | None


_READ = """
select case when stopped_at is not null then coalesce(stopped_because, 'stopped') end as stopped_because,
       new_history, new_epoch, new_history_of
from consumer_control where consumer_group = $1
"""


async def read(connection: Connection, group: str) -> Control:
    """Returns what the group has been told; nothing, if nobody told it anything."""
    row = await connection.fetchrow(_READ, group)
    return Control(*row.values()) if row else Control(None, None, None, None)


_STOP = """
insert into consumer_control (consumer_group, stopped_at, stopped_because) values ($1, clock_timestamp(), $2)
on conflict (consumer_group) do update set stopped_at = clock_timestamp(), stopped_because = excluded.stopped_because
"""
_RESUME = """
update consumer_control
set stopped_at = null, stopped_because = null, resumed_at = clock_timestamp(), resumed_by = $2, allowance = $3
where consumer_group = $1 and stopped_at is not null
"""
_RESUMED = "insert into parked_action (consumer_group, action, actor, detail) values ($1, 'resumed', $2, $3)"
_STOPPED = "select consumer_group from consumer_control where stopped_at is not null order by consumer_group"


async def stop(connection: Connection, group: str, because: str) -> None:
    """Lets the group stand still, also after a restart, until somebody resumes it."""
    await connection.execute(_STOP, group, because)


async def resume(connection: Connection, group: str, actor: str, allowance: int) -> bool:
    """Lets a stopped group go on; `allowance` records may be newly parked in the next ten minutes. Tells whether
    it stood still.
    """
    return bool(await connection.execute(_RESUME, group, actor, allowance) == "UPDATE 1")


async def note_resumed(connection: Connection, group: str, actor: str, reason: str | None) -> None:
    """Keeps who let a group go on, or settled its alarms, and why."""
    await connection.execute(_RESUMED, group, actor, reason)


async def stopped_groups(connection: Connection) -> list[str]:
    """Returns the groups that wait for somebody to resume them."""
    return [row["consumer_group"] for row in await connection.fetch(_STOPPED)]


_NEW_HISTORY = """
insert into consumer_control (consumer_group, new_history_of, new_history, new_epoch, asked_at)
values ($1, $2, $3, $4, clock_timestamp())
on conflict (consumer_group) do update
set new_history_of = excluded.new_history_of, new_history = excluded.new_history, new_epoch = excluded.new_epoch,
    asked_at = excluded.asked_at
"""
_NEW_HISTORY_DONE = (
    "update consumer_control set new_history = null, new_epoch = null, new_history_of = null where consumer_group = $1"
)


async def ask_for_new_history(connection: Connection, group: str, publisher: str, history: int, epoch: int) -> None:
    """Asks the running consumer of a replica to forget and read everything anew, as `publisher` begins a new history.

    It is done when `read(...).new_history` is None again.
    """
    await connection.execute(_NEW_HISTORY, group, publisher, history, epoch)


async def new_history_begun(connection: Connection, group: str) -> None:
    """Says that the group has forgotten and reads anew."""
    await connection.execute(_NEW_HISTORY_DONE, group)


_COLUMNS = """
select id, consumer_group, topic, partition, log_offset, type, aggregate_id, version, status, error, tries,
parked_at, closed_at, closed_by
from parked_record
"""
_LIST = _COLUMNS + "where ($1 or status in ('parked', 'retry_requested')) order by id desc limit $2"
_FIND = _COLUMNS + "where id = $1"
_CONTENT = (
    "select key, headers::text, value, value_size, value_digest, event_id, recorded_ms from parked_record where id = $1"
)
# What an event closed is no person's doing.
_AUDIT = """
select at, actor, action, consumer_group, parked_id, record, detail from parked_action
where actor not like 'event %' order by at desc limit $1
"""
_ACTIONS = "select action, actor, detail, at from parked_action where parked_id = $1 order by at"


async def parked(connection: Connection, *, closed: bool, limit: int) -> list[Parked]:
    """Returns the newest parked records, the closed ones too if asked."""
    return [Parked(*row.values()) for row in await connection.fetch(_LIST, closed, limit)]


async def find(connection: Connection, number: int) -> Parked | None:
    row = await connection.fetchrow(_FIND, number)
    return Parked(*row.values()) if row else None


async def audit(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Returns what people did and what came of it, the newest first: also to records that are gone by now."""
    return [dict(row) for row in await connection.fetch(_AUDIT, limit)]


async def content(connection: Connection, number: int) -> dict[str, Any]:
    """Returns what was kept of the record itself, and what has been done about it."""
    row = await connection.fetchrow(_CONTENT, number)
    return {**dict(row), "actions": [dict(each) for each in await connection.fetch(_ACTIONS, number)]}


_ASK_RETRY = """
with asked as (update parked_record set status = 'retry_requested' where id = $1 and status = 'parked' returning id)
insert into parked_action (parked_id, action, actor, detail) select id, 'retry_requested', $2, $3 from asked
"""
_SKIP = """
with skipped as (
    update parked_record set status = 'skipped', closed_at = clock_timestamp(), closed_by = $2
    where id = $1 and status in ('parked', 'retry_requested') returning id
)
insert into parked_action (parked_id, action, actor, detail) select id, 'skipped', $2, $3 from skipped
"""


async def ask_retry(connection: Connection, number: int, actor: str, reason: str | None = None) -> bool:
    """Asks the running consumer to apply the record again; false if it is not open."""
    return bool(await connection.execute(_ASK_RETRY, number, actor, reason) == "INSERT 0 1")


async def skip(connection: Connection, number: int, actor: str, reason: str) -> bool:
    """Closes the record without its effect; false if it is not open. It stays closed when it is met again."""
    return bool(await connection.execute(_SKIP, number, actor, reason) == "INSERT 0 1")
