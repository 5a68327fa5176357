"""Persons: one NIK is one person in the province, whichever office met him first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.identity import Candidate
from shared.privacy.sealing import WrappedKey


@dataclass(frozen=True)
class Person:
    """A person of the province as far as any office may know him: that he exists, and the key to seal with."""

    id: UUID
    wrapped: WrappedKey


_CLAIM = """
select nik_index, person_id, version, kek, sealed
from claim_persons($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[])
"""


async def claim_persons(
    connection: Any,  # noqa: ANN401
    locks: Sequence[int],
    candidates: Sequence[Candidate],
) -> dict[bytes, Person]:
    """Takes the locks, in ascending order, and returns the persons by NIK index: known ones, or now these candidates.

    Comes before any row is locked or written; raises asyncpg.LockNotAvailableError after five seconds of waiting.
    """
    return persons_by_nik(await connection.fetch(_CLAIM, *claim(locks, candidates)))


def claim(locks: Sequence[int], candidates: Sequence[Candidate]) -> list[list[Any]]:
    """Returns the parameters of claim_persons."""
    return [
        sorted(locks),
        [candidate.id for candidate in candidates],
        [candidate.nik_index for candidate in candidates],
        [candidate.nik_sealed for candidate in candidates],
        [candidate.wrapped.kek for candidate in candidates],
        [candidate.wrapped.sealed for candidate in candidates],
    ]


def persons_by_nik(rows: Sequence[asyncpg.Record]) -> dict[bytes, Person]:
    return {row["nik_index"]: Person(row["person_id"], wrapped_key(row)) for row in rows}


_FORGET = "select forget_unowned_persons($1::uuid[])"


async def forget_unowned_persons(connection: Any, persons: Sequence[UUID]) -> None:  # noqa: ANN401
    """Deletes those of the persons whom no business of any office names; their NIKs must be locked."""
    await connection.execute(_FORGET, persons)


def wrapped_key(row: asyncpg.Record) -> WrappedKey:
    return WrappedKey(row["version"], row["kek"], row["sealed"])
