"""Businesses and what their offices were told of the owners. Row-level security decides what there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.business import Activity, Business, Status
from services.registry.domain.forms import KbliVersion, Kind
from services.registry.domain.identity import SealedOwner, StoredOwner
from services.registry.store.persons import wrapped_key
from shared.commands import ACCEPTING, Answer, Work

_FIELD_OF_CONSTRAINT = {"business_nib": "nib", "business_cooperative_number": "cooperative_number"}


class Taken(Exception):
    """Another business of the province has this number; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True)
class Note:
    """A line of the audit trail: who did what to which fields, never the values."""

    actor: str
    action: str
    fields: Sequence[str]
    correlation_id: UUID
    reason: str | None = None


@dataclass(frozen=True)
class Dossier:
    """A business with what is stored of its owners, in their order."""

    business: Business
    owners: list[StoredOwner]


# Numbered from $15: those before are of ACCEPTING.
_INSERT_BUSINESS = f"""
with {ACCEPTING},
placed as (
    insert into business (id, office, trade_name, kinds, kelurahan, nib, cooperative_number, status, registered_on,
                          revision, version, kbli, capital, annual_sales)
    select $15, office.code, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28
    from office where office.code = $16
    returning id, office
), owned as (
    insert into business_owner (business_id, office, position, person_id,
                                name_sealed, npwp_sealed, phone_sealed, address_sealed, phone_index, name_tokens)
    select placed.id, placed.office, o.position, o.person, o.name, o.npwp, o.phone, o.address, o.phone_index,
           array(select t.token from unnest($36::bytea[], $37::int[]) as t (token, owner) where t.owner = o.position)
    from placed,
         unnest($29::int[], $30::uuid[], $31::bytea[], $32::bytea[], $33::bytea[], $34::bytea[], $35::bytea[])
             as o (position, person, name, npwp, phone, address, phone_index)
), noted as (
    insert into audit (actor, office, action, subject, fields, correlation_id, reason)
    select $38, placed.office, $39, placed.id, $40, $41, $42 from placed
)
select count(*) from placed
"""  # noqa: S608  a constant of ours


async def insert_business(
    work: Work, answer: Answer, business: Business, owners: Sequence[SealedOwner], note: Note
) -> bool:
    """Stores a business with its owners, and what the command leaves behind; tells whether its office is registered.

    Raises Taken. If there is no such office, the command must not be committed.
    """
    row = (
        business.id,
        business.office,
        business.trade_name,
        list(business.kinds),
        business.kelurahan,
        business.nib,
        business.cooperative_number,
        business.status,
        business.registered_on,
        business.revision,
        business.version,
        *_figures(business),
    )
    try:
        values = (*work.accepting(answer), *row, *_columns(owners), *_note(note))
        placed: int = await work.connection.fetchval(_INSERT_BUSINESS, *values)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None
    return placed == 1


_UPDATE_BUSINESS = """
with saved as (
    update business set trade_name = $3, kinds = $4, kelurahan = $5, nib = $6, cooperative_number = $7,
                        status = $8, closed_on = $9, closing_reason = $10, revision = $11, version = $12,
                        kbli = $13, capital = $14, annual_sales = $15
    where id = $1 and revision = $2
    returning id, office
), noted as (
    insert into audit (actor, office, action, subject, fields, correlation_id, reason)
    select $16, saved.office, $17, saved.id, $18, $19, $20 from saved
)
select count(*) from saved
"""


async def update_business(connection: Any, business: Business, *, seen: int, note: Note) -> bool:  # noqa: ANN401
    """Saves a business over revision `seen`, locking its row; tells whether that was the current one. Raises Taken."""
    row = (
        business.id,
        seen,
        business.trade_name,
        list(business.kinds),
        business.kelurahan,
        business.nib,
        business.cooperative_number,
        business.status,
        business.closed_on,
        business.closing_reason,
        business.revision,
        business.version,
        *_figures(business),
    )
    try:
        saved: int = await connection.fetchval(_UPDATE_BUSINESS, *row, *_note(note))
    except asyncpg.UniqueViolationError as error:
        raise _taken(error) from None
    return saved == 1


_REMOVE_OTHER_OWNERS = """
delete from business_owner where business_id = $1 and person_id <> all ($2::uuid[]) returning person_id
"""
_SAVE_OWNERS = """
insert into business_owner (business_id, office, position, person_id,
                            name_sealed, npwp_sealed, phone_sealed, address_sealed, phone_index, name_tokens)
select $1, $2, o.position, o.person, o.name, o.npwp, o.phone, o.address, o.phone_index,
       array(select t.token from unnest($10::bytea[], $11::int[]) as t (token, owner) where t.owner = o.position)
from unnest($3::int[], $4::uuid[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])
     as o (position, person, name, npwp, phone, address, phone_index)
on conflict (business_id, person_id) do update
set position = excluded.position, name_sealed = excluded.name_sealed, npwp_sealed = excluded.npwp_sealed,
    phone_sealed = excluded.phone_sealed, address_sealed = excluded.address_sealed,
    phone_index = excluded.phone_index, name_tokens = excluded.name_tokens
"""


async def replace_owners(connection: Any, business: Business, owners: Sequence[SealedOwner]) -> list[UUID]:  # noqa: ANN401
    """Makes these the owners of a business whose row is locked; returns the persons who no longer are."""
    removed = await connection.fetch(_REMOVE_OTHER_OWNERS, business.id, [owner.person for owner in owners])
    await connection.execute(_SAVE_OWNERS, business.id, business.office, *_columns(owners))
    return [row["person_id"] for row in removed]


_FIND_BUSINESS = """
select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.nib, b.cooperative_number, b.status, b.registered_on,
       b.closed_on, b.closing_reason, b.revision, b.version as business_version, b.kbli, b.capital, b.annual_sales,
       b.registered_by,
       o.person_id, o.name_sealed, o.npwp_sealed, o.phone_sealed, o.address_sealed, p.nik_sealed,
       k.version, k.kek, k.sealed
from business b
join business_owner o on o.business_id = b.id
join person p on p.id = o.person_id
join person_key k on k.person_id = p.id
where b.id = $1
order by o.position
"""


async def find_business(connection: Any, business_id: UUID) -> Dossier | None:  # noqa: ANN401
    """Returns a business of the caller's offices with its owners as they are stored, or None."""
    rows = await connection.fetch(_FIND_BUSINESS, business_id)
    if not rows:
        return None
    return Dossier(_business(rows[0], rows[0]["business_version"]), [_stored_owner(row) for row in rows])


_NEXT_PROSPECTIVE = """
insert into prospective_number as n (office, last) values ($1, 1)
on conflict (office) do update set last = n.last + 1
returning last
"""


async def next_prospective(connection: Any, office: str) -> int:  # noqa: ANN401
    """Returns the number of the office's next would-be entrepreneur; without a gap: a refusal gives it back."""
    number: int = await connection.fetchval(_NEXT_PROSPECTIVE, office)
    return number


_FIND_REVISION = "select revision from business where id = $1"


async def find_revision(connection: Any, business_id: UUID) -> int:  # noqa: ANN401
    """Returns the current revision of a business that exists."""
    revision: int = await connection.fetchval(_FIND_REVISION, business_id)
    return revision


_BEFORE_ALL = UUID(int=0)
# One short index scan for each office and status, however many rows there are.
_LIST_BUSINESSES = """
select b.* from unnest($1::text[]) as o (office), unnest($2::text[]) as s (status),
    lateral (
        select id, office, trade_name, kinds, kelurahan, nib, cooperative_number, status, registered_on,
               closed_on, closing_reason, revision, version, kbli, capital, annual_sales, registered_by
        from business
        where business.office = o.office and business.status = s.status and business.id > $3
        order by business.id limit $4
    ) as b
order by b.id limit $4
"""


async def list_businesses(
    connection: Any,  # noqa: ANN401
    offices: Sequence[str],
    statuses: Sequence[Status],
    after: UUID | None,
    limit: int,
) -> list[Business]:
    """Returns the next businesses of the offices, in a fixed order that means nothing."""
    rows = await connection.fetch(_LIST_BUSINESSES, offices, statuses, after or _BEFORE_ALL, limit)
    return [_business(row, row["version"]) for row in rows]


_LIST_THESE = """
select id, office, trade_name, kinds, kelurahan, nib, cooperative_number, status, registered_on,
       closed_on, closing_reason, revision, version, kbli, capital, annual_sales, registered_by
from business where id = any ($1::uuid[])
"""


async def list_these(connection: Any, ids: Sequence[UUID]) -> dict[UUID, Business]:  # noqa: ANN401
    """Returns those of the businesses that are the caller's offices' own, by id."""
    rows = await connection.fetch(_LIST_THESE, ids)
    return {row["id"]: _business(row, row["version"]) for row in rows}


def _business(row: asyncpg.Record, version: int) -> Business:
    return Business(
        id=row["id"],
        office=row["office"],
        trade_name=row["trade_name"],
        kinds=tuple(Kind(kind) for kind in row["kinds"]),
        kelurahan=row["kelurahan"],
        nib=row["nib"],
        cooperative_number=row["cooperative_number"],
        registered_on=row["registered_on"],
        kbli=tuple(Activity(text[5:], KbliVersion(text[:4])) for text in row["kbli"]),
        capital=row["capital"],
        annual_sales=row["annual_sales"],
        status=Status(row["status"]),
        closed_on=row["closed_on"],
        closing_reason=row["closing_reason"],
        revision=row["revision"],
        version=version,
        registered_by=row["registered_by"],
    )


def _figures(business: Business) -> tuple[list[str], int | None, int | None]:
    kbli = [f"{activity.version}:{activity.code}" for activity in business.kbli]
    return kbli, business.capital, business.annual_sales


def _stored_owner(row: asyncpg.Record) -> StoredOwner:
    return StoredOwner(
        person=row["person_id"],
        wrapped=wrapped_key(row),
        nik=row["nik_sealed"],
        name=row["name_sealed"],
        npwp=row["npwp_sealed"],
        phone=row["phone_sealed"],
        address=row["address_sealed"],
    )


def _columns(owners: Sequence[SealedOwner]) -> list[list[Any]]:
    """The owners column by column, ready for unnest; the name tokens flat, each with its owner's position."""
    tokens = [(token, place) for place, owner in enumerate(owners) for token in owner.name_tokens]
    return [
        list(range(len(owners))),
        [owner.person for owner in owners],
        [owner.name for owner in owners],
        [owner.npwp for owner in owners],
        [owner.phone for owner in owners],
        [owner.address for owner in owners],
        [owner.phone_index for owner in owners],
        [token for token, _ in tokens],
        [place for _, place in tokens],
    ]


def _note(note: Note) -> tuple[str, str, list[str], UUID, str | None]:
    return (note.actor, note.action, list(note.fields), note.correlation_id, note.reason)


def _taken(error: asyncpg.UniqueViolationError) -> Exception:
    field = _FIELD_OF_CONSTRAINT.get(error.constraint_name or "")
    return error if field is None else Taken(field)
