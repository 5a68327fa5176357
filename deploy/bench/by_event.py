"""What commands leave behind, without the commands: one transaction, and one statement, per event and its answer.

So the pipeline is measured and not the rules in front of it, and rates are reached that commands on one machine cannot.
"""

import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from deploy.bench import backlog, province
from deploy.bench.desk import open_bells
from deploy.bench.load import Effect
from deploy.local.installation import Installation
from shared.bell import Bell
from shared.clock import business_day, utc_now
from shared.contracts.catalogue import TOPIC_OF, AnyEvent
from shared.ids import new_id
from shared.postgres import Pool, create_pool, role_name

_CONNECTIONS = 8
_BUSINESSES = 200


@dataclass(frozen=True)
class _Write:
    service: str
    parameters: list[Any]
    effect: Effect


@dataclass
class Events:
    """The pools, what rings as the apis do, what is to be written, and the businesses with their versions."""

    pools: dict[str, Pool]
    bells: dict[str, Bell]
    today: date
    writes: list[_Write] = field(default_factory=list)
    businesses: list[tuple[UUID, int]] = field(default_factory=list)
    sessions: int = 0

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
            await self._commit(self._registered(number))
        self.writes = [self._write_of(number) for number in range(writes)]

    async def write(self, number: int) -> tuple[Effect, float]:
        write = self.writes[number]
        return write.effect, await self._commit(write)

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

    async def _commit(self, write: _Write) -> float:
        async with self.pools[write.service].acquire(timeout=5) as connection:
            await connection.execute(backlog.WRITE, *write.parameters)
            committed = time.monotonic()
            self.bells[write.service].ring()
            return committed


def _write(event: AnyEvent, effect: Effect) -> _Write:
    return _Write(TOPIC_OF[event.type].service, backlog.parameters([event]), effect)
