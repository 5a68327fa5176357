"""Office activity: what each office did, per day, month and year. A business day is a date in WIB.

A session counts once for its office, however many businesses and consultants were there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from typing import Any

from services.reporting.domain import Fact, Period, start_of
from services.reporting.projections.total import Amounts, Column, Contribution, Total
from shared.contracts.mentoring import SessionState
from shared.contracts.registry import BusinessState

# Held: what is scheduled, cancelled or missed is no activity. A contested session was held until it is found otherwise.
HELD = frozenset({"completed", "confirmed", "contested"})


@dataclass(frozen=True, slots=True)
class Activity:
    """Numbers of an office in a period. `businesses_served`: one that came twice counts twice."""

    registrations: int = 0
    sessions: int = 0
    businesses_served: int = 0
    contact_minutes: int = 0
    preparation_minutes: int = 0
    travel_minutes: int = 0

    def __add__(self, other: "Activity") -> "Activity":
        return Activity(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


_REGISTRATION: Amounts = (1, 0, 0, 0, 0, 0)


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A business counts on the day of its registration unless it is another one by now; a session on its day, if held.

    A business that was still unknown to mentoring is not served until it is known, and a session that was imported is
    no activity until it is accepted. (Nothing was published unaccepted before this rule stood: no set needs another.)
    """
    state = fact.state
    if type(state) is SessionState:
        if state.state in HELD and state.accepted:
            amounts = (
                0,
                1,
                _served(fact, state),
                state.contact_minutes,
                state.preparation_minutes,
                state.travel_minutes,
            )
            return [(key, amounts) for key in activity_keys(state.office, state.day)]
    elif type(state) is BusinessState and fact.subjects[0] == state.id:
        return [(key, _REGISTRATION) for key in activity_keys(state.home_office, state.registered_on)]
    return ()


@lru_cache(maxsize=32_768)
def activity_keys(office: str, day: date) -> tuple[tuple[str, str, date], ...]:
    """Returns the keys (office, grain, first day) under which a day is summed.

    Three grains, so that no question adds up more rows the longer the province works.
    """
    grains = (Period.DAY, Period.MONTH, Period.YEAR)
    return tuple((office, grain.value, start_of(grain, day)) for grain in grains)


def _served(fact: Fact, session: SessionState) -> int:
    if len(session.businesses) == 1:
        return 1 if session.businesses[0].known else 0
    return len({subject for subject, business in zip(fact.subjects, session.businesses, strict=True) if business.known})


TOTAL = Total(
    name="office_activity",
    key=(Column("office", "text"), Column("grain", "text"), Column("starts", "date")),
    amounts=tuple(one.name for one in fields(Activity)),
    contributions=contributions,
    fed_by=("registry", "mentoring"),
)

_SUMS = ", ".join(f"sum({amount})::bigint as {amount}" for amount in TOTAL.amounts)
_PER_DAY = f"""
select office, starts as day, {_SUMS}
from office_activity
where set_version = $1 and office = any($2) and grain = 'day' and starts between $3 and $4
group by office, starts
order by office, starts
"""  # noqa: S608  names of ours
_BY_OFFICE = f"""
select office, period, {_SUMS}
from office_activity
join unnest($3::text[], $4::text[], $5::date[], $6::date[]) as asked (period, grain_asked, first, last)
     on grain = grain_asked and starts between first and last
where set_version = $1 and office = any($2)
group by office, period
"""  # noqa: S608  names of ours


@dataclass(frozen=True, slots=True)
class DayOfOffice:
    office: str
    day: date
    activity: Activity


async def per_day(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    offices: Sequence[str],
    first: date,
    last: date,
) -> list[DayOfOffice]:
    """Returns the days with activity from `first` to `last`, both included, by office and day."""
    rows = await connection.fetch(_PER_DAY, set_version, list(offices), first, last)
    return [DayOfOffice(row["office"], row["day"], _activity(row)) for row in rows]


async def by_office(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    offices: Sequence[str],
    today: date,
) -> Mapping[tuple[str, Period], Activity]:
    """Returns each office's activity in the day, month and year of `today` and in all; none where none was."""
    grains = [Period.YEAR.value if period is Period.ALL else period.value for period in Period]
    firsts = [start_of(period, today) for period in Period]
    rows = await connection.fetch(
        _BY_OFFICE, set_version, list(offices), list(Period), grains, firsts, [today] * len(firsts)
    )
    return {(row["office"], Period(row["period"])): _activity(row) for row in rows}


def _activity(row: Mapping[str, int]) -> Activity:
    return Activity(*(row[amount] for amount in TOTAL.amounts))
