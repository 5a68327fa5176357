"""The trail of who read and changed what. Only ever added to; row-level security decides what is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

_INSERT_READ = """
insert into audit (actor, office, action, subject, person, fields, correlation_id, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


@dataclass(frozen=True)
class Read:
    """Somebody saw something of a business's owners: which fields, never what stands in them."""

    actor: str
    office: str
    action: str
    business: UUID
    fields: Sequence[str]
    correlation_id: UUID
    person: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of the trail. `id` rises with time."""

    id: int
    at: datetime
    actor: str
    office: str
    action: str
    subject: UUID
    person: UUID | None
    fields: list[str]
    reason: str | None
    correlation_id: UUID


async def insert_read(connection: Any, read: Read) -> None:  # noqa: ANN401  pooled or plain
    """Writes down a read; what was read is shown only once that is committed."""
    row = (read.actor, read.office, read.action, read.business, read.person, list(read.fields))
    await connection.execute(_INSERT_READ, *row, read.correlation_id, read.reason)


# The newest first, one short index scan for each office.
_LIST_OF_OFFICES = """
select line.* from unnest($1::text[]) as o (office), lateral (
    select id, at, actor, office, action, subject, person, fields, reason, correlation_id
    from audit
    where audit.office = o.office and at >= $2 and at < $3 and (at, id) < ($4, $5)
    order by at desc, id desc limit $6
) as line
order by at desc, id desc limit $6
"""
_LIST_OF_BUSINESS = """
select id, at, actor, office, action, subject, person, fields, reason, correlation_id
from audit
where subject = $1 and ($2::text is null or office = $2) and at >= $3 and at < $4 and (at, id) < ($5, $6)
order by at desc, id desc limit $7
"""


@dataclass(frozen=True)
class Span:
    """From an instant until before another, and of that what lies before a line already shown."""

    start: datetime
    end: datetime
    before: tuple[datetime, int]


async def list_of_offices(connection: Any, offices: Sequence[str], span: Span, limit: int) -> list[Line]:  # noqa: ANN401
    rows = await connection.fetch(_LIST_OF_OFFICES, offices, span.start, span.end, *span.before, limit)
    return [Line(**row) for row in rows]


async def list_of_business(
    connection: Any,  # noqa: ANN401
    business_id: UUID,
    office: str | None,
    span: Span,
    limit: int,
) -> list[Line]:
    """Returns a business's lines that the caller may see; its home office sees also those of its former homes."""
    rows = await connection.fetch(_LIST_OF_BUSINESS, business_id, office, span.start, span.end, *span.before, limit)
    return [Line(**row) for row in rows]
