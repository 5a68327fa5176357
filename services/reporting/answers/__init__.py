"""What people ask, answered from one snapshot: figures, position and as-of always agree."""

from services.reporting.answers.overview import OVERVIEW_TOTALS, OfficeFigures, Overview, of_overview, total
from services.reporting.answers.snapshots import Instant, Snapshot, snapshot

__all__ = ["OVERVIEW_TOTALS", "Instant", "OfficeFigures", "Overview", "Snapshot", "of_overview", "snapshot", "total"]
