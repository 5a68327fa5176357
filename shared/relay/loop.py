"""Waits until nobody leads, then leads."""

import asyncio
from contextlib import AsyncExitStack, suppress

from shared import metrics
from shared.bell import Hearing
from shared.loops import BackgroundLoop
from shared.postgres import UNAVAILABLE, Connection, connect, role_name
from shared.relay import store
from shared.relay.health import Health
from shared.relay.lead import Every, Lead
from shared.relay.store import SteppedDown
from shared.settings import Settings

# Asking again, not waiting inside Postgres: a waiting statement holds a snapshot, under which every update grows slow.
_ASK_SECONDS = 0.1


class RelayLoop(BackgroundLoop):
    """One of a service's relays. The lead hangs on a connection: it is free as soon as that ends."""

    name = "relay"

    def __init__(self, service: str, settings: Settings) -> None:
        super().__init__()
        self._service = service
        self._settings = settings
        self.health = Health()
        self.leads = asyncio.Event()
        metrics.RELAY_LEADS.labels(service).set(0)

    async def run(self) -> None:
        self.started.set()
        while not self.stopping.is_set():
            self.health.tick()
            try:
                await self._wait_and_lead()
            except SteppedDown:
                self._log.info("relay_steps_down")
            except UNAVAILABLE as error:
                metrics.RELAY_POSTGRES.labels(self._service).set(0)
                self.health.postgres_trouble = f"Postgres does not answer: {type(error).__name__}"
                self._log.warning("postgres_unavailable", reason=repr(error))
                await self.rest(0.3)

    async def stop(self, within: float = 8.0) -> None:
        """Soon cancelled, for Kafka or Postgres may hang: what was not acknowledged is sent again by the next."""
        await super().stop(within=min(within, 3.0))

    async def _wait_and_lead(self) -> None:
        connection = await self._connect("relay")
        try:
            self.health.postgres_trouble = None
            metrics.RELAY_POSTGRES.labels(self._service).set(1)
            if await self._has_locked(connection):
                await self._lead(connection)
        finally:
            await _close(connection)

    async def _has_locked(self, connection: Connection) -> bool:
        """Returns True once the lead is ours, False when told to stop."""
        look_due = Every(2)
        while not self.stopping.is_set():
            if await store.try_lock(connection, self._service):
                return True
            self.health.tick()
            if look_due.due():
                await self._tell_of_the_leader(connection)
            await self.rest(_ASK_SECONDS)
        return False

    async def _tell_of_the_leader(self, connection: Connection) -> None:
        alarm = (await store.read_state(connection)).alarm
        self.health.alarm = alarm.text if alarm else None

    async def _lead(self, connection: Connection) -> None:
        leads = metrics.RELAY_LEADS.labels(self._service)
        async with AsyncExitStack() as stack:
            pages = await self._connect("relay-pages")
            stack.push_async_callback(_close, pages)
            bell = await self._connect("relay-bell")
            stack.push_async_callback(_close, bell)
            hearing = Hearing()
            await hearing.listen(bell, self._service)
            try:
                leads.set(1)
                self.leads.set()
                lead = Lead(self._service, self._settings, connection, pages, hearing, self.stopping, self.health)
                await lead.run()
            finally:
                leads.set(0)
                self.leads.clear()
                self.health.kafka_trouble = None

    async def _connect(self, purpose: str) -> Connection:
        connection = await connect(
            self._settings,
            role_name(self._service, "worker"),
            schema=self._service,
            application=f"{self._service}-{purpose}",
        )
        try:
            await store.prepare_session(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection


async def _close(connection: Connection) -> None:
    """Ends the connection at once if it does not end politely within a second: the lead must not hang on it."""
    try:
        with suppress(*UNAVAILABLE):
            await connection.close(timeout=1)
    finally:
        connection.terminate()
