"""Percentiles of what was measured, without guessing between two measurements."""

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """Returns the nearest-rank percentile (`share` between 0 and 1) of values in ascending order; nan of none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(seconds: Sequence[float]) -> dict[str, float | None]:
    """Returns p50_ms, p90_ms, p99_ms and max_ms of delays given in seconds; None where nothing was measured."""
    ordered = sorted(seconds)
    shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}
    if not ordered:
        return dict.fromkeys(shares)
    return {name: round(percentile(ordered, share) * 1000, 2) for name, share in shares.items()}
