"""Facts in the order in which they are listed: a session or business by office and day, a business also by where it is.

A page reads as many rows as it returns, wherever it stands: the sort key of its last row leads to the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.reporting import store
from services.reporting.domain import Fact, Kind
from services.reporting.projections import subjects
from services.reporting.projections.businesses_served import Visit

_BEFORE_ALL = UUID(int=0)
_BY_DAY = """
select id::text, version, event_id, slice, subjects, state, day::text as place
from {fact}
where set_version = $1 and office = $2 and day between $3 and $4 and (day, id) > ($5::date, $6::uuid)
order by day, id
limit $7
"""
_BY_PLACE = """
select id::text, version, event_id, slice, subjects, state, kelurahan as place
from fact_business
where set_version = $1 and home_office = $2 and kelurahan >= $3 and kelurahan < $4 and (kelurahan, id) > ($5, $6::uuid)
order by kelurahan, id
limit $7
"""
_VISITS = "select subject, visits from served_business where set_version = $1 and subject = any($2)"


@dataclass(frozen=True, slots=True)
class Listed:
    """A fact and where it stands within its office: under a day (ISO) or a kelurahan, and there by id."""

    place: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Days:
    """Facts of one kind by day, `first` and `last` included: sessions held or planned, businesses registered then."""

    kind: Kind
    first: date
    last: date

    async def page(
        self,
        connection: Any,  # noqa: ANN401  pooled or plain
        set_version: int,
        office: str,
        after: tuple[str, str] | None,
        limit: int,
    ) -> list[Listed]:
        """Returns what follows after a (day, id), from the first if that is None."""
        day, id_ = (date.fromisoformat(after[0]), UUID(after[1])) if after else (self.first, _BEFORE_ALL)
        sql = _BY_DAY.format(fact=f"fact_{self.kind}")
        rows = await connection.fetch(sql, set_version, office, self.first, self.last, day, id_, limit)
        return [_listed(self.kind, row) for row in rows]


@dataclass(frozen=True, slots=True)
class Places:
    """Businesses by kelurahan, within a region; their office is the home office."""

    region: str

    async def page(
        self,
        connection: Any,  # noqa: ANN401
        set_version: int,
        office: str,
        after: tuple[str, str] | None,
        limit: int,
    ) -> list[Listed]:
        """Returns what follows after a (kelurahan, id), from the first if that is None."""
        kelurahan, id_ = (after[0], UUID(after[1])) if after else ("", _BEFORE_ALL)
        # A slash comes after the dot: up to there a code begins with that of the region.
        until = f"{self.region}/"
        rows = await connection.fetch(_BY_PLACE, set_version, office, self.region, until, kelurahan, id_, limit)
        return [_listed(Kind.BUSINESS, row) for row in rows]


def _listed(kind: Kind, row: Mapping[str, Any]) -> Listed:
    return Listed(row["place"], store.fact_from(kind, row))


async def visits(connection: Any, set_version: int, businesses: Iterable[UUID]) -> Mapping[UUID, Sequence[Visit]]:  # noqa: ANN401
    """Returns all visits of those of the businesses that the caller's offices have served."""
    rows = await connection.fetch(_VISITS, set_version, list(businesses))
    return {row["subject"]: subjects.visits_from(row["visits"]) for row in rows}
