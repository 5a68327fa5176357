"""Sends again what was sent: on an operator's word, carried out by the relay that leads.

A replay of everything raises the epoch. A new history is for a Postgres that knows less than Kafka does: the topics are
made anew, and what was built from them has to be built anew too, which is the caller's part (`plut replay`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from shared import kafka_admin
from shared.contracts.catalogue import topics_of
from shared.postgres import Connection, connect, role_name
from shared.relay import examination, store
from shared.relay.log import open_log
from shared.relay.position import broken_places
from shared.relay.store import Alarm, Backlog, HistoryChange, State
from shared.settings import Settings

_ADOPTED_AT_ONCE = 20_000
_UNDER_WAY = Alarm(
    "new_history",
    "riwayat baru sedang dimulai; bila tidak ada yang mengerjakannya, jalankan lagi: plut replay --new-history",
)
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


class Outbox:
    """A service's outbox in the hands of an operator."""

    def __init__(self, service: str, settings: Settings, connection: Connection) -> None:
        self.service = service
        self._settings = settings
        self._connection = connection
        self._topics = topics_of(service)

    async def state(self) -> State:
        return await store.read_state(self._connection)

    async def backlog(self) -> Backlog:
        return await store.read_backlog(self._connection)

    async def replay(self) -> None:
        """Asks for everything to be sent again; goes on with a replay that is under way."""
        await store.ask_for_replay(self._connection)

    async def replay_topic(self, topic: str) -> bool:
        """Asks for one topic to be sent again; False if another one is under way."""
        return await store.ask_for_topic_replay(self._connection, topic)

    # A new history, in steps of which each may be done again

    async def unfinished_run(self) -> UUID | None:
        return await store.unfinished_run(self._connection)

    async def decide(self, run: UUID) -> HistoryChange:
        """Stops the relays, writes down what Postgres has lost, and decides the numbers of the new history.

        Raises KafkaTrouble, and what UNAVAILABLE names.
        """
        if await store.change_of(self._connection, run) is None:
            await store.hold_publishing(self._connection, _UNDER_WAY)
            await self._decide(run)
        change = await store.change_of(self._connection, run)
        if change is None:
            raise LookupError(f"{self.service} has no row in relay_state: run `plut up`, which migrates")
        return change

    async def begin(self, change: HistoryChange) -> None:
        """Makes the topics anew and lets the relays publish everything under the new numbers.

        Raises KafkaTrouble, and what UNAVAILABLE names.
        """
        if (await self.state()).position.history >= change.history:
            return
        await self._adopt_rows_of_another_cluster()
        await kafka_admin.delete(self._settings, [self._settings.topic_prefix + topic.name for topic in self._topics])
        await kafka_admin.create_missing(self._settings, self._topics)
        await store.begin_history(self._connection, change, await store.system_identifier(self._connection))

    async def complete(self, change: HistoryChange) -> None:
        """Everything has been built anew."""
        await store.complete_change(self._connection, change.run)

    async def _decide(self, run: UUID) -> None:
        position = (await self.state()).position
        await kafka_admin.create_missing(self._settings, self._topics)
        async with open_log(self._settings, self._topics) as view:
            log = await view.compare(position.tails)
            broken = broken_places(position.tails, log)
            findings = await examination.hear(self._connection, view, position, log, broken)
        before = findings.earliest_missing() or _END_OF_TIME
        await store.record_change(self._connection, run, findings.history, findings.epoch, before)

    async def _adopt_rows_of_another_cluster(self) -> None:
        if (await self.state()).system_identifier == await store.system_identifier(self._connection):
            return
        last = await store.last_seq(self._connection)
        for after in range(0, last, _ADOPTED_AT_ONCE):
            await store.adopt_rows(self._connection, after, after + _ADOPTED_AT_ONCE)


@asynccontextmanager
async def open_outbox(service: str, settings: Settings) -> AsyncIterator[Outbox]:
    """Yields the outbox of a service; `settings` are those of its worker. Raises what UNAVAILABLE names."""
    connection = await connect(settings, role_name(service, "worker"), schema=service, application="plut-replay")
    try:
        yield Outbox(service, settings, connection)
    finally:
        await connection.close(timeout=5)
