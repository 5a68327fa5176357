"""Reads who is mentored intensively: at least 300 contact minutes in a year, those of all offices together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.reporting.projections import listing, subjects
from shared.contracts.registry import BusinessState

_LIST = """
select i.subject, i.contact_minutes, s.visits
from intensive_business i
join served_business s on s.set_version = i.set_version and s.subject = i.subject
where i.set_version = $1 and i.office = $2 and i.year = $3 and i.subject > $4
order by i.subject
limit $5
"""
_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Intensive:
    """A business, its contact minutes in the year and how many of them at which office.

    `business` is what the registry says of it, None while its registration has not arrived.
    """

    subject: UUID
    contact_minutes: int
    by_office: Mapping[str, int]
    business: BusinessState | None


async def page(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    office: str,
    year: int,
    after: UUID | None,
    limit: int,
) -> list[Intensive]:
    """Returns the next businesses by id, of an office or of the province (`*`), from the first if `after` is None."""
    rows = await connection.fetch(_LIST, set_version, office, year, after or _BEFORE_ALL, limit)
    known = await listing.named(connection, set_version, [row["subject"] for row in rows])
    return [_intensive(row, year, known.get(row["subject"])) for row in rows]


def _intensive(row: Mapping[str, Any], year: int, business: BusinessState | None) -> Intensive:
    by_office: dict[str, int] = {}
    for visit in subjects.visits_from(row["visits"]):
        if visit.day.startswith(f"{year:04}-"):
            by_office[visit.office] = by_office.get(visit.office, 0) + visit.contact_minutes
    return Intensive(row["subject"], row["contact_minutes"], by_office, business)
