"""What became of one course of a scenario."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """`toothless`: the fault did not bite, so nothing was tried, which fails. `not_run`: this machine cannot try it."""

    SURVIVED = "survived"
    FAILED = "failed"
    TOOTHLESS = "toothless"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Result:
    """One row of the table. `recovery_seconds`: from the end of healing until all was healthy and quiet."""

    name: str
    faults: str
    title: str
    seed: int
    verdict: Verdict
    seen: Mapping[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    without_answer: int = 0
    duplicates: int = 0
    lost: int = 0
    twice: int = 0
    differing_rows: int = 0
    recovery_seconds: float | None = None
    seconds: float = 0.0
    problems: tuple[str, ...] = ()
    kept: str | None = None

    @property
    def is_good(self) -> bool:
        """True for what was survived; what this machine could not run is neither good nor a failure."""
        return self.verdict is Verdict.SURVIVED

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"verdict": self.verdict.value}
