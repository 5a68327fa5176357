"""Sessions: written down, changed and found again, with the history of their changes."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.mentoring.domain import Channel, Field, Occupation, Service, SessionDraft, are_provisional
from services.mentoring.domain.lifecycle import Standing, State
from services.mentoring.domain.meaning import Recorded
from shared.contracts.mentoring import SessionBusiness, SessionState
from shared.postgres import Connection

_INSERT_SESSION = """
with saved as (
    insert into session (id, office, day, start, contact_minutes, preparation_minutes, travel_minutes,
                         field, service, channel, provisional, recorded_by, recorded_at,
                         state, place, outcome, follow_up, follow_up_on, import_job, imported, accepted,
                         unconfirmed_since)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, $14, $15, $16, $17, $18, $19, $20,
            $21::uuid, $21::uuid is not null, $21::uuid is null,
            case when $16::text = 'completed' and $21::uuid is null then $15::timestamptz end)
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
    state: State,
    provisional: bool,
    recorded_by: str,
    recorded_at: datetime,
    import_job: UUID | None = None,
) -> None:
    """Saves a new plan or record with its consultants, and its businesses as their locked copies know them.

    What an import brings waits to be accepted, and nobody is asked about it.
    """
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
        state,
        draft.place,
        draft.outcome,
        draft.follow_up,
        draft.follow_up_on,
        import_job,
    )


_SESSION = """
select s.id, s.seq, s.office, s.day, s.start, s.contact_minutes, s.preparation_minutes, s.travel_minutes,
       s.field, s.service, s.channel, s.state, s.confirmable_version, s.imported, s.accepted, s.follow_up_on,
       s.place, s.outcome, s.follow_up, s.provisional, s.revision, s.version, s.recorded_by, s.recorded_at,
       s.unconfirmed_since,
       array(select consultant from session_consultant sc where sc.session = s.id order by sc.place) as consultants,
       array(select c.staff from session_consultant sc join consultant c on c.id = sc.consultant
             where sc.session = s.id order by sc.place) as staff,
       (select json_agg(json_build_object(
            'id', sb.business, 'known', sb.known, 'kinds', sb.kinds, 'kelurahan', sb.kelurahan,
            'home_office', sb.home_office, 'attested', sb.attested, 'trade_name', r.trade_name,
            'status', r.status, 'closed_on', r.closed_on, 'current_home_office', r.home_office) order by sb.place)
        from session_business sb left join business_replica r on r.id = sb.business
        where sb.session = s.id) as businesses
from session s
"""
_SESSIONS_BY_ID = _SESSION + "where s.id = any($1::uuid[]) order by s.id"
_NARROWED = """
where s.office = any($1::text[]) and (not $2 or s.provisional) and ($3::bigint is null or s.seq < $3)
  and ($5::text is null or s.state = $5) and ($7::date is null or s.day >= $7) and ($8::date is null or s.day <= $8)
  and ($6::uuid is null or exists (select from session_consultant sc where sc.session = s.id and sc.consultant = $6))
  and ($9::uuid is null or exists (select from session_business sb where sb.session = s.id and sb.business = $9))
  and ($10::boolean is null or s.accepted = $10)
order by s.seq desc limit $4
"""
_SESSION_PAGE = _SESSION + _NARROWED


@dataclass(frozen=True, slots=True)
class Today:
    """A business as its copy knows it today; the session keeps what was known then."""

    trade_name: str
    status: str
    closed_on: date | None
    home_office: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands. `today` by business, as far as copies have arrived; `seq` is its place in pages.

    `staff`: the logins of its consultants. `unconfirmed_since`: when its clients were last asked, if ever.
    """

    state: SessionState
    draft: SessionDraft
    standing: Standing
    today: Mapping[UUID, Today]
    staff: Sequence[str]
    provisional: bool
    recorded_by: str
    recorded_at: datetime
    unconfirmed_since: datetime | None
    seq: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions of a list are wanted; None means any."""

    unresolved: bool = False
    state: str | None = None
    consultant: UUID | None = None
    business: UUID | None = None
    first_day: date | None = None
    last_day: date | None = None
    accepted: bool | None = None


async def read_sessions(connection: Connection, ids: Sequence[UUID]) -> list[Session]:
    """Returns the sessions that the scope shows, in the order of their ids."""
    return [_session(row) for row in await connection.fetch(_SESSIONS_BY_ID, ids)] if ids else []


async def list_sessions(
    connection: Connection, offices: Sequence[str], wanted: Wanted, *, before: int | None, limit: int
) -> list[Session]:
    """Returns a page of the offices' sessions, the last recorded first, from below the place `before`."""
    rows = await connection.fetch(
        _SESSION_PAGE,
        offices,
        wanted.unresolved,
        before,
        limit,
        wanted.state,
        wanted.consultant,
        wanted.first_day,
        wanted.last_day,
        wanted.business,
        wanted.accepted,
    )
    return [_session(row) for row in rows]


_LOCK_SESSIONS = "select id from session where id = any($1::uuid[]) order by id for no key update"


async def lock_sessions(connection: Connection, ids: Sequence[UUID]) -> list[Session]:
    """Locks the sessions that the scope shows and returns them as they stand then, both in the order of their ids.

    Read after the lock, in a statement of its own: the lock may have waited for somebody who changed them.
    """
    await connection.execute(_LOCK_SESSIONS, ids)
    return await read_sessions(connection, ids)


def _session(row: Record) -> Session:
    businesses = json.loads(row["businesses"])
    state = SessionState(
        businesses=[SessionBusiness(**business) for business in businesses],
        **{name: row[name] for name in SessionState.model_fields if name != "businesses"},
    )
    return Session(
        state=state,
        draft=_draft(state, row),
        standing=Standing(State(state.state), row["revision"], row["version"], state.confirmable_version),
        today={UUID(each["id"]): _today(each) for each in businesses if each["status"] is not None},
        staff=row["staff"],
        provisional=row["provisional"],
        recorded_by=row["recorded_by"],
        recorded_at=row["recorded_at"],
        unconfirmed_since=row["unconfirmed_since"],
        seq=row["seq"],
    )


def _draft(state: SessionState, row: Record) -> SessionDraft:
    return SessionDraft(
        state.office,
        Occupation(state.day, state.start, state.contact_minutes, state.preparation_minutes, state.travel_minutes),
        state.consultants,
        [business.id for business in state.businesses],
        Field(state.field),
        Service(state.service),
        Channel(state.channel),
        row["place"],
        row["outcome"],
        row["follow_up"],
        state.follow_up_on,
    )


def _today(business: Mapping[str, Any]) -> Today:
    closed_on = business["closed_on"]
    return Today(
        business["trade_name"],
        business["status"],
        None if closed_on is None else date.fromisoformat(closed_on),
        business["current_home_office"],
    )


_RECORDED = """
select s.id, s.start, s.contact_minutes,
       array(select consultant from session_consultant sc where sc.session = s.id) as consultants,
       array(select business from session_business sb where sb.session = s.id) as businesses
from session s
where s.office = $1 and s.day = $2 and s.state not in ('cancelled', 'no_show')
  and s.id in (select session from session_business where business = any($3::uuid[]))
order by s.seq
"""


async def recorded_on(connection: Connection, office: str, day: date, businesses: Sequence[UUID]) -> list[Recorded]:
    """Returns the office's sessions of a day with any of the businesses, planned or held."""
    return [Recorded(*row) for row in await connection.fetch(_RECORDED, office, day, businesses)]


_STANDING = "select id from session where id = any($1::uuid[]) and state not in ('cancelled', 'no_show')"


async def still_standing(connection: Connection, ids: Collection[UUID]) -> set[UUID]:
    """Returns those of the sessions that the scope shows and that were not taken back."""
    return {row["id"] for row in await connection.fetch(_STANDING, list(ids))}


_UNACCEPTED = """
select id from session
where import_job = $1 and not accepted and state in ('completed', 'confirmed', 'contested')
order by id limit $2
"""
_COUNT_UNACCEPTED = """
select count(*) from session
where import_job = $1 and not accepted and state in ('completed', 'confirmed', 'contested')
"""
_ACCEPT = (
    "update session set accepted = true, revision = revision + 1, version = version + 1 where id = any($1::uuid[])"
)


async def unaccepted_of(connection: Connection, import_job: UUID, limit: int) -> list[UUID]:
    """Returns sessions that an import brought, that count as held, and that wait to be accepted."""
    return [row["id"] for row in await connection.fetch(_UNACCEPTED, import_job, limit)]


async def count_unaccepted(connection: Connection, import_job: UUID) -> int:
    """Returns how many of them there are."""
    count: int = await connection.fetchval(_COUNT_UNACCEPTED, import_job)
    return count


async def accept_sessions(connection: Connection, ids: Sequence[UUID]) -> None:
    """Lets locked sessions count; the caller tells an event of each."""
    await connection.execute(_ACCEPT, ids)


_UPDATE_SESSION = """
update session
set day = $2, start = $3, contact_minutes = $4, preparation_minutes = $5, travel_minutes = $6, field = $7,
    service = $8, channel = $9, place = $10, outcome = $11, follow_up = $12, follow_up_on = $13,
    state = $14, revision = $15, version = $16, confirmable_version = $17, provisional = $18,
    unconfirmed_since = case when $19 then $20 else unconfirmed_since end
where id = $1
"""
_DROP_CONSULTANTS = "delete from session_consultant where session = $1"
_PLACE_CONSULTANTS = """
insert into session_consultant (session, consultant, office, day, place)
select $1, c.id, $2, $3, c.place from unnest($4::uuid[]) with ordinality as c (id, place)
"""
_DROP_BUSINESSES = "delete from session_business where session = $1"
# As JSON, because unnest would flatten an array of arrays.
_PLACE_BUSINESSES = """
insert into session_business (session, business, office, place, known, kinds, kelurahan, home_office, attested)
select $1, b.id, $2, row_number() over (), b.known, b.kinds, b.kelurahan, b.home_office, b.attested
from json_to_recordset($3) as b (id uuid, known bool, kinds text[], kelurahan text, home_office text, attested bool)
"""


async def update_session(
    connection: Connection, draft: SessionDraft, state: SessionState, standing: Standing, *, asked_at: datetime | None
) -> None:
    """Saves a locked session as it is to be; `asked_at` is given if its clients are asked now, or asked anew."""
    held = draft.occupation
    await connection.execute(
        _UPDATE_SESSION,
        state.id,
        held.day,
        held.start,
        held.contact_minutes,
        held.preparation_minutes,
        held.travel_minutes,
        draft.field,
        draft.service,
        draft.channel,
        draft.place,
        draft.outcome,
        draft.follow_up,
        draft.follow_up_on,
        standing.state,
        standing.revision,
        standing.version,
        standing.confirmable_version,
        are_provisional(state.businesses),
        asked_at is not None,
        asked_at,
    )


async def replace_consultants(connection: Connection, session_id: UUID, draft: SessionDraft) -> None:
    """Saves who is there, and on which day: calendars are read by it."""
    await connection.execute(_DROP_CONSULTANTS, session_id)
    await connection.execute(
        _PLACE_CONSULTANTS, session_id, draft.office, draft.occupation.day, list(draft.consultants)
    )


async def replace_businesses(connection: Connection, state: SessionState) -> None:
    """Saves the businesses of a session, and who of them has attested."""
    await connection.execute(_DROP_BUSINESSES, state.id)
    businesses = json.dumps([business.model_dump(mode="json") for business in state.businesses])
    await connection.execute(_PLACE_BUSINESSES, state.id, state.office, businesses)


_HEAR = """
with attesting as (
    update session_business set attested = true where session = $1 and business = $5 and $6
)
update session set state = $2, revision = $3, version = $4 where id = $1
"""


async def hear(connection: Connection, session_id: UUID, standing: Standing, business: UUID, *, attested: bool) -> None:
    """Saves what a business said of a locked session, and where the session stands now."""
    await connection.execute(_HEAR, session_id, standing.state, standing.revision, standing.version, business, attested)


_BACKLOG = """
select state, age, count(*) as sessions
from session s, lateral (select width_bucket(
    extract(epoch from $2::timestamptz - coalesce(s.unconfirmed_since, s.recorded_at))::float8, $3::float8[]) as age) a
where office = any($1::text[]) and state in ('completed', 'contested') and not imported
group by state, age
"""


async def count_by_age(
    connection: Connection, offices: Sequence[str], now: datetime, bounds: Sequence[timedelta]
) -> dict[tuple[str, int], int]:
    """Returns how many sessions wait, by state and by the number of ascending bounds that their age has reached."""
    seconds = [bound.total_seconds() for bound in bounds]
    rows = await connection.fetch(_BACKLOG, offices, now, seconds)
    return {(row["state"], row["age"]): row["sessions"] for row in rows}
