"""Reads who is mentored intensively: at least 300 contact minutes in a year, those of all offices together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.reporting.projections import listing
from services.reporting.projections.businesses_served import Line, between
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


@dataclass(frozen=True, slots=True)
class Page:
    """`ends`: the last business, behind which the next page begins; None where nothing follows."""

    items: Sequence[Intensive]
    ends: UUID | None


async def page(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    office: str,
    year: int,
    after: UUID | None,
    limit: int,
) -> Page:
    """Returns the next businesses by id, of an office or of the province (`*`), from the first if `after` is None.

    A business that none of the caller's offices has ever served is passed over, whatever he may see besides.
    """
    rows = await connection.fetch(_LIST, set_version, office, year, after or _BEFORE_ALL, limit + 1)
    minutes = {row["subject"]: row["contact_minutes"] for row in rows[:limit]}
    known = await listing.named(connection, set_version, minutes)
    visits = await listing.visits(connection, set_version, minutes)
    items = [
        Intensive(one, minutes[one], _by_office(visits[one], year), known.get(one)) for one in minutes if one in visits
    ]
    return Page(items, rows[limit - 1]["subject"] if len(rows) > limit else None)


def _by_office(visits: Sequence[Line], year: int) -> dict[str, int]:
    by_office: dict[str, int] = {}
    for visit in between(visits, f"{year:04}-01-01", f"{year:04}-12-31"):
        by_office[visit.office] = by_office.get(visit.office, 0) + visit.contact_minutes
    return by_office
