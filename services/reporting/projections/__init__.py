"""The read models. One more: its file with the next `since`, a line in TOTALS, its table, its route; then rebuild."""

from services.reporting.projections import (
    businesses_by_region,
    businesses_over_time,
    businesses_served,
    consultant_load,
    office_activity,
    sessions_by_service,
)
from services.reporting.projections.total import Total

TOTALS: tuple[Total, ...] = (
    office_activity.TOTAL,
    sessions_by_service.TOTAL,
    consultant_load.TOTAL,
    businesses_by_region.TOTAL,
    businesses_over_time.TOTAL,
    businesses_served.TOTAL,
)

# Those, and the wholes of some: a set without one answers the same, from more rows.
TABLES: tuple[Total, ...] = (*TOTALS, *(total.whole for total in TOTALS if total.whole))

# The version of the read models: the newest rules of any total. A set keeps the rules with which it was begun.
RULES = max(max(total.since, (total.until or 0) + 1) for total in TABLES)


def totals_of(rules: int) -> tuple[Total, ...]:
    """Returns the totals of a set that was begun with these rules."""
    return tuple(total.as_of(rules) for total in TABLES if total.known_to(rules))
