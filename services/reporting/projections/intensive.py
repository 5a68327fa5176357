"""Reads who is mentored intensively: at least 300 contact minutes in a year, those of all offices together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.reporting.projections import listing
from services.reporting.projections.businesses_served import Visit
from shared.contracts.registry import BusinessState

_LIST = """
select subject, contact_minutes
from intensive_business
where set_version = $1 and office = $2 and year = $3 and subject > $4
order by subject
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
    businesses = [row["subject"] for row in rows]
    known = await listing.named(connection, set_version, businesses)
    visits = await listing.visits(connection, set_version, businesses)
    return [
        Intensive(one, row["contact_minutes"], _by_office(visits.get(one, ()), year), known.get(one))
        for one, row in zip(businesses, rows, strict=True)
    ]


def _by_office(visits: Sequence[Visit], year: int) -> dict[str, int]:
    by_office: dict[str, int] = {}
    for visit in visits:
        if visit.day.startswith(f"{year:04}-"):
            by_office[visit.office] = by_office.get(visit.office, 0) + visit.contact_minutes
    return by_office
