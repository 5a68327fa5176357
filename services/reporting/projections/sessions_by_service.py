"""Sessions held and their minutes by field, service and channel, per office and day, month and year.

A month and a year are also there for the province: of all offices' rows more would be read the more offices there are,
and the more of what an office can do has been met (docs/decisions/0027).
"""

from collections.abc import Iterable

from services.reporting.domain import Fact, Kind, is_held
from services.reporting.projections.total import Column, Contribution, Total, no_contributions
from shared.contracts.mentoring import SessionState


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A session counts once, under the one field, service and channel that it names, on its day."""
    state = fact.state
    if type(state) is not SessionState or not is_held(state):
        return ()
    confirmed = int(state.state == "confirmed")
    minutes = (state.contact_minutes, state.preparation_minutes, state.travel_minutes)
    amounts = (1, confirmed, *minutes, confirmed * state.contact_minutes)
    return [((state.office, state.day, state.field, state.service, state.channel), amounts)]


_KEY = (
    Column("office", "text"),
    Column("grain", "text"),
    Column("starts", "date"),
    Column("field", "text"),
    Column("service", "text"),
    Column("channel", "text"),
)
_AMOUNTS = (
    "sessions",
    "confirmed",
    "contact_minutes",
    "preparation_minutes",
    "travel_minutes",
    "confirmed_contact_minutes",
)

IN_PROVINCE = Total(
    name="sessions_in_province",
    key=_KEY,
    amounts=_AMOUNTS,
    counts=no_contributions,
    fed_by=("mentoring",),
    since=3,
    derived=True,
)
TOTAL = Total(
    name="sessions_by_service",
    key=_KEY,
    amounts=_AMOUNTS,
    counts=contributions,
    fed_by=("mentoring",),
    of=(Kind.SESSION,),
    since=2,
    in_time=True,
    whole=IN_PROVINCE,
)
