"""Every SQL statement of the relay, each beside its typed function. The connection's schema is the service's.

`relay_state` is changed only `where fence = mine`, and the change must hit its one row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.postgres import Connection
from shared.relay.position import NOTHING, Position, Snapshot, tails_as_json, tails_from_json
from shared.relay.records import Row

# Two plans are wanted, and the planner, which cannot know how small a difference is, shall not find a third.
_SESSION = """
set enable_seqscan = off; set enable_bitmapscan = off; set jit = off; set synchronous_commit = on;
set transaction_timeout = '60s'; set lock_timeout = '10s'
"""
_COLUMNS = """
    seq, topic, partition, convert_to(aggregate_id, 'UTF8'), convert_to(event_id::text, 'UTF8'),
    convert_to(type, 'UTF8'), convert_to(payload::text, 'UTF8'), convert_to(correlation_id::text, 'UTF8'),
    convert_to(traceparent, 'UTF8')
"""
_ROW_LENGTH = 9


class SteppedDown(Exception):
    """Another leader has raised the fence, or an operator has: read everything anew."""


class Delta(NamedTuple):
    """What became visible since a snapshot. If not `whole`, `rows` is worth nothing: go page by page.

    `at` is Postgres's clock read before `target` was taken.
    """

    fence: int
    target: Snapshot
    at: datetime
    rows: Sequence[Row]
    whole: bool


@dataclass(frozen=True)
class Alarm:
    """Why the relay publishes nothing. `text` says the cure."""

    code: str  # partitions, changed_history, new_history
    text: str


@dataclass(frozen=True)
class TopicReplay:
    """A topic's records that are being sent again beside the live ones."""

    topic: str
    after_seq: int
    until_seq: int


@dataclass(frozen=True)
class State:
    """The row of `relay_state`."""

    position: Position
    alarm: Alarm | None
    replay: TopicReplay | None
    system_identifier: int | None


@dataclass(frozen=True)
class Backlog:
    """Rows that Kafka has not acknowledged, as far as that is saved, and the age of the oldest in seconds."""

    rows: int
    oldest_seconds: float


async def prepare_session(connection: Connection) -> None:
    """Fixes how this connection plans and commits; for the relay's own connections only."""
    await connection.execute(_SESSION)


async def try_lock(connection: Connection, service: str) -> bool:
    """Takes the service's lead if nobody has it; it is held until the connection ends."""
    return bool(
        await connection.fetchval("select pg_try_advisory_lock(hashtext('relay'), hashtext($1))", service, timeout=5)
    )


# The two numbers of the lock stand in pg_locks without their sign.
_LEADER = """
select a.pid, a.application_name from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.database = a.datid
  and l.classid::bigint = hashtext('relay') & 4294967295 and l.objid::bigint = hashtext($1) & 4294967295
"""


class Holder(NamedTuple):
    """A connection that holds a service's lead: its process in Postgres, and what it calls itself."""

    pid: int
    application: str


async def holder_of_lead(connection: Connection, service: str) -> Holder | None:
    row = await connection.fetchrow(_LEADER, service, timeout=5)
    return None if row is None else Holder(*row)


_STATE = """
select fence, history, epoch, snapshot, target, after_seq, tails, system_identifier, alarm_code, alarm,
       replay_topic, replay_after_seq, replay_until_seq
from relay_state
"""


async def read_state(connection: Connection) -> State:
    row = await connection.fetchrow(_STATE, timeout=5)
    return _state(row)


async def raise_fence(connection: Connection) -> State:
    """Makes the caller the leader: what any earlier one saves from now on is refused."""
    await connection.execute("update relay_state set fence = fence + 1", timeout=10)
    return await read_state(connection)


async def system_identifier(connection: Connection) -> int:
    """Returns what tells this Postgres cluster from any other, also from one that a dump was restored into."""
    return int(await connection.fetchval("select system_identifier from pg_control_system()", timeout=5))


# Nothing is lost if a crash takes back a save: what was sent is sent again. So it need not wait for the disk.
_SAVE = """
with hurried as (select set_config('synchronous_commit', 'off', true))
update relay_state
set snapshot = $2, target = $3, after_seq = $4, tails = $5, saved_at = clock_timestamp()
from hurried where fence = $1
"""


async def save(connection: Connection, position: Position) -> None:
    """Keeps how far the leader has come. Raises SteppedDown."""
    tails = json.dumps(tails_as_json(position.tails), separators=(",", ":"))
    await _change(connection, _SAVE, position.fence, position.snapshot, position.target, position.after_seq, tails)


async def save_epoch(connection: Connection, position: Position) -> None:
    """Keeps a position of a new epoch, on disk before anything is sent under it. Raises SteppedDown."""
    tails = json.dumps(tails_as_json(position.tails), separators=(",", ":"))
    await _change(
        connection,
        "update relay_state set epoch = $2, snapshot = $3, target = null, after_seq = 0, tails = $4 where fence = $1",
        position.fence,
        position.epoch,
        position.snapshot,
        tails,
    )


async def save_system_identifier(connection: Connection, fence: int, identifier: int) -> None:
    """Remembers the cluster at the first start. Raises SteppedDown."""
    await _change(connection, "update relay_state set system_identifier = $2 where fence = $1", fence, identifier)


async def save_alarm(connection: Connection, fence: int, alarm: Alarm | None) -> None:
    """Writes down why nothing is published, or that all is well again. Raises SteppedDown."""
    code, text = (alarm.code, alarm.text) if alarm else (None, None)
    await _change(connection, "update relay_state set alarm_code = $2, alarm = $3 where fence = $1", fence, code, text)


async def save_topic_replay(connection: Connection, fence: int, after_seq: int | None) -> None:
    """Keeps how far a topic has been sent again; None: it is done. Raises SteppedDown."""
    await _change(
        connection,
        """
        update relay_state
        set replay_after_seq = coalesce($2, 0), replay_topic = case when $2::bigint is not null then replay_topic end
        where fence = $1
        """,
        fence,
        after_seq,
    )


_DELTA = f"""
with delta as materialized (
    (select * from outbox where xid >= $1 limit $3)
    union all
    (select * from outbox where xid = any($2::xid8[]) limit $3)
)
select {_COLUMNS}, r.fence, pg_current_snapshot(), now()
from relay_state r left join delta on true
order by seq
"""  # noqa: S608  columns are ours


async def next_delta(connection: Connection, since: Snapshot, limit: int) -> Delta:
    """Returns what is visible now and was not `since`, in the order of `seq`, if it is less than `limit` rows.

    now() and not statement_timestamp(): the latter is set once more after the snapshot has been taken.
    """
    _, xmax, running = since
    found = await connection.fetch(_DELTA, xmax, running, limit, timeout=20)
    fence, target, at = found[0][_ROW_LENGTH:]
    if found[0][0] is None:
        return Delta(fence, target, at, [], whole=True)
    return Delta(fence, target, at, [row[:_ROW_LENGTH] for row in found], whole=len(found) < limit)


async def first_seq(connection: Connection, since: Snapshot) -> int:
    """Returns the lowest `seq` of a large difference, so that pages need not begin at the first row ever written."""
    _, xmax, running = since
    return int(
        await connection.fetchval(
            "select least((select min(seq) from outbox where xid >= $1), "
            "(select min(seq) from outbox where xid = any($2::xid8[])))",
            xmax,
            running,
            timeout=50,
        )
    )


# The functions keep the planner from the index on xid: this one walks along seq.
_PAGE = f"""
select {_COLUMNS} from outbox
where seq > $1 and not pg_visible_in_snapshot(xid, $2) and pg_visible_in_snapshot(xid, $3)
order by seq limit $4
"""  # noqa: S608  columns are ours


async def next_page(
    connection: Connection, since: Snapshot, target: Snapshot, after_seq: int, limit: int
) -> Sequence[Row]:
    """Returns the next rows of a large difference, in the order of `seq`."""
    return await connection.fetch(_PAGE, after_seq, since, target, limit, timeout=50)


_TOPIC_PAGE = f"""
select {_COLUMNS} from outbox
where seq > $1 and seq <= $2 and topic = $3 and pg_visible_in_snapshot(xid, $4)
order by seq limit $5
"""  # noqa: S608  columns are ours


async def next_topic_page(
    connection: Connection, replay: TopicReplay, published: Snapshot, limit: int
) -> Sequence[Row]:
    """Returns the next rows of one topic that have been published before, in the order of `seq`."""
    return await connection.fetch(
        _TOPIC_PAGE, replay.after_seq, replay.until_seq, replay.topic, published, limit, timeout=50
    )


async def was_published(connection: Connection, topic: str, snapshot: Snapshot) -> bool:
    """Tells whether any event of the topic has been acknowledged by Kafka."""
    return bool(
        await connection.fetchval(
            "select exists (select from outbox where topic = $1 and pg_visible_in_snapshot(xid, $2))",
            topic,
            snapshot,
            timeout=20,
        )
    )


async def missing_events(connection: Connection, event_ids: Sequence[UUID]) -> set[UUID]:
    """Returns those of the ids that the outbox does not have."""
    found = await connection.fetch(
        "select id from unnest($1::uuid[]) id where not exists (select from outbox where event_id = id)",
        event_ids,
        timeout=20,
    )
    return {row[0] for row in found}


_AWAY = """
insert into restored_away (event_id, topic, aggregate_id, version, type)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[])
on conflict do nothing
"""


async def record_restored_away(
    connection: Connection, lost: Sequence[tuple[UUID, str, str, int | None, str | None]]
) -> None:
    """Writes down events that Kafka holds and Postgres no longer: (event id, topic, aggregate, version, type)."""
    if lost:
        await connection.execute(_AWAY, *(list(column) for column in zip(*lost, strict=True)), timeout=20)


_HOLD = """
insert into relay_held (seq, topic, aggregate_id, error) select seq, topic, aggregate_id, $2 from outbox where seq = $1
on conflict (seq) do update set error = excluded.error, released_at = null
"""


async def hold(connection: Connection, seq: int, error: str) -> None:
    """Sets an event aside that Kafka refuses for good."""
    await connection.execute(_HOLD, seq, error, timeout=10)


async def held(connection: Connection) -> dict[tuple[str, str], int]:
    """Returns the events held back: the lowest `seq` of each (topic, aggregate id)."""
    found = await connection.fetch(
        "select topic, aggregate_id, min(seq) from relay_held where released_at is null group by topic, aggregate_id",
        timeout=10,
    )
    return {(row[0], row[1]): row[2] for row in found}


async def count_held(connection: Connection) -> int:
    return int(await connection.fetchval("select count(*) from relay_held where released_at is null", timeout=10))


async def release(connection: Connection, topic: str, aggregate_id: str, up_to_seq: int) -> None:
    """An event of the aggregate has gone through: those held back before it are of no consequence any more."""
    await connection.execute(
        """
        update relay_held set released_at = clock_timestamp()
        where topic = $1 and aggregate_id = $2 and seq <= $3 and released_at is null
        """,
        topic,
        aggregate_id,
        up_to_seq,
        timeout=10,
    )


_BACKLOG = """
select count(*), coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 from (
    (select seq, xid, created_at from outbox where xid >= $1)
    union all
    (select seq, xid, created_at from outbox where xid = any($2::xid8[]))
) unpublished
where $3::pg_snapshot is null or not (seq <= $4 and pg_visible_in_snapshot(xid, $3))
"""


async def read_backlog(connection: Connection) -> Backlog:
    """Counts what is not yet acknowledged; what was published long ago is not looked at."""
    async with connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        (_, xmax, running), target, after_seq = await _published(connection)
        (counted,) = await connection.fetch(_BACKLOG, xmax, running, target, after_seq, timeout=20)
    return Backlog(counted[0], max(0.0, counted[1]))


async def _published(connection: Connection) -> tuple[Snapshot, Snapshot | None, int]:
    """Returns what of the outbox Kafka has: nothing, if transaction numbers are of another cluster than this one."""
    state = await read_state(connection)
    if state.system_identifier not in (None, await system_identifier(connection)):
        return NOTHING, None, 0
    return state.position.snapshot, state.position.target, state.position.after_seq


class Wal(NamedTuple):
    """What can fill the disk of the whole cluster, and make its backups worthless."""

    slots_unread: int
    archive_fails: bool


_WAL = """
select (select count(*) from pg_replication_slots where not active),
       coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
from pg_stat_archiver
"""


async def read_wal(connection: Connection) -> Wal:
    (row,) = await connection.fetch(_WAL, timeout=10)
    return Wal(*row)


async def ask_for_replay(connection: Connection) -> None:
    """Has the whole outbox sent again under a higher epoch; the leader steps down and takes the lead anew.

    Does nothing if that is under way already.
    """
    await connection.execute(
        """
        update relay_state set fence = fence + 1, epoch = epoch + 1, snapshot = '3:3:', target = null, after_seq = 0
        where snapshot::text <> '3:3:'
        """,
        timeout=10,
    )


async def ask_for_topic_replay(connection: Connection, topic: str) -> bool:
    """Has one topic's records sent again beside the live ones; False if another topic is under way.

    Neither the log nor its history is another one, so the epoch stays: consumers drop what they know by its version.
    """
    await connection.execute(
        """
        update relay_state
        set fence = fence + 1, replay_topic = $1, replay_after_seq = 0,
            replay_until_seq = coalesce((select max(seq) from outbox), 0)
        where replay_topic is null
        """,
        topic,
        timeout=10,
    )
    return bool(await connection.fetchval("select replay_topic is not distinct from $1 from relay_state", topic))


async def hold_publishing(connection: Connection, alarm: Alarm) -> None:
    """Stops whoever leads, now and later, until `begin_history`."""
    await connection.execute(
        "update relay_state set fence = fence + 1, alarm_code = $1, alarm = $2", alarm.code, alarm.text, timeout=10
    )


@dataclass(frozen=True)
class HistoryChange:
    """A new history that an operator has asked for. `run` is the same for all services of one call."""

    history: int
    epoch: int
    run: UUID
    is_completed: bool


async def unfinished_run(connection: Connection) -> UUID | None:
    """Returns the run that was interrupted, if one was."""
    run: UUID | None = await connection.fetchval(
        "select run from history_change where completed_at is null order by history desc limit 1", timeout=10
    )
    return run


async def change_of(connection: Connection, run: UUID) -> HistoryChange | None:
    """Returns what a run has decided for this service, if it came that far."""
    row = await connection.fetchrow(
        "select history, epoch, run, completed_at is not null from history_change where run = $1", run, timeout=10
    )
    return HistoryChange(*row) if row else None


_CHANGE = """
insert into history_change (history, epoch, kept_until, run)
select greatest(r.history, $2, (select max(history) from history_change)) + 1, greatest(r.epoch, $3) + 1,
       (select max(created_at) from outbox where created_at < $4), $1
from relay_state r
"""


async def record_change(
    connection: Connection, run: UUID, history_seen: int, epoch_seen: int, before: datetime
) -> None:
    """Decides the numbers of the new history, above all seen. What was kept is the newest event written `before`."""
    await connection.execute(_CHANGE, run, history_seen, epoch_seen, before, timeout=60)


async def adopt_rows(connection: Connection, after_seq: int, up_to_seq: int) -> None:
    """Gives rows of another cluster the oldest transaction number: their own would mean nothing or the future here."""
    await connection.execute(
        "update outbox set xid = '3' where seq > $1 and seq <= $2 and xid <> '3'", after_seq, up_to_seq, timeout=50
    )


async def last_seq(connection: Connection) -> int:
    return int(await connection.fetchval("select coalesce(max(seq), 0) from outbox", timeout=10))


_BEGIN_HISTORY = """
update relay_state
set fence = fence + 1, history = $1, epoch = $2, snapshot = '3:3:', target = null, after_seq = 0, tails = '{}',
    system_identifier = $3, alarm_code = null, alarm = null, replay_topic = null
where history < $1
"""


async def begin_history(connection: Connection, change: HistoryChange, identifier: int) -> None:
    """Lets the relays publish everything from the first row on, under the new numbers. Safe to call again."""
    await connection.execute(_BEGIN_HISTORY, change.history, change.epoch, identifier, timeout=10)


async def complete_change(connection: Connection, run: UUID) -> None:
    """Everything that hangs on the history has been built anew."""
    await connection.execute(
        "update history_change set completed_at = clock_timestamp() where run = $1 and completed_at is null",
        run,
        timeout=10,
    )


async def forget_old_answers(connection: Connection, limit: int = 500) -> int:
    """Deletes some answers of commands accepted over 90 days ago; returns how many. A client never waits that long."""
    done = await connection.execute(
        """
        delete from accepted_command where ctid = any(array(
            select ctid from accepted_command
            where accepted_at < now() - interval '90 days' order by accepted_at limit $1
        ))
        """,
        limit,
        timeout=20,
    )
    return int(done.split()[-1])


async def _change(connection: Connection, statement: str, *arguments: Any) -> None:  # noqa: ANN401  of any column
    if await connection.execute(statement, *arguments, timeout=10) != "UPDATE 1":
        raise SteppedDown


def _state(row: Any) -> State:  # noqa: ANN401  an asyncpg record
    position = Position(
        fence=row["fence"],
        history=row["history"],
        epoch=row["epoch"],
        snapshot=row["snapshot"],
        target=row["target"],
        after_seq=row["after_seq"],
        tails=tails_from_json(json.loads(row["tails"])),
    )
    return State(
        position=position,
        alarm=Alarm(row["alarm_code"], row["alarm"] or "") if row["alarm_code"] else None,
        replay=TopicReplay(row["replay_topic"], row["replay_after_seq"], row["replay_until_seq"])
        if row["replay_topic"]
        else None,
        system_identifier=row["system_identifier"],
    )
