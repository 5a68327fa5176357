"""Applies events to one set of read models: facts are replaced, totals move by the difference."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.reporting import store
from services.reporting.domain import Fact, Kind, canonical, fact_of
from services.reporting.projections import totals_of
from services.reporting.projections.total import Differences, add_up
from services.reporting.store import ReadModelSet, Stage
from shared.consumer.alarms import VERSION_CLASH, raise_alarm
from shared.consumer.applier import Received
from shared.contracts.catalogue import BUSINESS, CONSULTANT, OFFICE, SESSION, Topic
from shared.metrics import DUPLICATES_DROPPED

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
    old: dict[str, Fact]
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


class SetApplier:
    """Feeds one set. Any order of topics, duplicates and gaps lead to the same tables (docs/decisions/0003)."""

    topics: tuple[Topic, ...] = (OFFICE, BUSINESS, CONSULTANT, SESSION)
    durable = False  # what a crash takes back is read again from the log: the offsets go back with it

    def __init__(self, fed: ReadModelSet) -> None:
        self.set_version = fed.version
        self.group = fed.group
        self._totals = totals_of(fed.rules)

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Writes facts and totals in the transaction that has moved the offsets.

        Raises SetStandsStill; asyncpg.SerializationError if the same aggregate is written elsewhere at the same time.
        """
        stage, has_aliases = await store.enter_set(connection, self.set_version)
        if stage not in (Stage.READING, Stage.FOLLOWING):
            raise SetStandsStill(f"set {self.set_version} is {stage or 'retired'}")
        facts = [fact_of(KIND_OF[one.event.type], one.event, one.partition) for one in batch]
        if has_aliases:
            facts = await self._canonical(connection, facts)
        changed = await self._fold(connection, facts)
        for folded in changed:
            await self._write(connection, folded)
        if stage == Stage.FOLLOWING:
            await add_up(connection, self.set_version, self._differences(changed))

    async def _fold(self, connection: Any, facts: Sequence[Fact]) -> list[_Folded]:  # noqa: ANN401
        by_kind: dict[Kind, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_kind[fact.kind].append(fact)
        return [await self._fold_kind(connection, kind, by_kind[kind]) for kind in sorted(by_kind)]

    async def _canonical(self, connection: Any, facts: Sequence[Fact]) -> list[Fact]:  # noqa: ANN401
        aliases = await store.aliases(connection, self.set_version, {one for fact in facts for one in fact.subjects})
        return [canonical(fact, aliases) for fact in facts]

    async def _fold_kind(self, connection: Any, kind: Kind, facts: Sequence[Fact]) -> _Folded:  # noqa: ANN401
        ids = sorted({fact.id for fact in facts})
        folded = _Folded(kind, await store.known_facts(connection, self.set_version, kind, ids))
        for fact in facts:
            folded.take(fact)
        for clash in folded.clashes:
            await raise_alarm(connection, self.group, VERSION_CLASH, clash)
        if folded.dropped:
            DUPLICATES_DROPPED.labels(self.group).inc(folded.dropped)
        return folded

    async def _write(self, connection: Any, folded: _Folded) -> None:  # noqa: ANN401
        unknown: list[Fact] = []
        newer: list[tuple[Fact, int]] = []
        for id_, fact in sorted(folded.new.items()):
            if id_ in folded.old:
                newer.append((fact, folded.old[id_].version))
            else:
                unknown.append(fact)
        await store.insert_facts(connection, self.set_version, folded.kind, unknown)
        await store.replace_facts(connection, self.set_version, folded.kind, newer)

    def _differences(self, facts: Sequence[_Folded]) -> list[Differences]:
        changes = [Differences(total) for total in self._totals]
        for folded in facts:
            for id_, new in folded.new.items():
                old = folded.old.get(id_)
                for change in changes:
                    change.replace(old, new)
        return changes
