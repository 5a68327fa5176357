"""What each consultant did, per office and month. A session counts in full for each of its consultants."""

from collections.abc import Iterable

from services.reporting.domain import Fact, is_held
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
    contributions=contributions,
    fed_by=("mentoring",),
    since=2,
)
