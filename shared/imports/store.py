"""Imports as they are stored, in the schema of whichever service the pool is of. Row-level security applies."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from shared.auth.principal import Principal, Role
from shared.imports.importer import Job
from shared.imports.rows import Counts, Remark, RowOutcome, RowStatus
from shared.privacy.sealing import WrappedKey


class State(StrEnum):
    WAITING = "waiting"
    READING = "reading"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = (State.DONE, State.CANCELLED, State.FAILED)


class LeaseLost(Exception):
    """Another process works on the job by now."""


@dataclass(frozen=True)
class Failure:
    message: str
    cure: str


@dataclass(frozen=True)
class ImportRecord:
    """A job as it stands. `found_sealed` is the table that was found in it."""

    job: Job
    state: State
    size: int
    counts: Counts
    cancel_requested: bool
    failure: Failure | None
    found_sealed: bytes | None
    tries: int
    uploaded_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    forgotten_at: datetime | None


@dataclass(frozen=True)
class SealedRow:
    """A row beneath the header. What is no data row has its outcome from the first."""

    number: int
    content: bytes
    fingerprint: bytes | None
    outcome: RowOutcome | None


_INSERT_JOB = """
with job as (
    insert into import_job (id, office, dry_run, uploaded_by, roles, offices, correlation_id, size, state, uploaded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9)
    returning id, office
)
insert into import_key (import_id, office, version, kek, sealed) select id, office, $10, $11, $12 from job
"""


async def insert_job(connection: Any, job: Job, size: int, key: WrappedKey, now: datetime) -> None:  # noqa: ANN401  pooled or plain
    """Stores a new job with its key; the file follows piece by piece."""
    who = job.principal
    row = (job.id, job.office, job.dry_run, who.subject, sorted(who.roles), list(who.offices), job.correlation_id)
    await connection.execute(_INSERT_JOB, *row, size, now, key.version, key.kek, key.sealed)


_INSERT_PIECE = "insert into import_piece (import_id, office, place, content) values ($1, $2, $3, $4)"


async def insert_piece(connection: Any, job: Job, place: int, content: bytes) -> None:  # noqa: ANN401
    await connection.execute(_INSERT_PIECE, job.id, job.office, place, content)


_READ_PIECE = "select content from import_piece where import_id = $1 and place = $2"


async def read_piece(connection: Any, job: UUID, place: int) -> bytes | None:  # noqa: ANN401
    """Returns a sealed piece of the file; None behind the last one."""
    piece: bytes | None = await connection.fetchval(_READ_PIECE, job, place)
    return piece


_DROP_FILE = "delete from import_piece where import_id = $1"


async def drop_file(connection: Any, job: UUID) -> None:  # noqa: ANN401
    """Forgets the file before its rows: for a service that wants nothing of it but its columns."""
    await connection.execute(_DROP_FILE, job)


_READ_KEY = "select version, kek, sealed from import_key where import_id = $1"


async def read_key(connection: Any, job: UUID) -> WrappedKey | None:  # noqa: ANN401
    """Returns the key of a job's content; None once that is forgotten."""
    row = await connection.fetchrow(_READ_KEY, job)
    return None if row is None else WrappedKey(row["version"], row["kek"], row["sealed"])


_CLAIM = "select * from claim_import($1, $2, $3)"


async def claim_import(connection: Any, lease: UUID, now: datetime, until: datetime) -> ImportRecord | None:  # noqa: ANN401
    """Takes the next job of whatever office that nobody works on."""
    row = await connection.fetchrow(_CLAIM, lease, now, until)
    return None if row is None else _record(row)


_FORGET = "select forget_imports($1, $2, $3)"


async def forget_imports(connection: Any, ended_before: datetime, now: datetime, most: int) -> int:  # noqa: ANN401
    """Deletes keys, files and rows of some imports that ended long ago; returns of how many."""
    forgotten: int = await connection.fetchval(_FORGET, ended_before, now, most)
    return forgotten


_FIND_JOB = "select * from import_job where id = $1"


async def find_import(connection: Any, job: UUID) -> ImportRecord | None:  # noqa: ANN401
    """Returns an import of the caller's offices."""
    row = await connection.fetchrow(_FIND_JOB, job)
    return None if row is None else _record(row)


_LIST_JOBS = """
select j.* from unnest($1::text[]) as o (office), lateral (
    select * from import_job where import_job.office = o.office and (uploaded_at, id) < ($2, $3)
    order by uploaded_at desc, id desc limit $4
) as j
order by uploaded_at desc, id desc limit $4
"""


async def list_imports(
    connection: Any,  # noqa: ANN401
    offices: Sequence[str],
    before: tuple[datetime, UUID],
    limit: int,
) -> list[ImportRecord]:
    """Returns the imports of the offices, the newest first."""
    return [_record(row) for row in await connection.fetch(_LIST_JOBS, list(offices), *before, limit)]


_CANCEL = """
update import_job
set cancel_requested = true,
    state = case state when 'waiting' then 'cancelled' else state end,
    ended_at = case state when 'waiting' then $2 else ended_at end
where id = $1 and ended_at is null
"""


async def request_cancel(connection: Any, job: UUID, now: datetime) -> bool:  # noqa: ANN401
    """Ends a job that waits, and has one that runs stop at its next row; tells whether it had not ended yet."""
    return str(await connection.execute(_CANCEL, job, now)) == "UPDATE 1"


# Whoever holds the lease writes; the row lock of the job orders its writers.
_HOLD = "update import_job set leased_until = $3 where id = $1 and lease = $2 returning cancel_requested"


async def hold_lease(connection: Any, job: UUID, lease: UUID, until: datetime) -> bool:  # noqa: ANN401
    """Prolongs the lease and locks the job; tells whether the job is to be cancelled. Raises LeaseLost."""
    row = await connection.fetchrow(_HOLD, job, lease, until)
    if row is None:
        raise LeaseLost
    return bool(row["cancel_requested"])


_LET_GO = "update import_job set leased_until = null, lease = null, tries = 0 where id = $1 and lease = $2"


async def let_go(connection: Any, job: UUID, lease: UUID) -> None:  # noqa: ANN401
    """Leaves the job to whoever takes it next."""
    await connection.execute(_LET_GO, job, lease)


_FORGET_ROWS = "delete from import_row where import_id = $1"
_BEGIN_READING = """
update import_job
set rows = 0, created = 0, unchanged = 0, matched = 0, possible_duplicate = 0, rejected = 0, skipped = 0
where id = $1
"""


async def begin_reading(connection: Any, job: UUID) -> None:  # noqa: ANN401
    """Drops what an earlier reading, which was cut off, has left. The lease is held."""
    await connection.execute(_FORGET_ROWS, job)
    await connection.execute(_BEGIN_READING, job)


_INSERT_ROWS = """
insert into import_row (import_id, office, number, content, fingerprint, status, remarks)
select $1, $2, r.number, r.content, r.fingerprint, r.status, r.remarks
from unnest($3::int[], $4::bytea[], $5::bytea[], $6::text[], $7::json[])
    as r (number, content, fingerprint, status, remarks)
"""
_COUNT_ROWS = "update import_job set rows = rows + $2, skipped = skipped + $3 where id = $1"


async def insert_rows(connection: Any, job: Job, rows: Sequence[SealedRow]) -> None:  # noqa: ANN401
    """Stores the next rows of a sheet and counts them. The lease is held."""
    await connection.execute(
        _INSERT_ROWS,
        job.id,
        job.office,
        [row.number for row in rows],
        [row.content for row in rows],
        [row.fingerprint for row in rows],
        [None if row.outcome is None else row.outcome.status for row in rows],
        [None if row.outcome is None else _remarks(row.outcome) for row in rows],
    )
    await connection.execute(_COUNT_ROWS, job.id, len(rows), sum(row.outcome is not None for row in rows))


_BEGIN_WORKING = "update import_job set state = 'working', found_sealed = $2, tries = 0 where id = $1"


async def begin_working(connection: Any, job: UUID, found_sealed: bytes) -> None:  # noqa: ANN401
    """The sheet is read; its rows are to be worked. The lease is held."""
    await connection.execute(_BEGIN_WORKING, job, found_sealed)


_READ_ROWS = """
select number, content, fingerprint, status, subject, remarks from import_row
where import_id = $1 and number > $2 and (not $3 or status is null)
order by number limit $4
"""


async def read_rows(
    connection: Any,  # noqa: ANN401
    job: UUID,
    after: int,
    limit: int,
    *,
    open_only: bool = False,
) -> list[SealedRow]:
    """Returns the next rows in their order; with `open_only` those that have no status yet."""
    return [_sealed_row(row) for row in await connection.fetch(_READ_ROWS, job, after, open_only, limit)]


_END_ROWS = """
with ended as (
    update import_row r set status = o.status, subject = o.subject, remarks = o.remarks
    from unnest($2::int[], $3::text[], $4::uuid[], $5::json[]) as o (number, status, subject, remarks)
    where r.import_id = $1 and r.number = o.number and r.status is null
    returning r.status
), counted as (
    select count(*) filter (where status = 'created') as created,
           count(*) filter (where status = 'unchanged') as unchanged,
           count(*) filter (where status = 'matched') as matched,
           count(*) filter (where status = 'possible_duplicate') as possible_duplicate,
           count(*) filter (where status = 'rejected') as rejected,
           count(*) filter (where status = 'skipped') as skipped
    from ended
)
update import_job j
set created = j.created + c.created, unchanged = j.unchanged + c.unchanged, matched = j.matched + c.matched,
    possible_duplicate = j.possible_duplicate + c.possible_duplicate, rejected = j.rejected + c.rejected,
    skipped = j.skipped + c.skipped, tries = 0
from counted c
where j.id = $1
"""


async def end_rows(connection: Any, job: UUID, outcomes: Mapping[int, RowOutcome]) -> None:  # noqa: ANN401
    """Gives rows their status, each once, and counts them. The lease is held."""
    ordered = sorted(outcomes.items())
    await connection.execute(
        _END_ROWS,
        job,
        [number for number, _ in ordered],
        [outcome.status for _, outcome in ordered],
        [outcome.subject for _, outcome in ordered],
        [_remarks(outcome) for _, outcome in ordered],
    )


_SKIP_REST = """
with ended as (
    update import_row set status = 'skipped', remarks = $2 where import_id = $1 and status is null returning number
)
update import_job set skipped = skipped + (select count(*) from ended) where id = $1
"""


async def skip_rest(connection: Any, job: UUID, remark: Remark) -> None:  # noqa: ANN401
    """Ends all rows that were not reached. The lease is held."""
    await connection.execute(_SKIP_REST, job, json.dumps([remark.as_json()]), timeout=60)


_END = """
update import_job
set state = $2, ended_at = $3, failure_message = $4, failure_cure = $5, leased_until = null, lease = null
where id = $1
"""


async def end_import(connection: Any, job: UUID, state: State, now: datetime, failure: Failure | None = None) -> None:  # noqa: ANN401
    """The job has ended. The lease is held."""
    told = (None, None) if failure is None else (failure.message, failure.cure)
    await connection.execute(_END, job, state, now, *told)


_REMEMBER = """
insert into import_seen (office, fingerprint, subject, import_id, number)
select $2, r.fingerprint, r.subject, r.import_id, r.number from import_row r
where r.import_id = $1 and r.number = any ($3::int[]) and r.status = 'created'
on conflict (office, fingerprint) do update
set subject = excluded.subject, import_id = excluded.import_id, number = excluded.number
"""


async def remember_rows(connection: Any, job: Job, numbers: Collection[int]) -> None:  # noqa: ANN401
    """Remembers what rows have created: the newest, should what the same row created before be gone."""
    await connection.execute(_REMEMBER, job.id, job.office, list(numbers))


_FIND_SEEN = "select fingerprint, subject from import_seen where office = $1 and fingerprint = any ($2::bytea[])"


async def find_seen(connection: Any, office: str, fingerprints: Collection[bytes]) -> dict[bytes, UUID]:  # noqa: ANN401
    """Returns what rows like these have created before."""
    rows = await connection.fetch(_FIND_SEEN, office, list(fingerprints))
    return {row["fingerprint"]: row["subject"] for row in rows}


_FIND_ABOVE = """
select distinct on (fingerprint) fingerprint, subject from import_row
where import_id = $1 and fingerprint = any ($2::bytea[]) and status in ('created', 'unchanged')
order by fingerprint, number
"""


async def find_above(connection: Any, job: UUID, fingerprints: Collection[bytes]) -> dict[bytes, UUID | None]:  # noqa: ANN401
    """Returns what rows like these have created in this sheet; None where a dry run did."""
    rows = await connection.fetch(_FIND_ABOVE, job, list(fingerprints))
    return {row["fingerprint"]: row["subject"] for row in rows}


_READ_MAPPING = "select fields from import_mapping where office = $1"


async def read_mapping(connection: Any, office: str) -> dict[str, str]:  # noqa: ANN401
    """Returns which fields the labels of an office's sheets stand for."""
    fields = await connection.fetchval(_READ_MAPPING, office)
    return {} if fields is None else dict(json.loads(fields))


_SAVE_MAPPING = """
insert into import_mapping (office, fields, changed_by, changed_at) values ($1, $2, $3, $4)
on conflict (office) do update
set fields = excluded.fields, changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""


async def save_mapping(connection: Any, office: str, fields: Mapping[str, str], who: str, now: datetime) -> None:  # noqa: ANN401
    await connection.execute(_SAVE_MAPPING, office, json.dumps(dict(fields)), who, now)


def _record(row: asyncpg.Record) -> ImportRecord:
    roles = frozenset(Role(role) for role in row["roles"])
    principal = Principal(row["uploaded_by"], roles, tuple(row["offices"]))
    failed = row["failure_message"] is not None
    return ImportRecord(
        job=Job(row["id"], row["office"], row["dry_run"], principal, row["correlation_id"]),
        state=State(row["state"]),
        size=row["size"],
        counts=Counts(row["rows"], **{status: row[status] for status in RowStatus}),
        cancel_requested=row["cancel_requested"],
        failure=Failure(row["failure_message"], row["failure_cure"]) if failed else None,
        found_sealed=row["found_sealed"],
        tries=row["tries"],
        uploaded_at=row["uploaded_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        forgotten_at=row["forgotten_at"],
    )


def _sealed_row(row: asyncpg.Record) -> SealedRow:
    outcome = None
    if row["status"] is not None:
        remarks = tuple(Remark(**remark) for remark in json.loads(row["remarks"]))
        outcome = RowOutcome(RowStatus(row["status"]), remarks, row["subject"])
    return SealedRow(row["number"], row["content"], row["fingerprint"], outcome)


def _remarks(outcome: RowOutcome) -> str:
    return json.dumps([remark.as_json() for remark in outcome.remarks])
