"""Businesses registered and closed per month, by kabupaten/kota, home office and kind: the stock at any month's end.

A business that was reopened was never closed, as far as these figures go.
"""

from collections.abc import Iterable

from services.reporting.domain import Fact, Kind
from services.reporting.projections.businesses_by_region import kinds_of
from services.reporting.projections.total import Amounts, Column, Contribution, Total, month_of
from shared.contracts.registry import BusinessState

_REGISTERED: Amounts = (1, 0)
_CLOSED: Amounts = (0, 1)


def contributions(fact: Fact) -> Iterable[Contribution]:
    """A business counts in the month of its registration and, if it is closed, in that of its closure."""
    state = fact.state
    if type(state) is not BusinessState or fact.subjects[0] != state.id:
        return ()
    months = [(month_of(state.registered_on), _REGISTERED)]
    if state.status == "closed" and state.closed_on is not None:
        months.append((month_of(state.closed_on), _CLOSED))
    place = (state.kelurahan[:5], state.home_office)
    return [((*place, kind, month), amounts) for kind in kinds_of(state) for month, amounts in months]


TOTAL = Total(
    name="businesses_over_time",
    key=(Column("regency", "text"), Column("home_office", "text"), Column("kind", "text"), Column("month", "date")),
    amounts=("registered", "closed"),
    counts=contributions,
    fed_by=("registry",),
    of=(Kind.BUSINESS,),
    since=2,
)
