"""Businesses found by what people remember of them. `find_businesses` alone decides what is seen of other offices'."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain import identity
from services.registry.domain.forms import Kind
from services.registry.domain.likeness import MOST_PER_PHONE, Candidate
from services.registry.store.persons import Person, claim, persons_by_nik

# What is less alike than this is not worth judging: two of five trigrams must be there.
LEAST_COVERAGE = 0.4
_MOST_CANDIDATES = 25
_ANY_PHONE = 1_000_000


@dataclass(frozen=True)
class Keys:
    """What is asked for. A name is looked for within a kelurahan or a kabupaten/kota; no region, no name."""

    trade_name: str | None = None
    region: str | None = None
    nik_indexes: Sequence[bytes] = ()
    phone_indexes: Sequence[bytes] = ()
    nibs: Sequence[str] = ()
    cooperative_numbers: Sequence[str] = ()
    owner_tokens: Sequence[bytes] = ()
    divisions: Sequence[str] = ()


_FIND = """
select id, office, trade_name, kinds, kelurahan, status, closing_reason, likeness,
       part_likeness, same_person, same_phone, same_number, owner_likeness, same_division
from find_businesses($1::text, $2::text, $3::real, $4::bytea[], $5::bytea[], $6::int, $7::text[], $8::text[],
                     $9::bytea[], $10::text[], $11::int)
"""


async def find_candidates(connection: Any, keys: Keys) -> list[Candidate]:  # noqa: ANN401  pooled or plain
    """Returns the businesses of the province that a registration may mean, unjudged."""
    return [_candidate(row) for row in await _find(connection, keys, MOST_PER_PHONE, _MOST_CANDIDATES)]


_CLAIM_AND_FIND = """
select nik_index, person_id, version, kek, sealed, id, office, trade_name, kinds, kelurahan, status, closing_reason,
       likeness, part_likeness, same_person, same_phone, same_number, owner_likeness, same_division
from claim_and_find($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[], $7::text, $8::text,
                    $9::real, $10::bytea[], $11::bytea[], $12::int, $13::text[], $14::text[], $15::bytea[],
                    $16::text[], $17::int)
"""


async def claim_and_find(
    connection: Any,  # noqa: ANN401
    locks: Sequence[int],
    owners: Sequence[identity.Candidate],
    keys: Keys,
) -> tuple[dict[bytes, Person], list[Candidate]]:
    """Does what `claim_persons` does, then what `find_candidates` does, in one round trip."""
    parameters = [*claim(locks, owners), *_parameters(keys, MOST_PER_PHONE, _MOST_CANDIDATES)]
    rows = await connection.fetch(_CLAIM_AND_FIND, *parameters)
    persons = persons_by_nik([row for row in rows if row["person_id"] is not None])
    return persons, [_candidate(row) for row in rows if row["id"] is not None]


async def find_businesses(connection: Any, keys: Keys, limit: int) -> list[Candidate]:  # noqa: ANN401
    """Returns the businesses that any of the keys leads to, the likest first: also by a phone that many share."""
    found = [_candidate(row) for row in await _find(connection, keys, _ANY_PHONE, limit)]
    return sorted(found, key=lambda each: (-each.score, str(each.id)))[:limit]


_FIND_BY_OWNER_NAME = "select id, likeness from find_by_owner_name($1::bytea[], $2)"


async def find_by_owner_name(connection: Any, tokens: Sequence[bytes], limit: int) -> dict[UUID, float]:  # noqa: ANN401
    """Returns businesses of the caller's own offices by what share of an owner's name was asked for, the best first."""
    rows = await connection.fetch(_FIND_BY_OWNER_NAME, tokens, limit)
    return {row["id"]: row["likeness"] for row in rows}


async def _find(connection: Any, keys: Keys, most_per_phone: int, limit: int) -> list[asyncpg.Record]:  # noqa: ANN401
    rows: list[asyncpg.Record] = await connection.fetch(_FIND, *_parameters(keys, most_per_phone, limit))
    return rows


def _parameters(keys: Keys, most_per_phone: int, limit: int) -> list[Any]:
    return [
        keys.trade_name,
        keys.region,
        LEAST_COVERAGE,
        keys.nik_indexes,
        keys.phone_indexes,
        most_per_phone,
        keys.nibs,
        keys.cooperative_numbers,
        keys.owner_tokens,
        keys.divisions,
        limit,
    ]


def _candidate(row: asyncpg.Record) -> Candidate:
    return Candidate(
        id=row["id"],
        office=row["office"],
        trade_name=row["trade_name"],
        kinds=tuple(Kind(kind) for kind in row["kinds"]),
        kelurahan=row["kelurahan"],
        closing_reason=row["closing_reason"],
        similarity=row["likeness"],
        part_similarity=row["part_likeness"],
        same_person=row["same_person"],
        same_phone=row["same_phone"],
        same_number=row["same_number"],
        owner_likeness=row["owner_likeness"],
        same_division=row["same_division"],
    )
