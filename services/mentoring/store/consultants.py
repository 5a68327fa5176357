"""Consultants, their calendars and their caseloads."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.mentoring.domain import REACH, Consultant, ConsultantChange, NewConsultant, Occupation
from services.mentoring.domain.meaning import Colleague
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


_CALENDAR = """
select sc.consultant, s.day, s.start, s.contact_minutes, s.preparation_minutes, s.travel_minutes
from session_consultant sc join session s on s.id = sc.session
where sc.consultant = any($1::uuid[]) and sc.day between $2 and $3
  and s.state not in ('cancelled', 'no_show') and s.id is distinct from $4
order by s.day, s.start
"""


async def calendar_around(
    connection: Connection, consultants: Sequence[UUID], day: date, besides: UUID | None = None
) -> dict[UUID, list[Occupation]]:
    """Returns what the consultants do and plan within reach of a day, `besides` one session of theirs.

    Their rows must be locked by now.
    """
    calendar: dict[UUID, list[Occupation]] = {each: [] for each in consultants}
    for consultant, *occupation in await connection.fetch(_CALENDAR, consultants, day - REACH, day + REACH, besides):
        calendar[consultant].append(Occupation(*occupation))
    return calendar


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


_CONSULTANT = """
select id, seq, office, staff, name, fields, active_from, active_until, revision, version from consultant
where id = $1
"""


async def find_consultant(
    connection: Connection, consultant_id: UUID, *, locked: bool = False
) -> dict[str, Any] | None:
    """Returns a consultant if the scope shows him."""
    row = await connection.fetchrow(_CONSULTANT + (" for no key update" if locked else ""), consultant_id)
    return None if row is None else dict(row)


_COLLEAGUES = "select id, name from consultant where office = $1 order by seq"


async def list_colleagues(connection: Connection, office: str) -> list[Colleague]:
    """Returns all consultants of an office, of whatever period, as sheets may call them."""
    return [Colleague(row["id"], row["name"]) for row in await connection.fetch(_COLLEAGUES, office)]


_UPDATE_CONSULTANT = """
update consultant
set name = $2, fields = $3, active_from = $4, active_until = $5, revision = revision + 1, version = version + $6
where id = $1 returning revision, version
"""


async def update_consultant(
    connection: Connection, consultant_id: UUID, change: ConsultantChange, *, told: bool
) -> tuple[int, int]:
    """Saves a locked consultant; returns revision and version, which rises if the change is `told`."""
    [row] = await connection.fetch(
        _UPDATE_CONSULTANT,
        consultant_id,
        change.name,
        [str(field) for field in change.fields],
        change.active_from,
        change.active_until,
        int(told),
    )
    return row["revision"], row["version"]


_SPAN = """
select min(sc.day) as first, max(sc.day) as last from session_consultant sc join session s on s.id = sc.session
where sc.consultant = $1 and s.state not in ('cancelled', 'no_show')
"""


async def days_of(connection: Connection, consultant_id: UUID) -> tuple[date | None, date | None]:
    """Returns the first and the last day of a locked consultant's sessions, planned or held."""
    row = await connection.fetchrow(_SPAN, consultant_id)
    return (None, None) if row is None else (row["first"], row["last"])


_CASELOAD = """
select sb.business as id, r.trade_name, r.status, r.home_office,
       count(*) filter (where s.accepted and s.state in ('completed', 'confirmed', 'contested')) as sessions,
       max(s.day) filter (where s.accepted and s.state in ('completed', 'confirmed', 'contested')) as last_day,
       min(s.day) filter (where s.state = 'scheduled' and s.day >= $2) as next_day
from session_consultant sc
join session s on s.id = sc.session
join session_business sb on sb.session = s.id
left join business_replica r on r.id = sb.business
where sc.consultant = $1 and s.state not in ('cancelled', 'no_show') and ($3::uuid is null or sb.business > $3)
group by sb.business, r.trade_name, r.status, r.home_office
order by sb.business limit $4
"""


async def caseload(
    connection: Connection, consultant_id: UUID, today: date, *, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Returns a page of the businesses that a consultant mentors or plans to, from above the id `after`."""
    return [dict(row) for row in await connection.fetch(_CASELOAD, consultant_id, today, after, limit)]


_AGENDA = """
select s.id, s.day, s.start, s.contact_minutes, s.preparation_minutes, s.travel_minutes, s.state, s.channel, s.place,
       array(select business from session_business sb where sb.session = s.id order by sb.place) as businesses
from session_consultant sc join session s on s.id = sc.session
where sc.consultant = $1 and sc.day between $2 and $3 and s.state not in ('cancelled', 'no_show')
order by s.day, s.start nulls first, s.seq
"""


async def agenda(connection: Connection, consultant_id: UUID, first: date, last: date) -> list[dict[str, Any]]:
    """Returns the sessions of a consultant's days, planned and held, in the order of their time."""
    return [dict(row) for row in await connection.fetch(_AGENDA, consultant_id, first, last)]
