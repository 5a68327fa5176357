"""What commands leave behind, without the commands: one transaction, and one statement, per event and its answer.

So the pipeline is measured and not the rules in front of it, and rates are reached that commands on one machine cannot.
"""

import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from deploy.bench import backlog, province
from deploy.local.installation import Installation
from shared.clock import business_day, utc_now
from shared.contracts.catalogue import TOPIC_OF, AnyEvent
from shared.ids import new_id
from shared.postgres import Pool, create_pool, role_name

_CONNECTIONS = 8
_BUSINESSES = 200


@dataclass
class Events:
    """The pools, and the businesses that there are with their versions."""

    pools: dict[str, Pool]
    today: date
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
        return cls(pools, business_day(utc_now()))

    async def prepare(self) -> None:
        """Registers a few businesses, so that there is something to correct."""
        for number in range(_BUSINESSES):
            await self._commit(self._registered(number))

    async def write(self, number: int) -> tuple[dict[str, Any], float]:
        """Commits the n-th event; returns the effect to look for, and when COMMIT had returned."""
        deed = province.deed(number)
        if deed is province.Deed.SESSION:
            place, self.sessions = self.sessions, self.sessions + 1
            office, day, count = province.place_of(place, self.today)
            at = await self._commit(backlog.session(new_id(), place, self.today))
            return {"office": office, "day": day.isoformat(), "count": count}, at
        if deed is province.Deed.REGISTRATION:
            event = self._registered(number)
        else:
            id_, version = self.businesses[number % _BUSINESSES]
            self.businesses[number % _BUSINESSES] = id_, version + 1
            event = backlog.business(id_, number, self.today, version=version + 1)
        return {"business": event.aggregate_id, "version": event.version}, await self._commit(event)

    def _registered(self, number: int) -> AnyEvent:
        id_ = new_id()
        self.businesses.append((id_, 1))
        return backlog.business(id_, number, self.today)

    async def _commit(self, event: AnyEvent) -> float:
        async with self.pools[TOPIC_OF[event.type].service].acquire(timeout=5) as connection:
            await backlog.write(connection, [event])
            return time.monotonic()
