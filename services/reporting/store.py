"""SQL of reporting that belongs to no single read model: sets, facts, positions, and logins of the browser."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

from services.reporting.domain import STATES, Fact, Kind, Position, listing
from shared.auth.principal import Principal, Role
from shared.contracts.envelope import Contract
from shared.statements import Write, write_at_once, write_together

SET_LOCK = 7_305_522  # the first half of the advisory lock of a set; lock_facts() takes it too


class Stage(StrEnum):
    """How far a set has come: it reads facts only, stands still while totals are summed, or follows with both."""

    READING = "reading"
    SUMMING = "summing"
    FOLLOWING = "following"


@dataclass(frozen=True, slots=True)
class ReadModelSet:
    """`rules` is the version of the read models with which the set was begun.

    `state`: building, live, kept (it was live before, and is fed on) or retired.
    """

    version: int
    rules: int
    state: str
    stage: Stage

    @property
    def group(self) -> str:
        return group_of(self.version)


def group_of(set_version: int) -> str:
    """Returns the consumer group of a set, which is also the key of its offset rows."""
    return f"reporting-set-{set_version}"


# Sets

_SETS = "select version, rules, state, stage from read_model_set where state <> 'retired' order by version"
_LIVE = """
select s.version, s.rules, s.state, s.stage
from read_model_pointer p join read_model_set s on s.version = p.version
"""
_POSITION = """
select p.edition, coalesce(sum(o.resets), 0)::bigint as resets, coalesce(sum(o.next_offset), 0)::bigint as offsets
from read_model_pointer p
left join consumer_offset o on o.consumer_group = 'reporting-set-' || p.version
group by p.version, p.edition
"""


async def sets_to_run(connection: Any) -> list[ReadModelSet]:  # noqa: ANN401  pooled or plain
    """Returns the sets that are fed: the live one, the one being built, and the one that was live before."""
    return [set_of(row) for row in await connection.fetch(_SETS)]


async def live_set(connection: Any) -> ReadModelSet:  # noqa: ANN401
    """Returns the set that answers questions."""
    return set_of(await connection.fetchrow(_LIVE))


async def database_clock(connection: Any) -> datetime:  # noqa: ANN401
    """Returns Postgres's own time, by which watermarks are stamped too."""
    now: datetime = await connection.fetchval("select clock_timestamp()")
    return now


# What can be seen was written to the write-ahead log before. An empty message in it is flushed with it and all before
# it; where that is on disk already, and on a standby, which holds only what is, there is nothing to do.
_FLUSHED = """
case when pg_is_in_recovery() then null
     when pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()
     then pg_logical_emit_message(false, 'plut', '', true)
end
"""
_STANDING = f"""
select live.*, read.*, clock_timestamp() as now, {_FLUSHED}
from ({_LIVE}) live cross join ({_POSITION}) read
"""  # noqa: S608  ours


async def standing(connection: Any) -> tuple[ReadModelSet, Position, datetime]:  # noqa: ANN401
    """Returns the set that answers questions, how far it has read, and Postgres's own time, in one round trip.

    All that the transaction sees is on disk then, which appliers do not wait for: no crash takes back what is told.
    """
    row = await connection.fetchrow(_STANDING)
    return set_of(row), Position(row["edition"], row["resets"], row["offsets"]), row["now"]


def set_of(row: Mapping[str, Any]) -> ReadModelSet:
    """Returns a set from its row."""
    return ReadModelSet(row["version"], row["rules"], row["state"], Stage(row["stage"]))


def numbers_literal(numbers: Iterable[int]) -> str:
    """Returns an array as Postgres writes it: asyncpg asks each element of a list what it is, which takes longer."""
    return "{" + ",".join(map(str, numbers)) + "}"


def texts_literal(texts: Iterable[object]) -> str:
    """The same of texts, or of anything that is written as one."""
    told = list(map(str, texts))
    if '"' in (all_of_them := "".join(told)) or "\\" in all_of_them:
        told = [text.replace("\\", "\\\\").replace('"', '\\"') for text in told]
    return '{"' + '","'.join(told) + '"}' if told else "{}"


# Facts

_LOCK_FACTS = """
select stage, has_aliases, kind, id, version, event_id, slice, subjects, state
from lock_facts($1, $2, $3::uuid[], $4::uuid[], $5::uuid[])
"""
_SEE_FACTS = """
select stage, has_aliases, kind, id, version, event_id, slice, subjects, state, visited_by
from see_facts($1, $2, $3::uuid[], $4::uuid[], $5::uuid[], $6::text::uuid[])
"""
_VISITS = "visits"
_FOLLOWS = f"enter_set($1) = '{Stage.FOLLOWING}'"
_ALIASES = "select alias, subject from subject_alias where set_version = $1 and alias = any($2)"
# `do nothing`, and the count is compared: an aggregate that came from two partitions at once would be counted twice.
_INSERT = """
insert into {fact} as f (set_version, id, version, event_id, slice, subjects, state{listed})
select $1, id, version, event_id, slice, string_to_array(subjects, ',')::uuid[], state{listed}
from unnest($2::{id}[], $3::text::bigint[], $4::text::uuid[], $5::text::smallint[], $6::text[],
            $7::json[]{listed_arrays})
     as n (id, version, event_id, slice, subjects, state{listed})
"""
_NONE_KNOWN = f"{_INSERT}on conflict do nothing"
# By key alone, for the rows are locked since they were read.
_REPLACING = f"""{_INSERT}on conflict (set_version, id) do update
set version = excluded.version, event_id = excluded.event_id, slice = excluded.slice, subjects = excluded.subjects,
    state = excluded.state{{listed_set}}
where f.version < excluded.version
"""
# Of facts that were only looked at: what somebody else has written since is not touched. Found one by one by their key
# (`offset 0`), and written where they were found: no plan that was made of a small table reads all of it later.
_REPLACING_AS_SEEN = """
update {fact} f
set version = n.version, event_id = n.event_id, slice = n.slice, subjects = string_to_array(n.subjects, ',')::uuid[],
    state = n.state{listed_new}
from unnest($2::{id}[], $3::text::bigint[], $4::text::uuid[], $5::text::smallint[], $6::text[],
            $7::json[]{listed_arrays}, {seen}::text::bigint[])
     as n (id, version, event_id, slice, subjects, state{listed}, seen)
cross join lateral (
    select k.ctid from {fact} k where k.set_version = $1 and k.id = n.id and k.version = n.seen offset 0
) found
where f.ctid = found.ctid
"""
_COLUMNS = ("id", "version", "event_id", "slice", "subjects", "state")
# From so many facts on COPY, which asks once more over the wire, takes two thirds of the time of an insert.
_COPIED_FROM = 50
_WRITTEN_ELSEWHERE = "a fact was written by another applier since it was read; apply again"
# By the column: its name alone is the text, and every page would sort the whole table.
_PAGE = """
select f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
from {fact} f where f.set_version = $1 and ($2::text is null or f.id > $2::text::{id})
order by f.id
limit $3
"""


# Columns by which facts of a kind are listed, beside the state that says the same (domain.listing).
_LISTED: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.OFFICE: (),
    Kind.BUSINESS: (("office", "text"), ("day", "date"), ("home_office", "text"), ("kelurahan", "text")),
    Kind.CONSULTANT: (("office", "text"),),
    Kind.SESSION: (("office", "text"), ("day", "date")),
}


@cache
def _of(kind: Kind, statement: str) -> str:
    columns = _LISTED[kind]
    return statement.format(
        fact=f"fact_{kind}",
        id="text" if kind is Kind.OFFICE else "uuid",
        listed="".join(f", {name}" for name, _ in columns),
        listed_set="".join(f", {name} = excluded.{name}" for name, _ in columns),
        listed_new="".join(f", {name} = n.{name}" for name, _ in columns),
        seen=f"${8 + len(columns)}",
        listed_arrays="".join(f", ${number}::{type_}[]" for number, (_, type_) in enumerate(columns, start=8)),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What an applier meets in a set: its stage, which stays until the transaction ends (None: the set is retired),
    whether some of its businesses turned out to be others, and the facts it holds of the aggregates asked for, locked.
    """

    stage: str | None
    has_aliases: bool
    known: Mapping[Kind, Mapping[str, Fact]]


async def lock_facts(connection: Any, set_version: int, ids: Mapping[Kind, Iterable[str]]) -> Found:  # noqa: ANN401  pooled or plain
    """Enters the set and locks the facts of these aggregates, in one round trip."""
    return _found(await connection.fetch(_LOCK_FACTS, set_version, *_in_order(ids)))


def _in_order(ids: Mapping[Kind, Iterable[str]]) -> list[list[str]]:
    return [sorted(ids.get(kind, ())) for kind in Kind]


def _found(rows: Sequence[Mapping[str, Any]]) -> Found:
    """The first row tells of the set, the others are facts."""
    first, *facts = rows
    known: dict[Kind, dict[str, Fact]] = {kind: {} for kind in Kind}
    for row in facts:
        kind = Kind(row["kind"])
        known[kind][row["id"]] = fact_from(kind, row)
    return Found(first["stage"], first["has_aliases"], known)


class Row(NamedTuple):
    """A business's row: its visits as the column keeps them, and the offices that held them, separated by commas.
    `seen`: the transaction that wrote it, where it was not locked; None where there is no row yet.
    """

    subject: UUID
    visits: str
    offices: str
    seen: int | None = None


async def see_facts(
    connection: Any,  # noqa: ANN401
    set_version: int,
    ids: Mapping[Kind, Iterable[str]],
    visited: Iterable[UUID],
) -> tuple[Found, dict[UUID, Row]]:
    """Looks at the set, at the facts of these aggregates and at those businesses that have a row, locking none."""
    rows = await connection.fetch(_SEE_FACTS, set_version, *_in_order(ids), texts_literal(visited))
    businesses = [
        Row(UUID(row["id"]), row["state"], row["visited_by"], row["version"]) for row in rows if row["kind"] == _VISITS
    ]
    return _found([row for row in rows if row["kind"] != _VISITS]), {row.subject: row for row in businesses}


async def aliases(connection: Any, set_version: int, businesses: Iterable[UUID]) -> dict[UUID, UUID]:  # noqa: ANN401
    """Returns business → canonical subject for those businesses that turned out to be another one."""
    rows = await connection.fetch(_ALIASES, set_version, list(businesses))
    return {row["alias"]: row["subject"] for row in rows}


# A fact as its table holds it, without the set: _COLUMNS, and where it is listed.
FactRow: TypeAlias = tuple[Any, ...]


def row_of(fact: Fact) -> FactRow:
    """Returns the row of a fact. Raises asyncpg.DataError if a text holds what Postgres cannot keep."""
    state = fact.state
    return (fact.id, fact.version, fact.event_id, fact.slice, fact.subjects, _json(state), *listing(state))


@dataclass(frozen=True, slots=True)
class NewFacts:
    """What a batch makes of the aggregates of one kind: those unknown before, and those known in versions `seen`."""

    kind: Kind
    unknown: Sequence[FactRow]
    newer: Sequence[FactRow]
    seen: Sequence[int]

    @property
    def are_copied(self) -> bool:
        return len(self.unknown) >= _COPIED_FROM


async def copy_facts(connection: Any, set_version: int, changed: Sequence[NewFacts]) -> None:  # noqa: ANN401
    """Writes the unknown facts, where they are many. Raises asyncpg.SerializationError if one is known by now."""
    for new in changed:
        if new.are_copied:
            rows = [(set_version, *row) for row in new.unknown]
            columns = ("set_version", *_COLUMNS, *(name for name, _ in _LISTED[new.kind]))
            try:
                await connection.copy_records_to_table(f"fact_{new.kind}", records=rows, columns=columns)
            except asyncpg.UniqueViolationError as error:
                raise asyncpg.SerializationError(_WRITTEN_ELSEWHERE) from error


async def write_facts(connection: Any, set_version: int, changed: Sequence[NewFacts], others: Sequence[Write]) -> None:  # noqa: ANN401
    """Writes the facts that `copy_facts` leaves, and other rows of the set with them.

    Raises asyncpg.SerializationError if an unknown fact is known by now.
    """
    writes: list[Write] = []
    for new in changed:
        if new.unknown and not new.are_copied:
            writes.append(_written_new(new))
        if new.newer:
            writes.append(Write(_of(new.kind, _REPLACING), _columns(new.newer), rows=len(new.newer)))
    touched = await write_together(connection, set_version, [*writes, *others])
    if touched[: len(writes)] != [write.rows for write in writes]:
        raise asyncpg.SerializationError(_WRITTEN_ELSEWHERE)


async def write_facts_at_once(
    connection: Any,  # noqa: ANN401
    set_version: int,
    advancing: Write,
    changed: Sequence[NewFacts],
    visits: Sequence[Write],
    others: Sequence[Write],
) -> None:
    """Moves the offsets and writes facts, visits and others in a transaction of its own, of a set that follows.

    Rows are locked in the order of those transactions that lock before they write. Raises asyncpg.SerializationError if
    anything is not as it was seen.
    """
    known = [_written_as_seen(new) for new in changed if new.newer]
    unknown = [_written_new(new) for new in changed if new.unknown]
    await write_at_once(connection, set_version, [advancing, *known, *visits, *unknown, *others], _FOLLOWS)


def _written_new(new: NewFacts) -> Write:
    return Write(_of(new.kind, _NONE_KNOWN), _columns(new.unknown), rows=len(new.unknown))


def _written_as_seen(new: NewFacts) -> Write:
    arguments = [*_columns(new.newer), numbers_literal(new.seen)]
    return Write(replacing_as_seen(new.kind), arguments, rows=len(new.newer))


def replacing_as_seen(kind: Kind) -> str:
    """Returns what replaces facts of a kind that are still in the version that was seen."""
    return _of(kind, _REPLACING_AS_SEEN)


async def facts_after(connection: Any, set_version: int, kind: Kind, after: str | None, limit: int) -> list[Fact]:  # noqa: ANN401
    """Returns the next page of a set's facts in the order of their ids, from the first if `after` is None."""
    return [fact_from(kind, row) for row in await connection.fetch(_of(kind, _PAGE), set_version, after, limit)]


def _columns(rows: Sequence[FactRow]) -> list[Any]:
    ids, versions, event_ids, slices, subjects, states, *listed = zip(*rows, strict=True)
    return [
        ids,
        numbers_literal(versions),
        texts_literal(event_ids),
        numbers_literal(slices),
        [",".join(map(str, of_one)) for of_one in subjects],
        states,
        *listed,
    ]


def _json(state: Contract) -> str:
    """A type json would take an escaped NUL, and every later look into the document would fail."""
    text = state.model_dump_json()
    if "\\u0000" in text:
        raise asyncpg.UntranslatableCharacterError("a text holds a NUL")
    return text


def fact_from(kind: Kind, row: Mapping[str, Any]) -> Fact:
    """Returns a fact from its row."""
    state = STATES[kind].model_validate_json(row["state"])
    return Fact(kind, row["id"], row["version"], row["event_id"], row["slice"], tuple(row["subjects"]), state)


# Offices

_OFFICES = """
select id as code, state ->> 'name' as name, (state ->> 'opened_on')::date as opened_on
from fact_office where set_version = $1 and id = any($2)
order by id
"""


@dataclass(frozen=True, slots=True)
class Office:
    code: str
    name: str
    opened_on: date


async def offices(connection: Any, set_version: int, codes: Sequence[str]) -> list[Office]:  # noqa: ANN401
    """Returns those of the offices that are registered, by code."""
    return [Office(**row) for row in await connection.fetch(_OFFICES, set_version, list(codes))]


# Logins of the browser

_LOGIN = "insert into web_login (digest, subject, roles, offices, expires_at) values ($1, $2, $3, $4, $5)"
_FORGET_EXPIRED = "delete from web_login where expires_at <= $1"
_LOGGED_IN = "select subject, roles, offices, expires_at from web_login where digest = $1 and expires_at > $2"
_LOGOUT = "delete from web_login where digest = $1"


@dataclass(frozen=True, slots=True)
class Login:
    principal: Principal
    expires_at: datetime


async def remember_login(connection: Any, digest: bytes, login: Login, now: datetime) -> None:  # noqa: ANN401
    """Keeps a login until it expires, and forgets those that have."""
    who = login.principal
    await connection.execute(_FORGET_EXPIRED, now)
    await connection.execute(_LOGIN, digest, who.subject, sorted(who.roles), list(who.offices), login.expires_at)


async def find_login(connection: Any, digest: bytes, now: datetime) -> Login | None:  # noqa: ANN401
    """Returns the login that is still good, or None."""
    row = await connection.fetchrow(_LOGGED_IN, digest, now)
    if row is None:
        return None
    principal = Principal(row["subject"], frozenset(map(Role, row["roles"])), tuple(row["offices"]))
    return Login(principal, row["expires_at"])


async def forget_login(connection: Any, digest: bytes) -> None:  # noqa: ANN401
    """Ends a login; nothing happens if there is none."""
    await connection.execute(_LOGOUT, digest)
