"""What the check found, each with its name, and the sum of it."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_KEPT = 1000
# Of what speaks of an event that the history does not have.
NEW_HISTORY = (
    "If anything is named lost, mend that first. Else the log holds what the history does not, and a rebuild would read"
    " it again: run `plut replay --new-history`."
)


class Kind(StrEnum):
    """`waiting` is not a fault of the data: the event has not come through the pipeline within the time allowed."""

    LOST = "lost"
    TWICE = "twice"
    DIFFERING = "differing_rows"
    RESTORED_AWAY = "restored_away"
    WAITING = "waiting"


@dataclass(frozen=True)
class Finding:
    """One thing found: where it stands, what is wrong with it, and what to do. Holds no identity of a person."""

    kind: Kind
    where: str
    what: str
    cure: str

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind.value, "where": self.where, "what": self.what, "cure": self.cure}


@dataclass
class Report:
    """Counts of events and commands, and the findings; the first thousand are kept by name, all of them are counted."""

    acknowledged: int = 0
    stored: int = 0
    applied: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    details: list[Finding] = field(default_factory=list)
    _known: set[tuple[Kind, str]] = field(default_factory=set, repr=False)

    def add(self, *findings: Finding) -> None:
        """Counts findings; the same kind at the same place counts once, however many ways lead to it."""
        for finding in findings:
            place = (finding.kind, finding.where)
            if place in self._known:
                continue
            self._known.add(place)
            self.counts[finding.kind] += 1
            if len(self.details) < _KEPT:
                self.details.append(finding)

    @property
    def ok(self) -> bool:
        """True if nothing is lost, doubled or different, and everything came through but for what was restored away."""
        return not any(self.counts[kind] for kind in (Kind.LOST, Kind.TWICE, Kind.DIFFERING, Kind.WAITING))

    def as_json(self) -> dict[str, Any]:
        return {
            "acknowledged": self.acknowledged,
            "stored": self.stored,
            "applied": self.applied,
            "lost": self.counts[Kind.LOST],
            "twice": self.counts[Kind.TWICE],
            "differing_rows": self.counts[Kind.DIFFERING],
            "restored_away": self.counts[Kind.RESTORED_AWAY],
            "ok": self.ok,
            "waiting": self.counts[Kind.WAITING],
            "details": [finding.as_json() for finding in self.details],
        }
