"""What commands leave behind, without the commands: events and kept answers, written as the apis write them.

So the pipeline is measured and not the rules in front of it, and rates are reached that commands on one machine cannot.
Where little comes each has a transaction of its own. Sessions, and registrations, that come together share one
(docs/decisions/0029, 0031), by the apis' own gathering; each correction has its own.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

from deploy.bench import backlog, province
from deploy.bench.desk import open_bells
from deploy.bench.load import Counted, Effect
from deploy.local.installation import Installation
from shared.bell import Bell
from shared.clock import business_day, utc_now
from shared.commands import gathering
from shared.contracts.catalogue import TOPIC_OF, AnyEvent
from shared.ids import new_id
from shared.memory import OF_BATCHES, look_rarely
from shared.postgres import Pool, create_pool, role_name
from shared.together import Together

_CONNECTIONS = 8
_BUSINESSES = 200
# Of each office: so each has two sessions a second at the most, and its total tells one from the next.
_CONSULTANTS = 40

# What was committed, and when.
_Done: TypeAlias = tuple[Effect, float]


@dataclass(frozen=True)
class _Write:
    service: str
    keys: tuple[str]  # its aggregate: no two of one transaction are of the same
    parameters: list[Any]
    effect: Callable[[], Effect]  # to be asked once it has been committed


@dataclass
class Events:
    """The pools, what rings and gathers as the apis do, what is to be written, and the businesses with versions."""

    pools: dict[str, Pool]
    bells: dict[str, Bell]
    today: date
    place: Callable[[int, date], province.Place]
    company: dict[str, Together[_Write, _Done]] = field(init=False)
    counted: Counted = field(default_factory=Counted)
    writes: list[_Write] = field(default_factory=list)
    businesses: list[tuple[UUID, int]] = field(default_factory=list)
    sessions: int = 0

    def __post_init__(self) -> None:
        self.company = {
            service: gathering(partial(self._commit, service), attrgetter("keys")) for service in self.pools
        }

    @classmethod
    async def open(cls, installation: Installation, *, scattered: bool) -> "Events":
        """Connects to both outboxes as the apis do. Sessions are of these days, or of three years."""
        pools = {}
        for service in ("registry", "mentoring"):
            pools[service] = await create_pool(
                installation.settings(service, "api"),
                role_name(service, "app"),
                schema=service,
                application="plut-bench-writers",
                size=_CONNECTIONS,
            )
        place = province.scattered if scattered else province.recent
        return cls(pools, await open_bells(installation), business_day(utc_now()), place)

    async def prepare(self, writes: int) -> None:
        """Registers a few businesses, so that there is something to correct, and makes the events."""
        for number in range(_BUSINESSES):
            await self._commit("registry", [self._registered(number)])
        self.writes = [self._write_of(number) for number in range(writes)]
        look_rarely(OF_BATCHES)  # or all of them are looked through again and again for garbage

    async def write(self, number: int) -> _Done:
        write = self.writes[number]
        if province.deed(number) is province.Deed.CORRECTION:
            (done,) = await self._commit(write.service, [write])
            return done
        return await self.company[write.service].do(write)

    async def close(self) -> None:
        for bell in self.bells.values():
            await bell.stop()
        for pool in self.pools.values():
            pool.terminate()

    def _write_of(self, number: int) -> _Write:
        deed = province.deed(number)
        if deed is province.Deed.SESSION:
            return self._completed()
        if deed is province.Deed.REGISTRATION:
            return self._registered(number)
        id_, version = self.businesses[number % _BUSINESSES]
        self.businesses[number % _BUSINESSES] = id_, version + 1
        return _business(backlog.business(id_, number, self.today, version=version + 1))

    def _completed(self) -> _Write:
        number, self.sessions = self.sessions, self.sessions + 1
        office, day = self.place(number, self.today)
        consultant = province.consultant(number, _CONSULTANTS)
        event = backlog.session(new_id(), number, (office, day), consultant)
        return _write(event, partial(self.counted.one_more, office, consultant, day))

    def _registered(self, number: int) -> _Write:
        id_ = new_id()
        self.businesses.append((id_, 1))
        return _business(backlog.business(id_, number, self.today))

    async def _commit(self, service: str, writes: Sequence[_Write]) -> list[_Done]:
        async with self.pools[service].acquire(timeout=5) as connection:
            await connection.execute(backlog.WRITE, *backlog.joined([write.parameters for write in writes]))
            committed = time.monotonic()
            for _ in writes:
                self.bells[service].ring()
            return [(write.effect(), committed) for write in writes]


def _business(event: AnyEvent) -> _Write:
    effect = event.payload.state.id, event.version
    return _write(event, lambda: effect)


def _write(event: AnyEvent, effect: Callable[[], Effect]) -> _Write:
    return _Write(TOPIC_OF[event.type].service, (event.aggregate_id,), backlog.parameters([event]), effect)
