"""Moves between offices. What both may see of the business comes from functions that show its public side only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.moves import Move, MoveState, PublicBusiness
from shared.contracts.registry import BusinessState


class AlreadyProposed(Exception):
    """The business has an open proposal."""


@dataclass(frozen=True)
class MovingBusiness:
    """A proposal beside the business as it is now."""

    move: Move
    business: PublicBusiness


_LOCK = "select * from lock_public_business($1)"


async def lock_business(connection: Any, business_id: UUID) -> PublicBusiness | None:  # noqa: ANN401  pooled or plain
    """Returns the public side of any office's business, its row locked; comes before the lock of a move."""
    row = await connection.fetchrow(_LOCK, business_id)
    return None if row is None else _business(row)


_OFFICE_EXISTS = "select exists (select from office where code = $1)"


async def office_exists(connection: Any, code: str) -> bool:  # noqa: ANN401
    return bool(await connection.fetchval(_OFFICE_EXISTS, code))


_INSERT_MOVE = """
with placed as (
    insert into business_move (id, business_id, from_office, to_office, proposed_by, reason, state, proposed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
)
insert into audit (actor, office, action, subject, fields, correlation_id, reason)
values ($9, $5, 'propose_move', $2, array['home_office'], $10, $6)
"""


async def insert_move(connection: Any, move: Move, actor: str, correlation_id: UUID) -> None:  # noqa: ANN401
    """Stores a proposal. Raises AlreadyProposed."""
    row = (move.id, move.business, move.from_office, move.to_office, move.proposed_by, move.reason, move.state)
    try:
        await connection.execute(_INSERT_MOVE, *row, move.proposed_at, actor, correlation_id)
    except asyncpg.UniqueViolationError:
        raise AlreadyProposed from None


_FIND_MOVE = """
select id, business_id, from_office, to_office, proposed_by, reason, state, proposed_at, decided_at
from business_move where id = $1
"""


async def find_move(connection: Any, move_id: UUID) -> Move | None:  # noqa: ANN401
    """Returns a proposal from or to the caller's offices."""
    row = await connection.fetchrow(_FIND_MOVE, move_id)
    return None if row is None else _move(row)


_DECLINE = """
with declined as (
    update business_move set state = $2, decided_at = $3 where id = $1 and state = 'proposed' returning business_id
)
insert into audit (actor, office, action, subject, fields, correlation_id)
select $4, $5, $6, business_id, array['home_office'], $7 from declined
"""


async def decline_move(connection: Any, move: Move, office: str, actor: str, correlation_id: UUID) -> None:  # noqa: ANN401
    """Saves that a proposal, whose business is locked, is refused or withdrawn by `office`."""
    action = "refuse_move" if move.state is MoveState.REFUSED else "withdraw_move"
    await connection.execute(_DECLINE, move.id, move.state, move.decided_at, actor, office, action, correlation_id)


_HAND_OVER = "select hand_over_business($1, $2, $3, $4, $5)"


async def hand_over(connection: Any, move: Move, seen: int, actor: str, cause: UUID, now: datetime) -> bool:  # noqa: ANN401
    """Makes the other office the business's home and the proposal accepted; tells whether it was still open."""
    return bool(await connection.fetchval(_HAND_OVER, move.id, seen, actor, cause, now))


_BEFORE_ALL = UUID(int=0)
# One short index scan for each office, direction and page; a move between two of them is found twice and shown once.
_LIST_MOVES = """
select m.id as move_id, m.business_id, m.from_office, m.to_office, m.proposed_by, m.reason, m.state as move_state,
       m.proposed_at, m.decided_at, b.*
from (
    select distinct on (found.id) found.* from unnest($1::text[]) as o (office), lateral (
        (select * from business_move where from_office = o.office and state = any ($2) and id > $3 order by id limit $4)
        union all
        (select * from business_move where to_office = o.office and state = any ($2) and id > $3 order by id limit $4)
    ) as found
    order by found.id limit $4
) as m, lateral public_business(m.business_id) as b
order by m.id
"""


async def list_moves(
    connection: Any,  # noqa: ANN401
    offices: Sequence[str],
    states: Sequence[MoveState],
    after: UUID | None,
    limit: int,
) -> list[MovingBusiness]:
    """Returns the next moves from or to the offices, the oldest first, with their businesses as they are now."""
    rows = await connection.fetch(_LIST_MOVES, offices, states, after or _BEFORE_ALL, limit)
    return [MovingBusiness(_move(row, id="move_id", state="move_state"), _business(row)) for row in rows]


def _move(row: asyncpg.Record, **names: str) -> Move:
    return Move(
        id=row[names.get("id", "id")],
        business=row["business_id"],
        from_office=row["from_office"],
        to_office=row["to_office"],
        proposed_by=row["proposed_by"],
        reason=row["reason"],
        proposed_at=row["proposed_at"],
        state=MoveState(row[names.get("state", "state")]),
        decided_at=row["decided_at"],
    )


def _business(row: asyncpg.Record) -> PublicBusiness:
    state = BusinessState(
        id=row["id"],
        trade_name=row["trade_name"],
        kinds=row["kinds"],
        kelurahan=row["kelurahan"],
        home_office=row["office"],
        status=row["status"],
        registered_on=row["registered_on"],
        closed_on=row["closed_on"],
        registered_by=row["registered_by"],
    )
    return PublicBusiness(state, row["revision"], row["version"])
