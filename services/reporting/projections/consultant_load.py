"""What each consultant did, per office and month. A session counts in full for each of its consultants."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.reporting.domain import Fact, Kind, is_held
from services.reporting.projections.total import Column, Contribution, Total, month_of
from shared.contracts.mentoring import SessionState


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A session held counts for its consultants, in the month of its day; one that is named twice counts once."""
    state = fact.state
    if type(state) is not SessionState or not is_held(state):
        return ()
    outcome = (int(state.state == "confirmed"), int(state.state == "contested"))
    amounts = (1, *outcome, state.contact_minutes, state.preparation_minutes, state.travel_minutes)
    month = month_of(state.day)
    return [((state.office, consultant, month), amounts) for consultant in dict.fromkeys(state.consultants)]


TOTAL = Total(
    name="consultant_load",
    key=(Column("office", "text"), Column("consultant", "uuid"), Column("month", "date")),
    amounts=("sessions", "confirmed", "contested", "contact_minutes", "preparation_minutes", "travel_minutes"),
    counts=contributions,
    fed_by=("mentoring",),
    of=(Kind.SESSION,),
    since=2,
)

_SUMS = ", ".join(f"sum({amount})::bigint as {amount}" for amount in TOTAL.amounts)
_PAGE = f"""
select office, consultant, {_SUMS}
from consultant_load
where set_version = $1 and office = any($2) and month between $3 and $4 and (office, consultant) > ($5, $6::uuid)
group by office, consultant
having sum(sessions) <> 0
order by office, consultant
limit $7
"""  # noqa: S608  names of ours
_BEFORE_ALL = ("", UUID(int=0))


@dataclass(frozen=True, slots=True)
class Load:
    """What a consultant did for an office, by name of the amount."""

    office: str
    consultant: UUID
    amounts: Mapping[str, int]


async def page(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    offices: Sequence[str],
    months: tuple[date, date],
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[Load]:
    """Returns the next consultants with sessions in these months, by office and id, from the first if that is None."""
    office, consultant = after or _BEFORE_ALL
    rows = await connection.fetch(_PAGE, set_version, list(offices), *months, office, consultant, limit)
    return [Load(row["office"], row["consultant"], {name: row[name] for name in TOTAL.amounts}) for row in rows]
