"""A backlog: commands' events of eight offices, 8,000 businesses and three years, committed all at once.

They come in the order in which offices write: by day, some of them days late, as a replay of an outbox has them. Their
answers are kept too, so that the check can prove what was measured.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from typing import Any
from uuid import UUID

from deploy.bench import province
from shared import outbox
from shared.clock import WIB, utc_now
from shared.contracts.catalogue import AnyEvent
from shared.contracts.envelope import Payload
from shared.contracts.mentoring import SessionBusiness, SessionCompleted, SessionState
from shared.contracts.registry import BusinessCorrected, BusinessRegistered, BusinessState
from shared.ids import new_id
from shared.postgres import connect, role_name
from shared.settings import Settings

BUSINESSES = 8_000
_AT_ONCE = 2_000
_CONSULTANTS = 5  # of each office
_BUSINESS, _SESSION = 1, 2
_AT = time(10)

# Events, and for each an answer as the command that it is of would have kept it: one statement, in the caller's
# transaction or else in one of its own. Its parameters come behind the nine of the events themselves.
WRITE = f"""
with {outbox.WRITING_EVENTS}
insert into accepted_command (principal, key, body_digest, status, answer, event_ids)
select $10, event_id::text, ''::bytea, status, answer, array[event_id]
from unnest($1::uuid[], $11::smallint[], $12::json[]) as told (event_id, status, answer)
"""  # noqa: S608  our own text


@dataclass(frozen=True)
class Backlog:
    """So many businesses and sessions. `first`: how many sessions of earlier backlogs are there already. `scattered`:
    in the worst order, in which no two that follow each other share an office or a day.
    """

    businesses: int
    sessions: int
    first: int
    today: date
    scattered: bool = False

    @property
    def events(self) -> int:
        return self.businesses + self.sessions

    def of_registry(self) -> Iterator[AnyEvent]:
        for number, at in self._in_order(range(self.businesses)):
            yield business(province.fixed_id(_BUSINESS, number), number, self.today, at=at)

    def of_mentoring(self) -> Iterator[AnyEvent]:
        for number, at in self._in_order(range(self.first, self.first + self.sessions)):
            place = province.scattered(number, self.today)
            consultant = province.consultant(number, _CONSULTANTS)
            yield session(province.fixed_id(_SESSION, number), number, place, consultant, at=at)

    def _in_order(self, numbers: Iterable[int]) -> Iterator[tuple[int, datetime]]:
        """Yields the numbers as they were written, with the time of what they stand for."""
        days = {number: province.scattered(number, self.today)[1] for number in numbers}
        late = province.days_late
        order = days if self.scattered else sorted(days, key=lambda one: days[one] + timedelta(days=late(one)))
        for number in order:
            yield number, datetime.combine(days[number], _AT, WIB)


@asynccontextmanager
async def written(settings: Settings, service: str, events: Iterable[AnyEvent]) -> AsyncIterator[None]:
    """Writes the events into one open transaction, and commits when the body ends."""
    # The owner: a transaction of a hundred thousand rows lasts longer than an api's may.
    connection = await connect(settings, role_name(service, "owner"), schema=service, application="plut-bench")
    try:
        async with connection.transaction():
            # It waits for the other service's backlog, so that both are committed at once.
            await connection.execute("set local idle_in_transaction_session_timeout = 0")
            remaining = iter(events)
            while some := list(islice(remaining, _AT_ONCE)):
                await connection.execute(WRITE, *parameters(some))
            yield
    finally:
        await connection.close(timeout=5)


def parameters(events: Sequence[AnyEvent]) -> list[Any]:
    """Returns the parameters of WRITE."""
    answers = [
        json.dumps({"id": event.aggregate_id, "revision": event.version, "version": event.version}) for event in events
    ]
    status = [201 if event.version == 1 else 200 for event in events]
    return [*outbox.parameters(events, None), province.SUBJECT, status, answers]


def joined(some: Sequence[list[Any]]) -> list[Any]:
    """Returns the parameters of WRITE for the events of several: lists are joined, what all have in common is kept."""
    return [
        list(chain.from_iterable(column)) if isinstance(column[0], list) else column[0]
        for column in zip(*some, strict=True)
    ]


def business(id_: UUID, number: int, today: date, *, version: int = 1, at: datetime | None = None) -> AnyEvent:
    """Returns the registration of the n-th business, or a correction of it."""
    office = province.CODES[number % len(province.CODES)]
    state = BusinessState(
        id=id_,
        trade_name=f"Usaha Ukur {number}-{version}",
        kinds=["umkm"],
        kelurahan=province.kelurahan(office, number),
        home_office=office,
        status="active",
        registered_on=province.scattered(number, today)[1],
        registered_by=office,
    )
    told = BusinessRegistered if version == 1 else BusinessCorrected
    return told(payload=Payload[BusinessState](state=state), **_envelope(id_, office, version, at))


def session(id_: UUID, number: int, place: province.Place, consultant: UUID, *, at: datetime | None = None) -> AnyEvent:
    """Returns the completion of the n-th session."""
    office, day = place
    met = number % BUSINESSES
    state = SessionState(
        id=id_,
        office=office,
        day=day,
        contact_minutes=30,
        preparation_minutes=5,
        travel_minutes=5,
        consultants=[consultant],
        businesses=[
            SessionBusiness(
                id=province.fixed_id(_BUSINESS, met),
                known=True,
                kinds=["umkm"],
                kelurahan=province.kelurahan(office, met),
                home_office=office,
            )
        ],
        field="production",
        service="business_mentoring",
        channel="office_visit",
        state="completed",
        confirmable_version=1,
    )
    return SessionCompleted(payload=Payload[SessionState](state=state), **_envelope(id_, office, 1, at))


def _envelope(id_: UUID, office: str, version: int, at: datetime | None) -> dict[str, Any]:
    now = utc_now()
    return {
        "event_id": new_id(),
        "schema_version": 1,
        "aggregate_id": str(id_),
        "version": version,
        "occurred_at": at or now,
        "recorded_at": now,
        "office": office,
        "actor": province.SUBJECT,
        "correlation_id": new_id(),
    }
