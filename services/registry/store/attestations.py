"""Attestations: opened and voided by the consumer, settled by clients and the front desk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.attestations import Attestation, Method, Standing, State
from services.registry.store.businesses import Note
from services.registry.store.persons import wrapped_key
from shared.consumer.versions import Known
from shared.privacy.sealing import WrappedKey

# Stored as waiting; time and tries tell the rest.
_STORED = {Standing.EXPIRED: Standing.WAITING, Standing.LOCKED: Standing.WAITING}
_COLUMNS = """id, session, business, confirmable_version, office, trade_name, day, start, contact_minutes, field,
       service, channel, recorded_by, state, opened_at, expires_at, tries_left, version, method, settled_at"""


@dataclass(frozen=True)
class SessionNews:
    """What a session's newest event means for its attestations. `businesses`: those that it still names."""

    session: UUID
    confirmable_version: int
    off: bool
    businesses: Sequence[UUID]


@dataclass(frozen=True)
class Client:
    """Whom to ask: a business by its public name, and the first of its owners who has a phone, if any."""

    trade_name: str
    person: UUID | None
    wrapped: WrappedKey | None


@dataclass(frozen=True)
class Opening:
    """A new conversation with what is kept of its secret; None where nobody can be reached."""

    attestation: Attestation
    person: UUID | None = None
    token_digest: bytes | None = None
    code_digest: bytes | None = None
    sealed: bytes | None = field(default=None, repr=False)
    give_up_at: datetime | None = None


@dataclass(frozen=True)
class Locked:
    """An attestation whose row is locked, with the digest of its code."""

    attestation: Attestation
    code_digest: bytes | None


_TAKE_SESSIONS = """
insert into attested_session (session, version, event_id)
select n.session, n.version, n.event_id
from unnest($1::uuid[], $2::bigint[], $3::uuid[]) as n (session, version, event_id)
order by n.session
on conflict (session) do update set version = excluded.version, event_id = excluded.event_id
where attested_session.version < excluded.version
returning session
"""
_HELD_SESSIONS = "select session, version, event_id from attested_session where session = any ($1::uuid[])"


async def take_sessions(connection: Any, known: dict[UUID, Known]) -> set[UUID]:  # noqa: ANN401  pooled or plain
    """Notes how far sessions are known, locking their rows in order; returns those for which this was news."""
    rows = await connection.fetch(
        _TAKE_SESSIONS, list(known), [one.version for one in known.values()], [one.event_id for one in known.values()]
    )
    return {row["session"] for row in rows}


async def held_sessions(connection: Any, sessions: Sequence[UUID]) -> dict[UUID, Known]:  # noqa: ANN401
    rows = await connection.fetch(_HELD_SESSIONS, sessions)
    return {row["session"]: Known(row["event_id"], row["version"]) for row in rows}


_FORGET_SESSIONS = "delete from attested_session"


async def forget_sessions(connection: Any) -> None:  # noqa: ANN401
    """Forgets how far sessions are known; what clients were asked and said stays."""
    await connection.execute(_FORGET_SESSIONS)


# Of the same confirmable version only what the session itself took back; what is newer than the news stays.
_VOID = """
update attestation a set state = 'voided'
from unnest($1::uuid[], $2::int[], $3::bool[]) as n (session, confirmable_version, off)
where a.session = n.session and a.state in ('waiting', 'unreachable')
  and (a.confirmable_version < n.confirmable_version
       or a.confirmable_version = n.confirmable_version
          and (n.off or not exists (select from unnest($4::uuid[], $5::uuid[]) as still (session, business)
                                    where still.session = a.session and still.business = a.business)))
"""


async def void_outdated(connection: Any, news: Sequence[SessionNews]) -> None:  # noqa: ANN401
    """Voids open conversations about what a session no longer says. The sessions' rows are locked."""
    still = [(each.session, business) for each in news for business in each.businesses]
    await connection.execute(
        _VOID,
        [each.session for each in news],
        [each.confirmable_version for each in news],
        [each.off for each in news],
        [session for session, _ in still],
        [business for _, business in still],
    )


_FIND_CLIENTS = """
select b.id, b.trade_name, o.person_id, o.version, o.kek, o.sealed
from unnest($1::uuid[]) as wanted (id) join business b on b.id = wanted.id
left join lateral (
    select o.person_id, k.version, k.kek, k.sealed
    from business_owner o join person_key k on k.person_id = o.person_id
    where o.business_id = b.id and o.phone_sealed is not null order by o.position limit 1
) as o on true
"""


async def find_clients(connection: Any, businesses: Sequence[UUID]) -> dict[UUID, Client]:  # noqa: ANN401
    """Returns whom to ask of these businesses; one that is not registered is left out."""
    rows = await connection.fetch(_FIND_CLIENTS, businesses)
    return {row["id"]: _client(row) for row in rows}


_OPEN = f"""
with opened as (
    insert into attestation ({_COLUMNS}, token_digest, code_digest)
    select o.id, o.session, o.business, o.confirmable_version, o.office, o.trade_name, o.day, o.start,
           o.contact_minutes, o.field, o.service, o.channel, o.recorded_by, o.state, o.opened_at, o.expires_at,
           o.tries_left, 0, null, null, o.token_digest, o.code_digest
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::date[], $8::time[],
                $9::int[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
                $16::timestamptz[], $17::smallint[], $18::bytea[], $19::bytea[])
         as o (id, session, business, confirmable_version, office, trade_name, day, start, contact_minutes, field,
               service, channel, recorded_by, state, opened_at, expires_at, tries_left, token_digest, code_digest)
    on conflict (session, business, confirmable_version) do nothing
    returning id, business, opened_at
)
insert into attestation_message (attestation, business, person, secret_sealed, state, next_at, give_up_at)
select opened.id, opened.business, m.person, m.sealed, 'waiting', opened.opened_at, m.give_up_at
from opened join unnest($1::uuid[], $20::uuid[], $21::bytea[], $22::timestamptz[])
     as m (id, person, sealed, give_up_at) on m.id = opened.id
where m.sealed is not null
"""  # noqa: S608  a constant of ours


async def open_attestations(connection: Any, openings: Sequence[Opening]) -> None:  # noqa: ANN401
    """Opens the conversations that were never opened before, each with its message."""
    all_of = [each.attestation for each in openings]
    await connection.execute(
        _OPEN,
        [one.id for one in all_of],
        [one.session for one in all_of],
        [one.business for one in all_of],
        [one.confirmable_version for one in all_of],
        [one.office for one in all_of],
        [one.trade_name for one in all_of],
        [one.day for one in all_of],
        [one.start for one in all_of],
        [one.contact_minutes for one in all_of],
        [one.field for one in all_of],
        [one.service for one in all_of],
        [one.channel for one in all_of],
        [one.recorded_by for one in all_of],
        [one.state for one in all_of],
        [one.opened_at for one in all_of],
        [one.expires_at for one in all_of],
        [one.tries_left for one in all_of],
        [each.token_digest for each in openings],
        [each.code_digest for each in openings],
        [each.person for each in openings],
        [each.sealed for each in openings],
        [each.give_up_at for each in openings],
    )


_FIND_BY_DIGEST = "select id, office from find_attestation($1)"


async def find_by_token(connection: Any, token_digest: bytes) -> tuple[UUID, str] | None:  # noqa: ANN401
    """Returns the attestation of a token and its office, in which the rest is read; needs no scope."""
    row = await connection.fetchrow(_FIND_BY_DIGEST, token_digest)
    return None if row is None else (row["id"], row["office"])


_READ = f"select {_COLUMNS} from attestation where id = $1"  # noqa: S608  a constant of ours
_OFFICE_NAME = "select name from office where code = $1"


async def read_attestation(connection: Any, attestation: UUID) -> Attestation | None:  # noqa: ANN401
    row = await connection.fetchrow(_READ, attestation)
    return None if row is None else attestation_of(row)


async def office_name(connection: Any, code: str) -> str:  # noqa: ANN401
    """Returns the public name of an office; its code where it is not registered here."""
    name: str | None = await connection.fetchval(_OFFICE_NAME, code)
    return name or f"PLUT {code}"


_LOCK = f"select {_COLUMNS}, code_digest from attestation where id = $1 for no key update"  # noqa: S608  the same


async def lock_attestation(connection: Any, attestation: UUID) -> Locked | None:  # noqa: ANN401
    """Locks an attestation of the caller's offices: tries are counted by one at a time."""
    row = await connection.fetchrow(_LOCK, attestation)
    return None if row is None else Locked(attestation_of(row), row["code_digest"])


_SAVE = """
update attestation set state = $2, tries_left = $3, version = $4, method = $5, settled_at = $6,
                       paper_note = coalesce($7, paper_note)
where id = $1
"""


async def save_attestation(connection: Any, one: Attestation, paper_note: str | None = None) -> None:  # noqa: ANN401
    """Saves what a client or the front desk did to a locked attestation."""
    await connection.execute(
        _SAVE, one.id, one.state, one.tries_left, one.version, one.method, one.settled_at, paper_note
    )


_NOTE = "insert into audit (actor, office, action, subject, fields, correlation_id) values ($1, $2, $3, $4, $5, $6)"


async def note_paper(connection: Any, one: Attestation, note: Note) -> None:  # noqa: ANN401
    """Leaves the audit row of a statement on paper."""
    await connection.execute(_NOTE, note.actor, one.office, note.action, one.id, list(note.fields), note.correlation_id)


_LIST = f"""
select {_COLUMNS} from attestation
where office = any ($1::text[]) and ($2::text is null or state = $2)
  and ($3::text is null or case when state <> 'waiting' then state when expires_at <= $4 then 'expired'
                                when tries_left = 0 then 'locked' else 'waiting' end = $3)
  and ($5::timestamptz is null or (opened_at, id) > ($5, $6))
order by opened_at, id limit $7
"""  # noqa: S608  a constant of ours


async def list_attestations(
    connection: Any,  # noqa: ANN401
    offices: Sequence[str],
    standing: Standing | None,
    now: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Attestation]:
    """Returns the next attestations of the offices, the oldest first."""
    stored = None if standing is None else _STORED.get(standing, standing)
    rows = await connection.fetch(_LIST, offices, stored, standing, now, after and after[0], after and after[1], limit)
    return [attestation_of(row) for row in rows]


def attestation_of(row: asyncpg.Record) -> Attestation:
    """Returns the attestation of a row that has all its columns."""
    return Attestation(
        id=row["id"],
        session=row["session"],
        business=row["business"],
        confirmable_version=row["confirmable_version"],
        office=row["office"],
        trade_name=row["trade_name"],
        day=row["day"],
        start=row["start"],
        contact_minutes=row["contact_minutes"],
        field=row["field"],
        service=row["service"],
        channel=row["channel"],
        recorded_by=row["recorded_by"],
        state=State(row["state"]),
        opened_at=row["opened_at"],
        expires_at=row["expires_at"],
        tries_left=row["tries_left"],
        version=row["version"],
        method=None if row["method"] is None else Method(row["method"]),
        settled_at=row["settled_at"],
    )


def _client(row: asyncpg.Record) -> Client:
    person = row["person_id"]
    return Client(row["trade_name"], person, None if person is None else wrapped_key(row))
