"""The kept answers of accepted commands against the outbox: each answer has its events, each event one answer."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers

_PAGE = 2000
# A command's event and its answer are written in one transaction, which the role's timeout ends after 30 seconds.
_ONE_TRANSACTION = timedelta(seconds=60)
_READ_AGAIN = (
    "Read `plut logs {service}` around that time; the outbox is the record of promises: restore it from a backup."
)

_COMMANDS = """
select principal, key, status, answer, event_ids, accepted_at
from accepted_command
where (accepted_at, principal, key) > ($1, $2, $3) and accepted_at <= $4
order by accepted_at, principal, key
limit $5
"""
_EVENTS = r"""
select event_id, topic, aggregate_id, version, payload ->> 'office' as office, created_at,
       payload::text ~ '"known"\s*:\s*false' as provisional
from outbox where event_id = any($1::uuid[])
"""
_UNCLAIMED = """
with page as (
    select seq, event_id, topic, aggregate_id, version, correlation_id, created_at from outbox
    where seq > $1 and seq <= $2 and created_at > $3
), span as (
    select min(created_at) - $4::interval as since, max(created_at) + $4::interval as until from page
), claim as (
    select unnest(c.event_ids) as event_id from accepted_command c, span
    where c.accepted_at between span.since and span.until
), counted as (select event_id, count(*) as claims from claim group by event_id)
select p.seq, p.event_id, p.topic, p.aggregate_id, p.version, p.created_at, coalesce(c.claims, 0) as claims,
       o.payload ->> 'causation_id' is not null as caused
from page p left join counted c using (event_id) join outbox o using (seq)
where coalesce(c.claims, 0) <> 1
"""
_CLAIMS_ANYWHERE = "select count(*) from accepted_command where $1 = any(event_ids)"
# Answers are thrown away after 90 days; an event that is older cannot be judged.
_BOUNDS = """
select clock_timestamp() - interval '89 days' as since, coalesce(max(seq), 0) as last_seq from outbox
"""


def aggregate_of(answer: Mapping[str, Any]) -> str:
    """Returns the aggregate whose event an answer tells of; a move, which has an id of its own, is of its business."""
    return str(next((answer[name] for name in ("business", "id", "code") if name in answer), ""))


@dataclass(frozen=True)
class Event:
    """An event as it stands in the outbox. `provisional`: it speaks of a business that was not known."""

    id: UUID
    topic: str
    aggregate_id: str
    version: int
    office: str | None
    provisional: bool
    created_at: datetime


@dataclass(frozen=True)
class Command:
    """An accepted command: what its caller was told, and the events that it left."""

    service: str
    key: str
    status: int
    answer: dict[str, Any]
    event_ids: tuple[UUID, ...]
    accepted_at: datetime

    @property
    def where(self) -> str:
        return f"{self.service} command {self.key}"

    @property
    def aggregate_id(self) -> str:
        return aggregate_of(self.answer)

    @property
    def acceptances(self) -> int | None:
        """How many sessions of an import it accepted; None for every other command."""
        accepted: int | None = self.answer.get("accepted")
        return accepted


async def commands(readers: Readers, service: str) -> AsyncIterator[tuple[list[Command], dict[UUID, Event]]]:
    """Yields the accepted commands page by page, each page with its events, both of one instant."""
    async with readers.instant(service) as connection:
        until = await connection.fetchval("select clock_timestamp()")
    place: tuple[Any, ...] = (datetime.min.replace(tzinfo=until.tzinfo), "", "")
    while True:
        async with readers.instant(service) as connection:
            rows = await connection.fetch(_COMMANDS, *place, until, _PAGE)
            ids = [event_id for row in rows for event_id in row["event_ids"]]
            events = {row["event_id"]: _event(row) for row in await connection.fetch(_EVENTS, ids)}
        if not rows:
            return
        yield [_command(service, row) for row in rows], events
        place = (rows[-1]["accepted_at"], rows[-1]["principal"], rows[-1]["key"])


def judge(command: Command, events: dict[UUID, Event]) -> list[Finding]:
    """Returns what is wrong between one answer and its events."""
    missing = [event_id for event_id in command.event_ids if event_id not in events]
    if missing:
        return [
            Finding(
                Kind.LOST,
                f"{command.service} {command.aggregate_id} version {command.answer.get('version')}",
                f"the command {command.key} was accepted at {command.accepted_at.isoformat()}, "
                f"its event {missing[0]} is not in the outbox",
                _READ_AGAIN.format(service=command.service),
            )
        ]
    left = [events[event_id] for event_id in command.event_ids]
    return [*_claimed_again(command, left), *_differences(command, left)]


def _claimed_again(command: Command, left: Sequence[Event]) -> list[Finding]:
    return [
        Finding(
            Kind.TWICE,
            command.where,
            f"it was accepted at {command.accepted_at.isoformat()} "
            f"for event {event.id} of {event.created_at.isoformat()}: "
            "another command left that event",
            "Find out who wrote the row: an event belongs to the one command in whose transaction it was written.",
        )
        for event in left
        if abs(command.accepted_at - event.created_at) > _ONE_TRANSACTION
    ]


def _differences(command: Command, left: Sequence[Event]) -> list[Finding]:
    own = next((event for event in left if event.aggregate_id == command.aggregate_id), None)
    if command.acceptances is not None:
        wrong = _miscounted(command.acceptances, left)
    elif left and own is None:
        wrong = [f"it names {command.aggregate_id or 'no aggregate'}, its event is of {left[0].aggregate_id}"]
    elif own is not None:
        wrong = _contradictions(command, own)
    else:
        wrong = []
    return [
        Finding(
            Kind.DIFFERING,
            command.where,
            f"the kept answer is not what was done: {what}",
            "The answer was changed after it had been given; the outbox tells what was done.",
        )
        for what in wrong[:1]
    ]


def _miscounted(acceptances: int, left: Sequence[Event]) -> list[str]:
    """One command accepts many sessions: one event of each."""
    sessions = {event.aggregate_id for event in left}
    if acceptances == len(left) == len(sessions):
        return []
    return [f"it accepted {acceptances}, its {len(left)} events are of {len(sessions)} sessions"]


def _contradictions(command: Command, event: Event) -> list[str]:
    answer = command.answer
    told = {"version": event.version, "office": event.office, "provisional": event.provisional}
    expected = {name: value for name, value in told.items() if name in answer or name == "version"}
    wrong = [
        f"`{name}` is {answer.get(name)!r}, the event says {value!r}"
        for name, value in expected.items()
        if answer.get(name) != value
    ]
    if "revision" in answer and (
        answer["revision"] < event.version or (event.version == 1) != (answer["revision"] == 1)
    ):
        wrong.append(f"`revision` is {answer['revision']!r} at version {event.version}")
    if command.status != (201 if event.version == 1 else 200):
        wrong.append(f"the status is {command.status} at version {event.version}")
    return wrong


async def unclaimed(readers: Readers, service: str) -> AsyncIterator[list[Finding]]:
    """Yields, range by range of the outbox, events that no accepted command left, or more than one."""
    async with readers.instant(service) as connection:
        bounds = await connection.fetchrow(_BOUNDS)
    since, seq, last = bounds["since"], 0, bounds["last_seq"]
    while seq < last:
        upto = min(seq + 10 * _PAGE, last)
        async with readers.instant(service) as connection:
            rows = await connection.fetch(_UNCLAIMED, seq, upto, since, _ONE_TRANSACTION)
            yield [finding for row in rows if (finding := await _judge_claims(connection, service, row))]
        seq = upto


async def _judge_claims(connection: Any, service: str, row: Any) -> Finding | None:  # noqa: ANN401  asyncpg's
    claims = row["claims"] or await connection.fetchval(_CLAIMS_ANYWHERE, row["event_id"])
    if claims == 1 or (claims == 0 and row["caused"]):
        return None
    told = "no accepted command left it" if claims == 0 else f"{claims} accepted commands claim it"
    return Finding(
        Kind.TWICE,
        f"{row['topic']} {row['aggregate_id']} version {row['version']}",
        f"{told} (written at {row['created_at'].isoformat()}): an effect too many",
        f"Read `plut logs {service}` around that time; correct the aggregate through the API.",
    )


def _command(service: str, row: Any) -> Command:  # noqa: ANN401  asyncpg's
    return Command(
        service, row["key"], row["status"], json.loads(row["answer"]), tuple(row["event_ids"]), row["accepted_at"]
    )


def _event(row: Any) -> Event:  # noqa: ANN401  asyncpg's
    return Event(
        row["event_id"],
        row["topic"],
        row["aggregate_id"],
        row["version"],
        row["office"],
        row["provisional"],
        row["created_at"],
    )
