"""The read models. One more: its file with the next `since`, a line in TOTALS, its table, its route; then rebuild."""

from services.reporting.projections import businesses_by_region, office_activity
from services.reporting.projections.total import Total

TOTALS: tuple[Total, ...] = (
    office_activity.TOTAL,
    businesses_by_region.TOTAL,
)

# The version of the read models: the newest rules of any total. A set keeps the rules with which it was begun.
RULES = max(max(total.since, (total.until or 0) + 1) for total in TOTALS)


def totals_of(rules: int) -> tuple[Total, ...]:
    """Returns the totals of a set that was begun with these rules."""
    return tuple(total for total in TOTALS if total.known_to(rules))
