"""The history of a session: what each edit changed. Only ever added to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.postgres import Connection

_WRITE = """
insert into session_change (session, revision, office, deed, actor, changed_at, reason, changes)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_READ = """
select revision, deed, actor, changed_at, reason, changes from session_change where session = $1 order by revision
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One edit: who made it revision `revision`, when, why, and the fields from what to what."""

    revision: int
    deed: str
    actor: str
    changed_at: datetime
    reason: str | None
    changes: Sequence[Mapping[str, Any]]


async def write_change(connection: Connection, session_id: UUID, office: str, change: Change) -> None:
    """Adds to the history of a locked session."""
    await connection.execute(_WRITE, *_columns(session_id, office, change))


async def write_changes(connection: Connection, office: str, changes: Mapping[UUID, Change]) -> None:
    """Adds to the histories of an office's locked sessions."""
    await connection.executemany(_WRITE, [_columns(session, office, change) for session, change in changes.items()])


def _columns(session_id: UUID, office: str, change: Change) -> tuple[Any, ...]:
    return (
        session_id,
        change.revision,
        office,
        change.deed,
        change.actor,
        change.changed_at,
        change.reason,
        json.dumps(change.changes),
    )


async def read_changes(connection: Connection, session_id: UUID) -> list[Change]:
    """Returns the history, the first edit first."""
    rows = await connection.fetch(_READ, session_id)
    return [Change(**{**row, "changes": json.loads(row["changes"])}) for row in rows]
