"""Office activity: what each office did, per day, month and year. A business day is a date in WIB.

A session counts once for its office, however many businesses and consultants were there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from services.reporting.domain import HELD, Fact, Kind, Period, registering_office, start_of
from services.reporting.projections.total import Amounts, Column, Contribution, Total
from shared.contracts.mentoring import SessionState
from shared.contracts.registry import BusinessState


@dataclass(frozen=True, slots=True)
class Activity:
    """Numbers of an office in a period. `visits`: known businesses of its sessions, one that came twice counts twice.

    `sessions` and all minutes are of sessions held; confirmed minutes are of those that the clients confirmed.
    """

    registrations: int = 0
    scheduled: int = 0
    sessions: int = 0
    confirmed: int = 0
    contested: int = 0
    imported: int = 0
    cancelled: int = 0
    no_show: int = 0
    visits: int = 0
    contact_minutes: int = 0
    preparation_minutes: int = 0
    travel_minutes: int = 0
    confirmed_contact_minutes: int = 0
    confirmed_preparation_minutes: int = 0
    confirmed_travel_minutes: int = 0

    def __add__(self, other: "Activity") -> "Activity":
        return Activity(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


AMOUNTS = tuple(one.name for one in fields(Activity))


def _alone(name: str) -> Amounts:
    return tuple(int(one == name) for one in AMOUNTS)


_REGISTRATION = _alone("registrations")
_NOT_HELD: Mapping[str, Amounts] = {state: _alone(state) for state in ("scheduled", "cancelled", "no_show")}


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A business counts on the day of its registration, for the office that registered it, unless it is another one
    by now; a session on its day. A business that was still unknown to mentoring is not served until it is known.
    """
    state = fact.state
    if type(state) is SessionState:
        amounts = _of_session(fact, state)
        if amounts is not None:
            return [((state.office, state.day), amounts)]
    elif type(state) is BusinessState and fact.subjects[0] == state.id:
        return [((registering_office(state), state.registered_on), _REGISTRATION)]
    return ()


def _of_session(fact: Fact, session: SessionState) -> Amounts | None:
    if not session.accepted:
        return None
    if session.state not in HELD:
        return _NOT_HELD.get(session.state)
    minutes = (session.contact_minutes, session.preparation_minutes, session.travel_minutes)
    confirmed = session.state == "confirmed"
    outcome = (int(confirmed), int(session.state == "contested"), int(session.imported))
    return (0, 0, 1, *outcome, 0, 0, _visits(fact, session), *minutes, *(minutes if confirmed else _NO_MINUTES))


_NO_MINUTES = (0, 0, 0)


def _visits(fact: Fact, session: SessionState) -> int:
    if len(session.businesses) == 1:
        return 1 if session.businesses[0].known else 0
    return len({subject for subject, business in zip(fact.subjects, session.businesses, strict=True) if business.known})


TOTAL = Total(
    name="office_activity",
    key=(Column("office", "text"), Column("grain", "text"), Column("starts", "date")),
    amounts=AMOUNTS,
    counts=contributions,
    fed_by=("registry", "mentoring"),
    of=(Kind.BUSINESS, Kind.SESSION),
    since=2,
    in_time=True,
)

_SUMS = ", ".join(f"sum({amount})::bigint as {amount}" for amount in TOTAL.amounts)
_SUMMED_FROM = {Period.QUARTER: Period.MONTH, Period.ALL: Period.YEAR}
_PER_DAY = f"""
select office, starts as day, {_SUMS}
from office_activity
where set_version = $1 and office = any($2) and grain = 'day' and starts between $3 and $4
group by office, starts
order by office, starts
"""  # noqa: S608  names of ours
# Period by period: so each is read by its own keys, and not the whole grain for all of them.
_BY_OFFICE = f"""
select done.*, period
from unnest($3::text[], $4::text[], $5::date[], $6::date[]) as asked (period, grain_asked, first, last)
cross join lateral (
    select office, {_SUMS}
    from office_activity
    where set_version = $1 and office = any($2) and grain = grain_asked and starts between first and last
    group by office
) as done
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
    """Returns each office's activity in each period of `today`; none where none was."""
    grains = [_SUMMED_FROM.get(period, period).value for period in Period]
    firsts = [start_of(period, today) for period in Period]
    rows = await connection.fetch(
        _BY_OFFICE, set_version, list(offices), list(Period), grains, firsts, [today] * len(firsts)
    )
    return {(row["office"], Period(row["period"])): _activity(row) for row in rows}


def _activity(row: Mapping[str, int]) -> Activity:
    return Activity(*(row[amount] for amount in TOTAL.amounts))


_LAST_ACTIVE = """
select asked.office, (
    select starts from office_activity a
    where a.set_version = $1 and a.office = asked.office and a.grain = 'day' and a.starts <= $3
      and a.registrations + a.sessions > 0
    order by a.starts desc
    limit 1
) as day
from unnest($2::text[]) as asked (office)
"""


async def last_active(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    offices: Sequence[str],
    today: date,
) -> Mapping[str, date | None]:
    """Returns the newest day, up to today, on which each office registered a business or held a session."""
    rows = await connection.fetch(_LAST_ACTIVE, set_version, list(offices), today)
    return {row["office"]: row["day"] for row in rows}
