"""What may happen to Postgres and to the connections it serves."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import asyncpg

from deploy.chaos.scenario import Scenario
from deploy.chaos.stage import Stage

_AWAY_SECONDS = 20.0
_TERMINATE = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where usename like any (array['registry_%', 'mentoring_%', 'reporting_%']) and random() < 0.5
"""
_IDLE_SESSIONS = "alter role {role} set idle_in_transaction_session_timeout = '{limit}'"
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
_ROLES = ("registry_app", "mentoring_app")
# Of the topic of which most is read, in the order in which everybody locks them.
_MOVED_ROWS = """
select consumer_group, topic, partition from {service}.consumer_offset
where next_offset > 0 and (consumer_group, topic) = (
    select consumer_group, topic from {service}.consumer_offset group by 1, 2 order by sum(next_offset) desc limit 1)
order by consumer_group, topic, partition
"""
_LOCK_ROW = """
select from {service}.consumer_offset where consumer_group = $1 and topic = $2 and partition = $3 for update
"""
_FEWEST_ROWS = 2
_GATHERING_SECONDS, _MEETING_SECONDS = 2.0, 0.3


class PostgresCrashes(Scenario):
    """Whoever waits is told to come again, nobody gets a 500, and every pool recovers without a restart."""

    name: ClassVar[str] = "postgres-crashed"
    faults: ClassVar[str] = "F8"
    title: ClassVar[str] = "Postgres ended fast, at once, and by kill -9"
    bites: ClassVar[Mapping[str, int]] = {"restarts": 3, "answers of 503": 1}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            for number in stage.dice.sample((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), 3):
                server = stage.server("postgres")
                stage.signal(server, number)
                stage.say(f"sent {number.name} to Postgres")
                await stage.replaced(server)
                stage.saw("restarts")
                await stage.writes_go_on(3)
        stage.saw("answers of 503", stage.load.told_later)


class PostgresAway(Scenario):
    """For twenty seconds there is no Postgres at all."""

    name: ClassVar[str] = "postgres-away"
    faults: ClassVar[str] = "F8"
    title: ClassVar[str] = "Postgres stopped for twenty seconds"
    bites: ClassVar[Mapping[str, int]] = {"stops": 1, "answers of 503": 5}

    async def strike(self, stage: Stage) -> None:
        for _ in range(stage.rounds):
            await stage.hold("postgres")
            await stage.rest(_AWAY_SECONDS)
            stage.release("postgres")
            await stage.writes_go_on(3)
        stage.saw("answers of 503", stage.load.told_later)


class BackendsTerminated(Scenario):
    """As at a failover: connections end in the middle of whatever they were at, again and again."""

    name: ClassVar[str] = "backends-terminated"
    faults: ClassVar[str] = "F9"
    title: ClassVar[str] = "half of all connections terminated again and again"
    bites: ClassVar[Mapping[str, int]] = {"connections terminated": 20}

    async def strike(self, stage: Stage) -> None:
        async with stage.database() as connection:
            for _ in range(8 * stage.rounds):
                stage.saw("connections terminated", await connection.fetchval(_TERMINATE))
                await stage.rest(stage.dice.uniform(0.1, 0.6))
        await stage.writes_go_on(3)


class TransactionsLeftIdle(Scenario):
    """A process that stands still within a transaction loses it, and the command is decided anew or sent again."""

    name: ClassVar[str] = "transactions-left-idle"
    faults: ClassVar[str] = "F9"
    title: ClassVar[str] = "transactions that stand still are ended by Postgres before their commit"
    bites: ClassVar[Mapping[str, int]] = {"stood still in a transaction": 3}

    async def strike(self, stage: Stage) -> None:
        await self._allow(stage, "300ms")
        # Mentoring's commands are transactions of several statements; a registration may be one statement.
        await stage.arm("mentoring-api*", "api.before_commit=sleep(1)@0.1")

        async def often() -> bool:
            return stage.logs.count("failpoint", failpoint="api.before_commit", act="sleep") >= 3 * stage.rounds

        await stage.until("transactions to stand still", often)
        stage.saw("stood still in a transaction", 3 * stage.rounds)
        await stage.disarm()
        await stage.writes_go_on(3)

    async def heal(self, stage: Stage) -> None:
        """As bootstrap.sql sets it; whoever is connected has to come anew for it."""
        await self._allow(stage, "30s")
        await stage.restart("*-api*")

    async def _allow(self, stage: Stage, limit: str) -> None:
        async with stage.database() as connection:
            for role in _ROLES:
                await connection.execute(_IDLE_SESSIONS.format(role=role, limit=limit))


class Deadlocks(Scenario):
    """Somebody locks the rows that consumers lock, in the opposite order: one of the two is ended, and runs again."""

    name: ClassVar[str] = "deadlocks"
    faults: ClassVar[str] = "F9"
    title: ClassVar[str] = "rows locked in the opposite order until Postgres finds deadlocks"
    bites: ClassVar[Mapping[str, int]] = {"deadlocks": 1}

    async def strike(self, stage: Stage) -> None:
        async with stage.database() as connection:
            before = await connection.fetchval(_DEADLOCKS)

            async def met() -> bool:
                await asyncio.gather(*(self._lock_backwards(stage, service) for service in ("mentoring", "reporting")))
                await connection.execute("select pg_stat_clear_snapshot()")
                return bool(await connection.fetchval(_DEADLOCKS) - before >= stage.rounds)

            await stage.until("Postgres to find a deadlock", met, seconds=120, every=0.1)
            stage.saw("deadlocks", await connection.fetchval(_DEADLOCKS) - before)
        await stage.writes_go_on(3)

    async def _lock_backwards(self, stage: Stage, service: str) -> None:
        async with stage.database() as gathering, stage.database() as backwards:
            rows = await gathering.fetch(_MOVED_ROWS.format(service=service))
            if len(rows) < _FEWEST_ROWS:
                return
            try:
                await self._meet(gathering, backwards, _LOCK_ROW.format(service=service), rows)
            except asyncpg.DeadlockDetectedError:
                stage.say("Postgres chose this side of the deadlock")

    async def _meet(self, gathering: Any, backwards: Any, lock: str, rows: Sequence[Any]) -> None:  # noqa: ANN401
        """Keeps the consumer waiting until a batch of many partitions has gathered; that one finds the last row locked,
        and whoever locked it goes for the rows that it holds by now.
        """
        async with backwards.transaction():
            async with gathering.transaction():
                for row in rows:
                    await gathering.execute(lock, *row.values())
                await asyncio.sleep(_GATHERING_SECONDS)
                last = asyncio.create_task(backwards.execute(lock, *rows[-1].values()))
                await asyncio.sleep(_MEETING_SECONDS)  # it stands in the queue for that row by now
            await last
            await asyncio.sleep(_MEETING_SECONDS)
            for row in reversed(rows):
                await backwards.execute(lock, *row.values())
