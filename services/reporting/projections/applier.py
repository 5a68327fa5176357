"""Applies events to one set of read models: facts are replaced, totals move by the difference."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import TopicPartition

from services.reporting import store
from services.reporting.domain import Fact, Kind, canonical, fact_of
from services.reporting.projections import businesses_served, happenings, subjects, totals_of
from services.reporting.projections.news import Folded, New
from services.reporting.projections.subjects import Due, Served
from services.reporting.projections.total import Differences, additions
from services.reporting.store import Found, ReadModelSet, Stage
from shared.clock import utc_now
from shared.consumer.alarms import VERSION_CLASH, raise_alarm
from shared.consumer.applier import GATHER, Received
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


# About a millisecond: so long Postgres waits for what comes next.
_STEP = 64
# About a hundredth of a second: so long the process's probes and heartbeats wait.
_BREATH = 1_000


class SetStandsStill(Exception):
    """The set's totals are being summed, or the set is retired: nothing may be applied now."""


class SetApplier:
    """Feeds one set. Any order of topics, duplicates and gaps lead to the same tables (docs/decisions/0003)."""

    topics: tuple[Topic, ...] = (OFFICE, BUSINESS, CONSULTANT, SESSION)
    durable = False  # what a crash takes back is read again from the log: the offsets go back with it
    gather = GATHER

    def __init__(self, fed: ReadModelSet, now: Callable[[], datetime] = utc_now) -> None:
        self.set_version = fed.version
        self.group = fed.group
        self._now = now
        self._slice = 0
        totals = totals_of(fed.rules)
        self._totals = {kind: [total for total in totals if kind in total.of] for kind in Kind}
        self._counts_served = businesses_served.TOTAL in totals
        self._follows = fed.stage is Stage.FOLLOWING
        self.may_prepare = asyncio.Event()
        self.may_prepare.set()

    def prepare(self, one: Received) -> object:
        """Returns what follows from the event alone, for `apply`; None where its text is for the database to refuse."""
        try:
            return self._new(fact_of(KIND_OF[one.event.type], one.event, one.partition))
        except asyncpg.DataError:
            return None

    def dealt(self, partitions: Iterable[TopicPartition]) -> None:
        """Adds to a slice of the totals that no other consumer adds to: each partition of sessions is dealt to one.

        Whoever has none of those, where there are more consumers than partitions, keeps away from their slices.
        """
        own = [PARTITIONS * (each.topic != SESSION.name) + each.partition for each in partitions]
        self._slice = min(own, default=self._slice)

    async def apply(self, connection: Any, batch: Sequence[Received]) -> None:  # noqa: ANN401  pooled or plain
        """Writes facts and totals in the transaction that has moved the offsets.

        Raises SetStandsStill; asyncpg.SerializationError if the same aggregate is written elsewhere at the same time.
        """
        by_kind = self._by_kind(batch)
        ids = {kind: {new.fact.id for new in of_kind} for kind, of_kind in by_kind.items()}
        found = await store.lock_facts(connection, self.set_version, ids)
        by_kind = await self._as_found(connection, by_kind, found)
        changed = [await self._fold(connection, kind, by_kind[kind], found.known[kind]) for kind in sorted(by_kind)]
        facts = [folded.as_written() for folded in changed]
        others = happenings.write([(KIND_OF[one.event.type], one.event) for one in batch], self._now())
        copy = partial(store.copy_facts, connection, self.set_version, facts)
        if not self._follows:
            await copy()
            await store.write_facts(connection, self.set_version, facts, others)
            return
        others += await self._counted_during(copy, changed)
        if _size(changed) > _STEP:  # else one statement is what costs least
            await store.write_facts(connection, self.set_version, facts, others)
            facts, others = [], []
        await store.write_facts(connection, self.set_version, facts, others + await self._served(connection, changed))

    async def apply_at_once(self, connection: Any, batch: Sequence[Received], advancing: Write) -> bool:  # noqa: ANN401
        """Looks first, without a lock, and writes all by one statement that takes effect only if nothing of what was
        seen has changed: two round trips instead of six. False for what is not plain, and if something has changed.

        A set that does not follow, and one with businesses that turned out to be others, take the long way.
        """
        if not self._follows:
            return False
        by_kind = self._by_kind(batch)
        visited = {each for of_kind in by_kind.values() for new in of_kind for each in new.visits}
        ids = {kind: {new.fact.id for new in of_kind} for kind, of_kind in by_kind.items()}
        found, seen = await store.see_facts(connection, self.set_version, ids, visited)
        if found.stage != Stage.FOLLOWING or found.has_aliases:
            return False
        changed = [_folded(kind, by_kind[kind], found.known[kind]) for kind in sorted(by_kind)]
        due = _due(changed)
        if not due.keys() <= visited or any(folded.clashes for folded in changed):
            return False
        rows = [seen.get(subject) or subjects.unvisited(subject) for subject in subjects.in_order(due)]
        served = [subjects.become(row, due[row.subject]) for row in rows]
        others = happenings.write([(KIND_OF[one.event.type], one.event) for one in batch], self._now())
        others += [*await self._counted(changed), *subjects.intensities(served), *self._sums(served)]
        facts, visits = [folded.as_written() for folded in changed], subjects.writes_as_seen(rows, served)
        try:
            await store.write_facts_at_once(connection, self.set_version, advancing, facts, visits, others)
        except asyncpg.SerializationError:
            return False
        self._count_dropped(changed)
        return True

    def _new(self, fact: Fact) -> New:
        return New.of(fact, self._totals[fact.kind]) if self._follows else New.uncounted(fact)

    def _by_kind(self, batch: Sequence[Received]) -> dict[Kind, list[New]]:
        by_kind: dict[Kind, list[New]] = defaultdict(list)
        for one in batch:
            new = one.prepared
            if not isinstance(new, New) or new.is_counted is not self._follows:
                new = self._new(fact_of(KIND_OF[one.event.type], one.event, one.partition))
            by_kind[new.fact.kind].append(new)
        return by_kind

    async def _as_found(
        self,
        connection: Any,  # noqa: ANN401
        by_kind: dict[Kind, list[New]],
        found: Found,
    ) -> dict[Kind, list[New]]:
        """Returns what was prepared as the set's stage and its aliases will have it."""
        if found.stage not in (Stage.READING, Stage.FOLLOWING):
            raise SetStandsStill(f"set {self.set_version} is {found.stage or 'retired'}")
        is_another_stage = (found.stage == Stage.FOLLOWING) is not self._follows
        self._follows = found.stage == Stage.FOLLOWING
        if not found.has_aliases and not is_another_stage:
            return by_kind
        told = {one for of_kind in by_kind.values() for new in of_kind for one in new.fact.subjects}
        aliases = await store.aliases(connection, self.set_version, told) if found.has_aliases else {}
        return {kind: [self._new(canonical(new.fact, aliases)) for new in news] for kind, news in by_kind.items()}

    async def _fold(
        self,
        connection: Any,  # noqa: ANN401
        kind: Kind,
        news: Sequence[New],
        known: Mapping[str, Fact],
    ) -> Folded:
        folded = _folded(kind, news, known)
        for clash in folded.clashes:
            await raise_alarm(connection, self.group, VERSION_CLASH, clash)
        self._count_dropped([folded])
        return folded

    def _count_dropped(self, changed: Iterable[Folded]) -> None:
        dropped = sum(folded.dropped for folded in changed)
        if dropped:
            DUPLICATES_DROPPED.labels(self.group).inc(dropped)

    async def _counted_during(self, copy: Callable[[], Awaitable[None]], changed: Sequence[Folded]) -> list[Write]:
        """Returns what adds to the totals that follow from facts alone; they are summed while Postgres takes facts."""
        copied, counted = await asyncio.gather(copy(), self._counted(changed), return_exceptions=True)
        if isinstance(copied, BaseException):
            raise copied
        if isinstance(counted, BaseException):
            raise counted
        return counted

    async def _counted(self, changed: Sequence[Folded]) -> list[Write]:
        with self._alone(_size(changed)):
            sums: dict[str, Differences] = {}
            for folded in changed:
                of_kind = [sums.setdefault(total.name, Differences(total)) for total in self._totals[folded.kind]]
                for _ in folded.count(of_kind, _STEP):
                    await asyncio.sleep(0)
            return additions(list(sums.values()), self._slice)

    async def _served(self, connection: Any, changed: Sequence[Folded]) -> list[Write]:  # noqa: ANN401
        """Returns what the batch makes of businesses, which are locked from here on: last of all, for nearly every
        large batch shares one with what another consumer applies, and that one waits until the commit.
        """
        due = _due(changed)
        rows = await subjects.lock(connection, self.set_version, due)
        with self._alone(len(rows)):
            served = []
            for row in rows:
                served.append(subjects.become(row, due[row.subject]))
                if len(served) % _BREATH == 0:
                    await asyncio.sleep(0)
            return [*subjects.writes(served), *self._sums(served)]

    def _sums(self, served: Sequence[Served]) -> list[Write]:
        return additions([subjects.count(served)] if self._counts_served else [], self._slice)

    @contextmanager
    def _alone(self, size: int) -> Iterator[None]:
        """Keeps the next batch from being prepared while Postgres waits for what is worked out of this one; a small
        one is worked out before anything could be.
        """
        if size > _STEP:
            self.may_prepare.clear()
        try:
            yield
        finally:
            self.may_prepare.set()


def _folded(kind: Kind, news: Sequence[New], known: Mapping[str, Fact]) -> Folded:
    folded = Folded(kind, known)
    for new in news:
        folded.take(new)
    return folded


def _due(changed: Sequence[Folded]) -> dict[UUID, Due]:
    """Returns what the new facts change for businesses."""
    due: dict[UUID, Due] = {}
    for folded in changed:
        folded.note_visits(due)
    return due


def _size(changed: Sequence[Folded]) -> int:
    """Returns how many facts a batch changes."""
    return sum(len(folded.new) for folded in changed)
