"""What a batch makes of aggregates: the newest fact of each, with all that follows from it alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from services.reporting.domain import Fact, Kind
from services.reporting.projections import subjects
from services.reporting.projections.businesses_served import Line, visits_of
from services.reporting.projections.subjects import Due
from services.reporting.projections.total import Contribution, Differences, Total
from services.reporting.store import FactRow, NewFacts, row_of


class New(NamedTuple):
    """A fact that a record has brought. `counts`: what each total of its kind gets by it, in their order."""

    fact: Fact
    row: FactRow
    counts: Sequence[Iterable[Contribution]]
    visits: Mapping[UUID, Line]
    is_counted: bool = True

    @classmethod
    def of(cls, fact: Fact, totals: Sequence[Total]) -> "New":
        """Raises asyncpg.DataError if a text holds what Postgres cannot keep. `totals`: those that count its kind."""
        return cls(fact, row_of(fact), [total.counts(fact) for total in totals], visits_of(fact))

    @classmethod
    def uncounted(cls, fact: Fact) -> "New":
        """The same for a set whose totals are summed later."""
        return cls(fact, row_of(fact), (), {}, is_counted=False)


@dataclass(slots=True)
class Folded:
    """What a batch makes of the aggregates of one kind, and what was known of them before."""

    kind: Kind
    old: Mapping[str, Fact]
    new: dict[str, New] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    dropped: int = 0

    def take(self, new: New) -> None:
        """A greater version replaces; the rest is dropped, and one version with two events is something to look at."""
        fact, met = new.fact, self.new.get(new.fact.id)
        known = met.fact if met else self.old.get(fact.id)
        if known is None or fact.version > known.version:
            self.new[fact.id] = new
            return
        self.dropped += 1
        if fact.version == known.version and fact.event_id != known.event_id:
            self.clashes.append(
                f"{fact.kind} {fact.id} version {fact.version}: {fact.event_id}, known {known.event_id}"
            )

    def as_written(self) -> NewFacts:
        """Returns the new facts in the order of their ids: two appliers lock rows in one order."""
        in_order = sorted(self.new)
        unknown = [self.new[id_].row for id_ in in_order if id_ not in self.old]
        known = [id_ for id_ in in_order if id_ in self.old]
        newer, seen = [self.new[id_].row for id_ in known], [self.old[id_].version for id_ in known]
        return NewFacts(self.kind, unknown, newer, seen)

    def count(self, differences: Sequence[Differences], step: int) -> Iterator[None]:
        """Counts the new facts, and takes back what those counted whose place they take; pauses after each `step` of
        them. `differences`: of the totals that count this kind, in their order.
        """
        remaining = iter(self.new.items())
        while some := list(islice(remaining, step)):
            replaced = [self.old[id_] for id_, _ in some if id_ in self.old]
            for place, one in enumerate(differences):
                for _, new in some:
                    one.add(new.counts[place])
                one.take_back(replaced)
            yield

    def note_visits(self, changed: dict[UUID, Due]) -> None:
        """Notes what the new facts change for businesses."""
        for id_, new in self.new.items():
            old = self.old.get(id_)
            subjects.note_visits(changed, visits_of(old) if old else {}, new.visits)
