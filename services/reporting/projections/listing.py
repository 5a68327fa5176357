"""Facts in the order in which they are listed: a session or business by office and day, a business also by where it is.

A page reads as many rows as it returns, wherever it stands: the sort key of its last row leads to the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.reporting import store
from services.reporting.domain import Fact, Kind, listing
from services.reporting.projections.businesses_served import Line, lines_from
from shared.contracts.registry import BusinessState

_BEFORE_ALL = UUID(int=0)
_SESSIONS = "select * from sessions_listed($1, $2, $3, $4, $5, $6, $7)"
_BUSINESSES = "select * from businesses_listed($1, $2, $3, $4, $5, $6, $7)"
_PLACED = "select * from businesses_placed($1, $2, $3, $4, $5, $6, $7)"
_NAMED = "select * from businesses_named($1, $2)"
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
        sql = _SESSIONS if self.kind is Kind.SESSION else _BUSINESSES
        rows = await connection.fetch(sql, set_version, office, self.first, self.last, day, id_, limit)
        facts = [_fact(self.kind, row) for row in rows]
        return [Listed(str(listing(fact.state)[1]), fact) for fact in facts]


@dataclass(frozen=True, slots=True)
class Places:
    """Businesses by kelurahan, within a region or (empty) wherever; their office is the home office."""

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
        # What begins with a code comes before that code and a slash, which follows the dot; a colon follows the digits.
        until = f"{self.region}/" if self.region else ":"
        rows = await connection.fetch(_PLACED, set_version, office, self.region, until, kelurahan, id_, limit)
        facts = [_fact(Kind.BUSINESS, row) for row in rows]
        return [Listed(str(listing(fact.state)[3]), fact) for fact in facts]


def _fact(kind: Kind, row: Mapping[str, Any]) -> Fact:
    return store.fact_from(kind, {**row, "id": str(row["id"])})


async def named(connection: Any, set_version: int, businesses: Iterable[UUID]) -> Mapping[UUID, BusinessState]:  # noqa: ANN401
    """Returns what the registry says of those of the businesses that the caller's offices serve or are home of."""
    rows = await connection.fetch(_NAMED, set_version, list(businesses))
    return {row["id"]: BusinessState.model_validate_json(row["state"]) for row in rows}


async def visits(connection: Any, set_version: int, businesses: Iterable[UUID]) -> Mapping[UUID, Sequence[Line]]:  # noqa: ANN401
    """Returns all visits of those of the businesses that the caller's offices have served, by day and session."""
    rows = await connection.fetch(_VISITS, set_version, list(businesses))
    return {row["subject"]: lines_from(row["visits"]) for row in rows}
