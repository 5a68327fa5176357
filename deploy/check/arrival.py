"""Waiting, within a bound, for what is still on its way; and telling it from what was passed by."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploy.check import flow
from deploy.check.aggregates import Behind, aliases, events_of, suspect
from deploy.check.copies import Copies, Row
from deploy.check.findings import Finding, Kind
from deploy.check.flow import Place, Published, Tails
from deploy.check.reader import Readers
from deploy.check.totals.suspects import Suspect
from shared.contracts.catalogue import TOPICS

_LOOK_EVERY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one that was behind: arrived (None), lost, or still waiting, and why."""

    behind: Behind
    kind: Kind
    why: str
    row: Row | None

    @property
    def finding(self) -> Finding:
        name = f"{self.behind.id} version {self.behind.newest}"
        table = self.behind.copies.table
        stands = f"stands at version {self.behind.version}" if self.behind.version else "has no row of it"
        if self.kind is Kind.LOST:
            service = self.behind.copies.service
            cure = f"Run `plut rebuild {service}`; a record set aside: `plut parked list`, then `plut parked retry`."
        else:
            cure = "Nothing is lost: see `plut status` and `plut logs` for what does not move, then check again."
        return Finding(self.kind, name, f"{table} {stands}: {self.why}", cure)


async def caught_up(readers: Readers, marks: Mapping[str, int], groups: Sequence[Copies], deadline: float) -> bool:
    """Waits until all that stood in the outboxes at the marks is published and read; False at the deadline."""
    while not (await flow.is_published(readers, marks) and await _is_read(readers, marks, groups)):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return True


async def _is_read(readers: Readers, producers: Iterable[str], followers: Sequence[Copies]) -> bool:
    ends: dict[tuple[str, int], Place] = {}
    for service in producers:
        async with readers.instant(service) as connection:
            ends |= (await flow.tails(connection)).ends
    for copies in followers:
        async with readers.instant(copies.service) as connection:
            reached = await flow.reached(connection, await copies.group(connection))
        mine = {place: end for place, end in ends.items() if place[0] == copies.topic and end.offset > 0}
        if any(place not in reached or reached[place] < end for place, end in mine.items()):
            return False
    return True


async def settle(readers: Readers, behind: Sequence[Behind], deadline: float) -> list[Verdict]:
    """Asks again for what was behind until the deadline; returns what was found lost, and what is still waiting."""
    lost: list[Verdict] = []
    waiting = list(behind)
    while waiting:
        verdicts = await _look(readers, waiting)
        lost += [verdict for verdict in verdicts if verdict.kind is Kind.LOST]
        still = [verdict for verdict in verdicts if verdict.kind is Kind.WAITING]
        if time.monotonic() > deadline:
            return lost + still
        waiting = [verdict.behind for verdict in still]
        if waiting:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return lost


async def suspects(readers: Readers, verdicts: Sequence[Verdict]) -> list[Suspect]:
    """Returns the facts of reporting that were lost, as they stand and as they ought to."""
    found: list[Suspect] = []
    by_topic: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.kind is Kind.LOST and verdict.behind.copies.service == "reporting":
            by_topic[verdict.behind.copies.topic].append(verdict)
    known_aliases = await aliases(readers) if by_topic else {}
    for topic, those in by_topic.items():
        async with readers.instant(TOPICS[topic].service) as connection:
            events = await events_of(connection, topic, {(each.behind.id, each.behind.newest) for each in those})
        for each in those:
            event = events.get((each.behind.id, each.behind.newest))
            found.append(suspect(each.behind.copies, each.row, event, known_aliases))
    return found


async def _look(readers: Readers, behind: Sequence[Behind]) -> list[Verdict]:
    by_table: dict[Copies, list[Behind]] = defaultdict(list)
    for each in behind:
        by_table[each.copies].append(each)
    return [verdict for copies, those in by_table.items() for verdict in await _look_into(readers, copies, those)]


async def _look_into(readers: Readers, copies: Copies, behind: Sequence[Behind]) -> list[Verdict]:
    """The relay's place is read first, then offsets and rows of one instant: what lies below is in the rows."""
    async with readers.instant(TOPICS[copies.topic].service) as connection:
        tails = await flow.tails(connection)
        sent = await flow.published(connection, copies.topic, [(each.id, each.newest) for each in behind])
    async with readers.instant(copies.service) as connection:
        group = await copies.group(connection)
        reached = await flow.reached(connection, group)
        rows = await copies.read_those(connection, [each.id for each in behind])
        parked = await flow.parked(connection, group, [each.event_id for each in sent.values()])
    return [
        verdict
        for each in behind
        if (verdict := _verdict(each, rows.get(each.id), sent.get(each.id), _Flow(tails, reached, parked))) is not None
    ]


@dataclass(frozen=True, slots=True)
class _Flow:
    tails: Tails
    reached: Mapping[tuple[str, int], Place]
    parked: Mapping[str, str]


def _verdict(behind: Behind, row: Row | None, sent: Published | None, at: _Flow) -> Verdict | None:
    if row is not None and row.version >= behind.newest:
        return None
    kind, why = _why(behind.copies.topic, sent, at)
    version = row.version if row else 0
    return Verdict(Behind(behind.copies, behind.id, version, behind.newest), kind, why, row)


def _why(topic: str, sent: Published | None, at: _Flow) -> tuple[Kind, str]:
    if sent is None:
        return Kind.LOST, "its newest event has gone from the outbox"
    if sent.held:
        return Kind.LOST, f"Kafka refuses its record for good: {sent.held}"
    if sent.event_id in at.parked:
        return Kind.LOST, at.parked[sent.event_id]
    if not sent.published:
        return Kind.WAITING, f"the relay has not published it ({at.tails.alarm or 'it is behind or not running'})"
    place = (topic, sent.partition)
    end, reached = at.tails.ends.get(place), at.reached.get(place)
    if end is not None and (reached is None or reached < end):
        stands = f"stands at {reached.offset}" if reached else "has read nothing"
        return Kind.WAITING, f"published below offset {end.offset} of partition {sent.partition}, the consumer {stands}"
    return Kind.LOST, "published, and the consumer has read past it"
