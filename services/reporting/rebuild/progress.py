"""What a rebuild tells while it goes on, and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.reporting.projections.comparison import Comparison


@dataclass(frozen=True)
class Progress:
    """`step`: reading, summing, following, comparing, switching or removing. `whole` is an estimate, 0 if unknown."""

    step: str
    done: int
    whole: int


@dataclass(frozen=True)
class Outcome:
    """Which set answers now, which did before, and in what they differed.

    `kept_until`: until then the one before is fed and may answer again; None if it is gone.
    """

    version: int
    before: int
    comparison: Comparison
    kept_until: datetime | None = None


Tell = Callable[[Progress], None]
