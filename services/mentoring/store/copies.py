"""Mentoring's copies of offices and businesses, and the sessions that wait for one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.mentoring.domain import Business
from services.mentoring.domain.meaning import Called
from shared.consumer.versions import Known
from shared.contracts.registry import BusinessState, OfficeState
from shared.postgres import Connection
from shared.statements import Write, shifted

# Locks nothing unless all are there, so that the next statement can take every lock in sorted order.
_SHARE_BUSINESSES = """
select id, status, kinds, kelurahan, home_office, closed_on from business_replica
where id = any($1::uuid[])
  and (select count(*) from business_replica where id = any($1::uuid[])) = cardinality($1::uuid[])
order by id for share
"""
_HOLD_BUSINESSES = """
insert into business_replica (id) select id from unnest($1::uuid[]) as wanted (id) order by id
on conflict (id) do update set id = excluded.id
returning id, status, kinds, kelurahan, home_office, closed_on
"""


async def lock_businesses(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Business]:
    """Locks the copies of distinct businesses, leaving placeholders for those that have not arrived.

    Whoever brings a business waits for this transaction, and then finds the session that waits for the business.
    """
    rows = await connection.fetch(_SHARE_BUSINESSES, ids) or await connection.fetch(_HOLD_BUSINESSES, sorted(ids))
    return {row["id"]: _business(row) for row in rows}


def _business(row: Record) -> Business:
    return Business(row["id"], row["status"], row["kinds"], row["kelurahan"], row["home_office"], row["closed_on"])


@dataclass(frozen=True, slots=True)
class OfficeCopy(Known):
    """What an event says of an office."""

    state: OfficeState


@dataclass(frozen=True, slots=True)
class BusinessCopy(Known):
    """What an event says of a business."""

    state: BusinessState


# More than these have one name only where the row must say more: then none of them is taken.
_CALLED = """
select wanted.name as typed, r.id, r.trade_name, r.status, r.kinds, r.kelurahan, r.home_office, r.closed_on
from unnest($1::text[]) as wanted (name), lateral (
    select * from business_replica
    where version > 0 and mentoring.fold_trade_name(trade_name) = mentoring.fold_trade_name(wanted.name)
    order by id limit 1000
) as r
"""
_KNOWN = "select id from business_replica where version > 0 and id = any($1::uuid[])"


async def businesses_called(connection: Connection, names: Sequence[str]) -> dict[str, list[Called]]:
    """Returns the businesses of the province that are called so, by each name as it was typed."""
    called: dict[str, list[Called]] = {name: [] for name in names}
    for row in await connection.fetch(_CALLED, list(called)):
        called[row["typed"]].append(Called(_business(row), row["trade_name"]))
    return called


async def known_businesses(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Returns those of the businesses whose copies have arrived."""
    return {row["id"] for row in await connection.fetch(_KNOWN, ids)}


_REPLACE_OFFICES = """
insert into office_replica as held (code, name, opened_on, version, event_id)
select * from unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::uuid[]) as told order by 1
on conflict (code) do update
set name = excluded.name, opened_on = excluded.opened_on, version = excluded.version, event_id = excluded.event_id
where held.version < excluded.version
returning code
"""


async def replace_offices(connection: Connection, copies: Sequence[OfficeCopy]) -> set[str]:
    """Saves newer copies of offices, one each; returns the codes of those that were newer."""
    rows = await connection.fetch(
        _REPLACE_OFFICES,
        [copy.state.code for copy in copies],
        [copy.state.name for copy in copies],
        [copy.state.opened_on for copy in copies],
        [copy.version for copy in copies],
        [copy.event_id for copy in copies],
    )
    return {row["code"] for row in rows}


# Kinds come as JSON, because unnest would flatten an array of arrays. The first parameter is what writes share.
_REPLACING = """
insert into business_replica as held
       (id, version, event_id, trade_name, kinds, kelurahan, home_office, status, closed_on)
select id, version, event_id, trade_name, array(select json_array_elements_text(kinds)),
       kelurahan, home_office, status, closed_on
from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::json[],
            $7::text[], $8::text[], $9::text[], $10::date[])
     as told (id, version, event_id, trade_name, kinds, kelurahan, home_office, status, closed_on)
order by id
on conflict (id) do update
set version = excluded.version, event_id = excluded.event_id, trade_name = excluded.trade_name, kinds = excluded.kinds,
    kelurahan = excluded.kelurahan, home_office = excluded.home_office, status = excluded.status,
    closed_on = excluded.closed_on
where held.version < excluded.version
"""
_REPLACE_BUSINESSES = f"{shifted(_REPLACING, -1)} returning id::text"
# Whoever comes for a placeholder finds a session that waits for it: that is more than one write.
_REPLACE_AWAITED_BY_NOBODY = f"{_REPLACING} and held.version > 0"


async def replace_businesses(connection: Connection, copies: Sequence[BusinessCopy]) -> set[str]:
    """Saves newer copies of businesses, one each, filling placeholders; returns the ids of those that were newer."""
    return {row["id"] for row in await connection.fetch(_REPLACE_BUSINESSES, *_columns(copies))}


def replacing_awaited_by_nobody(copies: Sequence[BusinessCopy]) -> Write:
    """Returns what saves copies of businesses, one each, if all are newer and no session waits for one of them."""
    return Write(_REPLACE_AWAITED_BY_NOBODY, _columns(copies), rows=len(copies))


def _columns(copies: Sequence[BusinessCopy]) -> list[list[Any]]:
    states = [copy.state for copy in copies]
    return [
        [state.id for state in states],
        [copy.version for copy in copies],
        [copy.event_id for copy in copies],
        [state.trade_name for state in states],
        [json.dumps(state.kinds) for state in states],
        [state.kelurahan for state in states],
        [state.home_office for state in states],
        [state.status for state in states],
        [state.closed_on for state in states],
    ]


_HELD_OFFICES = "select code as id, version, event_id from office_replica where code = any($1::text[])"
_HELD_BUSINESSES = "select id::text, version, event_id from business_replica where id = any($1::uuid[])"


async def held_offices(connection: Connection, codes: Sequence[str]) -> dict[str, Known]:
    """Returns which version of each office is held, and which event brought it."""
    rows = await connection.fetch(_HELD_OFFICES, codes) if codes else []
    return {row["id"]: Known(row["event_id"], row["version"]) for row in rows}


async def held_businesses(connection: Connection, ids: Sequence[str]) -> dict[str, Known]:
    """Returns which version of each business is held, and which event brought it."""
    rows = await connection.fetch(_HELD_BUSINESSES, ids) if ids else []
    return {row["id"]: Known(row["event_id"], row["version"]) for row in rows}


# The lock comes before the session's row is read: another consumer may be resolving another business of it.
_LOCK_WAITING = """
select id from session
where id in (select session from session_business where business = any($1::uuid[]) and not known)
order by id for no key update
"""
_MAKE_KNOWN = """
update session_business sb
set known = true, kinds = r.kinds, kelurahan = r.kelurahan, home_office = r.home_office
from business_replica r
where r.id = sb.business and sb.business = any($1::uuid[]) and not sb.known
returning sb.session, sb.business::text
"""
_RAISE_VERSIONS = """
update session s
set version = version + 1, revision = revision + 1,
    provisional = exists (select from session_business sb where sb.session = s.id and not sb.known)
where id = any($1::uuid[])
"""


async def resolve_waiting(connection: Connection, businesses: Sequence[str]) -> dict[UUID, str]:
    """Makes businesses known to the sessions that wait for them; returns, by session, one business that it waited for.

    The copies of the businesses must be locked by now.
    """
    locked = [row["id"] for row in await connection.fetch(_LOCK_WAITING, businesses)]
    if not locked:
        return {}
    resolved = {row["session"]: row["business"] for row in await connection.fetch(_MAKE_KNOWN, businesses)}
    await connection.execute(_RAISE_VERSIONS, sorted(resolved))
    return resolved


_FORGET = "delete from office_replica", "delete from business_replica where version > 0"


async def forget_copies(connection: Connection) -> None:
    """Drops all that other services told. Placeholders stay: a session waits for each."""
    for statement in _FORGET:
        await connection.execute(statement)
