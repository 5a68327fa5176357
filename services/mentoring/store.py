"""Every SQL statement of mentoring, each beside its function. Row-level security narrows what the api's role sees."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.mentoring.domain import REACH, Business, Consultant, NewConsultant, Occupation, SessionDraft
from shared.contracts.mentoring import SessionBusiness, SessionState
from shared.contracts.registry import BusinessState, OfficeState
from shared.postgres import Connection

_INSERT_CONSULTANT = """
insert into consultant (id, office, staff, name, fields, active_from, active_until)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (office, staff) do nothing returning id
"""


async def insert_consultant(connection: Connection, consultant_id: UUID, new: NewConsultant) -> bool:
    """Saves a consultant; False if the office has one with this login already."""
    saved = await connection.fetchval(
        _INSERT_CONSULTANT,
        consultant_id,
        new.office,
        new.staff,
        new.name,
        [str(field) for field in new.fields],
        new.active_from,
        new.active_until,
    )
    return saved is not None


# In sorted order, so that two sessions of the same consultants wait for each other instead of dying.
_LOCK_CONSULTANTS = """
select c.id, c.office, c.staff, c.active_from, c.active_until, o.opened_on
from consultant c left join office_replica o on o.code = c.office
where c.id = any($1::uuid[])
order by c.id for no key update of c
"""


async def lock_consultants(
    connection: Connection, ids: Sequence[UUID]
) -> tuple[dict[UUID, Consultant], dict[str, date]]:
    """Locks the consultants that the scope shows; returns them and, as far as known, when their offices opened."""
    rows = await connection.fetch(_LOCK_CONSULTANTS, ids)
    consultants = {
        row["id"]: Consultant(row["id"], row["office"], row["staff"], row["active_from"], row["active_until"])
        for row in rows
    }
    return consultants, {row["office"]: row["opened_on"] for row in rows if row["opened_on"] is not None}


# Locks nothing unless all are there, so that the next statement can take every lock in sorted order.
_SHARE_BUSINESSES = """
select id, status, kinds, kelurahan, home_office from business_replica
where id = any($1::uuid[])
  and (select count(*) from business_replica where id = any($1::uuid[])) = cardinality($1::uuid[])
order by id for share
"""
_HOLD_BUSINESSES = """
insert into business_replica (id) select id from unnest($1::uuid[]) as wanted (id) order by id
on conflict (id) do update set id = excluded.id
returning id, status, kinds, kelurahan, home_office
"""


async def lock_businesses(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Business]:
    """Locks the copies of distinct businesses, leaving placeholders for those that have not arrived.

    Whoever brings a business waits for this transaction, and then finds the session that waits for the business.
    """
    rows = await connection.fetch(_SHARE_BUSINESSES, ids) or await connection.fetch(_HOLD_BUSINESSES, sorted(ids))
    return {
        row["id"]: Business(row["id"], row["status"], row["kinds"], row["kelurahan"], row["home_office"])
        for row in rows
    }


_CALENDAR = """
select sc.consultant, s.day, s.start, s.contact_minutes, s.preparation_minutes, s.travel_minutes
from session_consultant sc join session s on s.id = sc.session
where sc.consultant = any($1::uuid[]) and sc.day between $2 and $3
order by s.day, s.start
"""


async def calendar_around(
    connection: Connection, consultants: Sequence[UUID], day: date
) -> dict[UUID, list[Occupation]]:
    """Returns what else the consultants do within reach of a day; their rows must be locked by now."""
    calendar: dict[UUID, list[Occupation]] = {each: [] for each in consultants}
    for consultant, *occupation in await connection.fetch(_CALENDAR, consultants, day - REACH, day + REACH):
        calendar[consultant].append(Occupation(*occupation))
    return calendar


_INSERT_SESSION = """
with saved as (
    insert into session (id, office, day, start, contact_minutes, preparation_minutes, travel_minutes,
                         field, service, channel, state, provisional, recorded_by, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'completed', $13, $14, $15)
    returning id, office, day
), with_consultants as (
    insert into session_consultant (session, consultant, office, day, place)
    select saved.id, c.id, saved.office, saved.day, c.place
    from saved, unnest($11::uuid[]) with ordinality as c (id, place)
)
insert into session_business (session, business, office, place, known, kinds, kelurahan, home_office)
select saved.id, r.id, saved.office, b.place, r.version > 0, r.kinds, r.kelurahan, r.home_office
from saved, unnest($12::uuid[]) with ordinality as b (id, place) join business_replica r on r.id = b.id
"""


async def insert_session(
    connection: Connection,
    session_id: UUID,
    draft: SessionDraft,
    *,
    provisional: bool,
    recorded_by: str,
    recorded_at: datetime,
) -> None:
    """Saves a completed session with its consultants, and its businesses as their locked copies know them."""
    held = draft.occupation
    await connection.execute(
        _INSERT_SESSION,
        session_id,
        draft.office,
        held.day,
        held.start,
        held.contact_minutes,
        held.preparation_minutes,
        held.travel_minutes,
        draft.field,
        draft.service,
        draft.channel,
        draft.consultants,
        draft.businesses,
        provisional,
        recorded_by,
        recorded_at,
    )


@dataclass(frozen=True, slots=True)
class Copy:
    """What an event says of an aggregate of another service."""

    event_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class OfficeCopy(Copy):
    state: OfficeState


@dataclass(frozen=True, slots=True)
class BusinessCopy(Copy):
    state: BusinessState


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


# Kinds come as JSON, because unnest would flatten an array of arrays.
_REPLACE_BUSINESSES = """
insert into business_replica as held
       (id, version, event_id, trade_name, kinds, kelurahan, home_office, status, closed_on)
select id, version, event_id, trade_name, array(select json_array_elements_text(kinds)),
       kelurahan, home_office, status, closed_on
from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::json[],
            $6::text[], $7::text[], $8::text[], $9::date[])
     as told (id, version, event_id, trade_name, kinds, kelurahan, home_office, status, closed_on)
order by id
on conflict (id) do update
set version = excluded.version, event_id = excluded.event_id, trade_name = excluded.trade_name, kinds = excluded.kinds,
    kelurahan = excluded.kelurahan, home_office = excluded.home_office, status = excluded.status,
    closed_on = excluded.closed_on
where held.version < excluded.version
returning id::text
"""


async def replace_businesses(connection: Connection, copies: Sequence[BusinessCopy]) -> set[str]:
    """Saves newer copies of businesses, one each, filling placeholders; returns the ids of those that were newer."""
    states = [copy.state for copy in copies]
    rows = await connection.fetch(
        _REPLACE_BUSINESSES,
        [state.id for state in states],
        [copy.version for copy in copies],
        [copy.event_id for copy in copies],
        [state.trade_name for state in states],
        [json.dumps(state.kinds) for state in states],
        [state.kelurahan for state in states],
        [state.home_office for state in states],
        [state.status for state in states],
        [state.closed_on for state in states],
    )
    return {row["id"] for row in rows}


_HELD_OFFICES = "select code as id, version, event_id from office_replica where code = any($1::text[])"
_HELD_BUSINESSES = "select id::text, version, event_id from business_replica where id = any($1::uuid[])"


async def held_offices(connection: Connection, codes: Sequence[str]) -> dict[str, Copy]:
    """Returns which version of each office is held, and which event brought it."""
    rows = await connection.fetch(_HELD_OFFICES, codes) if codes else []
    return {row["id"]: Copy(row["event_id"], row["version"]) for row in rows}


async def held_businesses(connection: Connection, ids: Sequence[str]) -> dict[str, Copy]:
    """Returns which version of each business is held, and which event brought it."""
    rows = await connection.fetch(_HELD_BUSINESSES, ids) if ids else []
    return {row["id"]: Copy(row["event_id"], row["version"]) for row in rows}


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


_SESSION = """
select s.id, s.seq, s.office, s.day, s.start, s.contact_minutes, s.preparation_minutes, s.travel_minutes,
       s.field, s.service, s.channel, s.state, s.confirmable_version, s.imported,
       s.provisional, s.revision, s.version, s.recorded_at,
       array(select consultant from session_consultant sc where sc.session = s.id order by place) as consultants,
       (select json_agg(json_build_object(
            'id', sb.business, 'known', sb.known, 'kinds', sb.kinds, 'kelurahan', sb.kelurahan,
            'home_office', sb.home_office, 'attested', sb.attested, 'trade_name', r.trade_name) order by place)
        from session_business sb left join business_replica r on r.id = sb.business
        where sb.session = s.id) as businesses
from session s
"""
_SESSIONS_BY_ID = _SESSION + "where s.id = any($1::uuid[]) order by s.id"
_SESSION_PAGE = (
    _SESSION
    + """
where s.office = any($1::text[]) and (not $2 or s.provisional) and ($3::bigint is null or s.seq < $3)
order by s.seq desc limit $4
"""
)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands. `trade_names` by business, as far as they have arrived; `seq` is its place in pages."""

    state: SessionState
    trade_names: Mapping[UUID, str]
    provisional: bool
    revision: int
    version: int
    recorded_at: datetime
    seq: int


async def read_sessions(connection: Connection, ids: Sequence[UUID]) -> list[Session]:
    """Returns the sessions that the scope shows, in the order of their ids."""
    return [_session(row) for row in await connection.fetch(_SESSIONS_BY_ID, ids)] if ids else []


async def list_sessions(
    connection: Connection,
    offices: Sequence[str],
    *,
    unresolved_only: bool,
    before: int | None,
    limit: int,
) -> list[Session]:
    """Returns a page of the offices' sessions, the last recorded first, from below the place `before`."""
    return [_session(row) for row in await connection.fetch(_SESSION_PAGE, offices, unresolved_only, before, limit)]


def _session(row: Record) -> Session:
    businesses = json.loads(row["businesses"])
    state = SessionState(
        businesses=[SessionBusiness(**business) for business in businesses],
        **{name: row[name] for name in SessionState.model_fields if name != "businesses"},
    )
    return Session(
        state=state,
        trade_names={UUID(each["id"]): each["trade_name"] for each in businesses if each["trade_name"] is not None},
        provisional=row["provisional"],
        revision=row["revision"],
        version=row["version"],
        recorded_at=row["recorded_at"],
        seq=row["seq"],
    )


_CONSULTANT_PAGE = """
select id, seq, office, staff, name, fields, active_from, active_until, revision, version from consultant
where office = any($1::text[]) and ($2::bigint is null or seq > $2)
order by seq limit $3
"""


async def list_consultants(
    connection: Connection,
    offices: Sequence[str],
    *,
    after: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Returns a page of the offices' consultants, the first registered first, from above the place `after`."""
    return [dict(row) for row in await connection.fetch(_CONSULTANT_PAGE, offices, after, limit)]
