"""What commands leave behind, without the commands: events and kept answers, written as the apis write them.

So the pipeline is measured and not the rules in front of it, and rates are reached that commands on one machine cannot.
Where little comes each has a transaction of its own. Sessions, and registrations, that come together share one
(docs/decisions/0029, 0031), by the apis' own gathering; each correction has its own.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from deploy.bench import backlog, province
from deploy.bench.desk import open_bells
from deploy.bench.load import Effect
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


@dataclass(frozen=True)
class _Write:
    service: str
    keys: tuple[str]  # its aggregate: no two of one transaction are of the same
    parameters: list[Any]
    effect: Effect


@dataclass
class Events:
    """The pools, what rings and gathers as the apis do, what is to be written, and the businesses with versions."""

    pools: dict[str, Pool]
    bells: dict[str, Bell]
    today: date
    company: dict[str, Together[_Write, float]] = field(init=False)
    writes: list[_Write] = field(default_factory=list)
    businesses: list[tuple[UUID, int]] = field(default_factory=list)
    sessions: int = 0

    def __post_init__(self) -> None:
        self.company = {
            service: gathering(partial(self._commit, service), attrgetter("keys")) for service in self.pools
        }

    @classmethod
    async def open(cls, installation: Installation) -> "Events":
        """Connects to both outboxes as the apis do."""
        pools = {}
        for service in ("registry", "mentoring"):
            pools[service] = await create_pool(
                installation.settings(service, "api"),
                role_name(service, "app"),
                schema=service,
                application="plut-bench-writers",
                size=_CONNECTIONS,
            )
        return cls(pools, await open_bells(installation), business_day(utc_now()))

    async def prepare(self, writes: int) -> None:
        """Registers a few businesses, so that there is something to correct, and makes the events."""
        for number in range(_BUSINESSES):
            await self._commit("registry", [self._registered(number)])
        self.writes = [self._write_of(number) for number in range(writes)]
        look_rarely(OF_BATCHES)  # or all of them are looked through again and again for garbage

    async def write(self, number: int) -> tuple[Effect, float]:
        write = self.writes[number]
        if province.deed(number) is province.Deed.CORRECTION:
            (committed,) = await self._commit(write.service, [write])
        else:
            committed = await self.company[write.service].do(write)
        return write.effect, committed

    async def close(self) -> None:
        for bell in self.bells.values():
            await bell.stop()
        for pool in self.pools.values():
            pool.terminate()

    def _write_of(self, number: int) -> _Write:
        deed = province.deed(number)
        if deed is province.Deed.SESSION:
            place, self.sessions = self.sessions, self.sessions + 1
            return _write(backlog.session(new_id(), place, self.today), province.place_of(place, self.today))
        if deed is province.Deed.REGISTRATION:
            return self._registered(number)
        id_, version = self.businesses[number % _BUSINESSES]
        self.businesses[number % _BUSINESSES] = id_, version + 1
        return _write(backlog.business(id_, number, self.today, version=version + 1), (id_, version + 1))

    def _registered(self, number: int) -> _Write:
        id_ = new_id()
        self.businesses.append((id_, 1))
        return _write(backlog.business(id_, number, self.today), (id_, 1))

    async def _commit(self, service: str, writes: Sequence[_Write]) -> list[float]:
        async with self.pools[service].acquire(timeout=5) as connection:
            await connection.execute(backlog.WRITE, *backlog.joined([write.parameters for write in writes]))
            committed = time.monotonic()
            for _ in writes:
                self.bells[service].ring()
            return [committed] * len(writes)


def _write(event: AnyEvent, effect: Effect) -> _Write:
    return _Write(TOPIC_OF[event.type].service, (event.aggregate_id,), backlog.parameters([event]), effect)
