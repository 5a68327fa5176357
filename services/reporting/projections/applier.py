"""Applies events to one set of read models: facts are replaced, totals move by the difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.reporting import store
from services.reporting.domain import Fact, Kind, canonical, fact_of
from services.reporting.projections import businesses_served, happenings, subjects, totals_of
from services.reporting.projections.total import Differences, additions
from services.reporting.store import NewFacts, ReadModelSet, Stage
from shared.clock import utc_now
from shared.consumer.alarms import VERSION_CLASH, raise_alarm
from shared.consumer.applier import Received
from shared.contracts.catalogue import BUSINESS, CONSULTANT, OFFICE, PARTITIONS, SESSION, Topic
from shared.metrics import DUPLICATES_DROPPED
from shared.statements import Write

_KIND_OF_TOPIC = (
    (OFFICE, Kind.OFFICE),
    (BUSINESS, Kind.BUSINESS),
    (CONSULTANT, Kind.CONSULTANT),
    (SESSION, Kind.SESSION),
)
# By the event's own type: one that strayed into another topic is still a fact of its kind.
KIND_OF: Mapping[str, Kind] = {
    str(event.model_fields["type"].default): kind for topic, kind in _KIND_OF_TOPIC for event in topic.events
}


class SetStandsStill(Exception):
    """The set's totals are being summed, or the set is retired: nothing may be applied now."""


@dataclass(slots=True)
class _Folded:
    """What a batch makes of the aggregates of one kind: the newest fact of each, and what was known before."""

    kind: Kind
    old: Mapping[str, Fact]
    new: dict[str, Fact] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    dropped: int = 0

    def take(self, fact: Fact) -> None:
        """A greater version replaces; the rest is dropped, and one version with two events is something to look at."""
        known = self.new.get(fact.id) or self.old.get(fact.id)
        if known is None or fact.version > known.version:
            self.new[fact.id] = fact
            return
        self.dropped += 1
        if fact.version == known.version and fact.event_id != known.event_id:
            self.clashes.append(
                f"{fact.kind} {fact.id} version {fact.version}: {fact.event_id}, known {known.event_id}"
            )

    def replaced(self) -> list[tuple[Fact | None, Fact]]:
        """Returns each new fact with the one that it takes the place of."""
        return [(self.old.get(id_), new) for id_, new in self.new.items()]

    def as_written(self) -> NewFacts:
        """Returns the new facts in the order of their ids: two appliers lock rows in one order."""
        new = [fact for _, fact in sorted(self.new.items())]
        unknown = [fact for fact in new if fact.id not in self.old]
        newer = [fact for fact in new if fact.id in self.old]
        return NewFacts(self.kind, unknown, newer)


class SetApplier:
    """Feeds one set. Any order of topics, duplicates and gaps lead to the same tables (docs/decisions/0003)."""

    topics: tuple[Topic, ...] = (OFFICE, BUSINESS, CONSULTANT, SESSION)
    durable = False  # what a crash takes back is read again from the log: the offsets go back with it

    def __init__(self, fed: ReadModelSet, now: Callable[[], datetime] = utc_now) -> None:
        self.set_version = fed.version
        self.group = fed.group
        self._now = now
        # Consumers share the partitions: the least that this one has met is hardly another's.
        self._slice = PARTITIONS - 1
        totals = totals_of(fed.rules)
        self._totals = [total for total in totals if not total.derived]
        self._counts_served = businesses_served.TOTAL in totals

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Writes facts and totals in the transaction that has moved the offsets.

        Raises SetStandsStill; asyncpg.SerializationError if the same aggregate is written elsewhere at the same time.
        """
        self._slice = min([self._slice, *(one.partition for one in batch)])
        facts = [fact_of(KIND_OF[one.event.type], one.event, one.partition) for one in batch]
        by_kind = {kind: [fact for fact in facts if fact.kind is kind] for kind in {fact.kind for fact in facts}}
        ids = {kind: {fact.id for fact in of_kind} for kind, of_kind in by_kind.items()}
        found = await store.lock_facts(connection, self.set_version, ids)
        if found.stage not in (Stage.READING, Stage.FOLLOWING):
            raise SetStandsStill(f"set {self.set_version} is {found.stage or 'retired'}")
        if found.has_aliases:
            by_kind = {kind: await self._canonical(connection, of_kind) for kind, of_kind in by_kind.items()}
        changed = [await self._fold(connection, kind, by_kind[kind], found.known[kind]) for kind in sorted(by_kind)]
        others = happenings.write([(KIND_OF[one.event.type], one.event) for one in batch], self._now())
        if found.stage == Stage.FOLLOWING:
            others += await self._sums(connection, changed)
        await store.write_facts(connection, self.set_version, [folded.as_written() for folded in changed], others)

    async def _sums(self, connection: Any, changed: Sequence[_Folded]) -> list[Write]:  # noqa: ANN401
        replaced = [pair for folded in changed if folded.kind is Kind.SESSION for pair in folded.replaced()]
        served = await subjects.lock(connection, self.set_version, subjects.changes(replaced))
        sums = self._differences(changed)
        if self._counts_served:
            sums.append(subjects.count(served))
        return [*subjects.writes(served), *additions(sums, self._slice)]

    async def _canonical(self, connection: Any, facts: Sequence[Fact]) -> list[Fact]:  # noqa: ANN401
        aliases = await store.aliases(connection, self.set_version, {one for fact in facts for one in fact.subjects})
        return [canonical(fact, aliases) for fact in facts]

    async def _fold(
        self,
        connection: Any,  # noqa: ANN401
        kind: Kind,
        facts: Sequence[Fact],
        known: Mapping[str, Fact],
    ) -> _Folded:
        folded = _Folded(kind, known)
        for fact in facts:
            folded.take(fact)
        for clash in folded.clashes:
            await raise_alarm(connection, self.group, VERSION_CLASH, clash)
        if folded.dropped:
            DUPLICATES_DROPPED.labels(self.group).inc(folded.dropped)
        return folded

    def _differences(self, changed: Sequence[_Folded]) -> list[Differences]:
        differences = [Differences(total) for total in self._totals]
        for folded in changed:
            replaced = folded.replaced()
            for one in differences:
                if folded.kind in one.total.of:
                    one.replace(replaced)
        return differences
