"""What other connections see of the read models: single effects as they appear, and how much there is in all."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg

from deploy.bench.backlog import Backlog
from deploy.bench.load import Effect
from deploy.local.installation import Installation
from shared.postgres import BY_KEY, Connection

# What the eyes ask: they wait inside Postgres until the offsets have moved, for twenty rests at most: a question over
# the wire each millisecond would take part of what is measured. What has not been looked for yet, the end of each list,
# is looked for at once, all of it when something has moved. Functions, for their plans are kept.
_LOOK = """
create function pg_temp.look(rest float, known bigint, looked_sessions int, looked_businesses int, offices text[],
                             consultants uuid[], months date[], counts int[], ids uuid[], versions bigint[],
                             out moved_to bigint, out sessions int[], out businesses int[])
language plpgsql as $$
begin
    for turn in 1..20 loop
        moved_to := (select coalesce(sum(next_offset), 0) from consumer_offset);
        if moved_to <> known then
            looked_sessions := 0;
            looked_businesses := 0;
        end if;
        if looked_sessions < cardinality(offices) then
            sessions := array({sessions});
            looked_sessions := cardinality(offices);
        end if;
        if looked_businesses < cardinality(ids) then
            businesses := array({businesses});
            looked_businesses := cardinality(ids);
        end if;
        exit when moved_to <> known or sessions <> '{{}}' or businesses <> '{{}}';
        perform pg_sleep(rest);
    end loop;
end
$$
"""
# Each session that is looked for is the n-th of its consultant in a month: that total tells when it is there.
_TOTALS = """
select place::int
from unnest(offices, consultants, months, counts) with ordinality as wanted (office, consultant, month, count, place)
where place > looked_sessions and count <= (
    select sum(l.sessions) from consultant_load l
    where l.set_version = (select version from read_model_pointer)
      and l.office = wanted.office and l.consultant = wanted.consultant and l.month = wanted.month
)
"""
_FACTS = """
select wanted.place::int from unnest(ids, versions) with ordinality as wanted (id, version, place)
join fact_business f on f.id = wanted.id and f.set_version = (select version from read_model_pointer)
where wanted.place > looked_businesses and f.version >= wanted.version
"""
_REPLICAS = """
select wanted.place::int from unnest(ids, versions) with ordinality as wanted (id, version, place)
join business_replica r on r.id = wanted.id where wanted.place > looked_businesses and r.version >= wanted.version
"""
_NOWHERE = "select null::int where false"
_EYES = {
    "reporting": {"sessions": _TOTALS, "businesses": _FACTS},
    "mentoring": {"sessions": _NOWHERE, "businesses": _REPLICAS},
}
_ASK = "select moved_to, sessions, businesses from pg_temp.look($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_ALL_FACTS = """
select (select count(*) from fact_business where set_version = (select version from read_model_pointer))
     + (select count(*) from fact_session where set_version = (select version from read_model_pointer))
"""
_ALL_READ = "select coalesce(sum(next_offset), 0)::bigint from consumer_offset"
_ALL_COPIES = "select count(*) from business_replica where version > 0"


@dataclass
class Eye:
    """Another connection that sees some of the read models.

    Offsets move in the transactions that move the read models: while they stand still, there is nothing new to see.
    """

    connection: Connection
    rest: Callable[[], float]
    sees_sessions: bool
    _read: int = -1
    _looked_for: frozenset[Effect] = frozenset()

    async def look(self, wanted: Collection[Effect]) -> Collection[Effect]:
        """Returns what is seen of the wanted effects, the oldest first: at once if one is new and there, else when
        something has moved, or nothing after a while. A session is nothing that mentoring would have to copy.
        """
        sessions = [effect for effect in wanted if len(effect) == 4]
        if sessions and not self.sees_sessions:
            return sessions
        businesses = [effect for effect in wanted if len(effect) == 2]
        looked = [sum(effect in self._looked_for for effect in effects) for effects in (sessions, businesses)]
        row = await self.connection.fetchrow(
            _ASK, self.rest(), self._read, *looked, *_columns(sessions, 4), *_columns(businesses, 2)
        )
        assert row is not None  # noqa: S101  a function's row
        self._read, self._looked_for = row["moved_to"], frozenset(wanted)
        return [
            *(sessions[place - 1] for place in row["sessions"] or ()),
            *(businesses[place - 1] for place in row["businesses"] or ()),
        ]


def _columns(effects: Sequence[Effect], width: int) -> list[list[Any]]:
    return [[effect[column] for effect in effects] for column in range(width)]


@dataclass(frozen=True)
class Shown:
    """How many records the consumers have read, and how many aggregates the read models hold."""

    read: int
    followed: int
    facts: int
    copies: int


@dataclass
class Eyes:
    """One for each service that keeps read models or copies."""

    reporting: Eye
    mentoring: Eye

    @classmethod
    async def open(cls, installation: Installation, stack: AsyncExitStack, rest: Callable[[], float]) -> "Eyes":
        """`rest`: seconds between two looks at the offsets. What a look sees may have been there for as long."""
        return cls(
            Eye(await _connected(installation, "reporting", stack), rest, sees_sessions=True),
            Eye(await _connected(installation, "mentoring", stack), rest, sees_sessions=False),
        )

    async def shown(self) -> Shown:
        return Shown(
            await self.reporting.connection.fetchval(_ALL_READ),
            await self.mentoring.connection.fetchval(_ALL_READ),
            await self.reporting.connection.fetchval(_ALL_FACTS),
            await self.mentoring.connection.fetchval(_ALL_COPIES),
        )

    async def see_whole(self, backlog: Backlog, before: Shown) -> bool:
        """Tells whether all of a backlog has come in since `before`.

        Rows are counted only when the offsets, which move with them, have come far enough: counting takes long.
        """
        if await self.reporting.connection.fetchval(_ALL_READ) < before.read + backlog.events:
            return False
        if await self.mentoring.connection.fetchval(_ALL_READ) < before.followed + backlog.businesses:
            return False
        now = await self.shown()
        return now.facts >= before.facts + backlog.events and now.copies >= before.copies + backlog.businesses


async def _connected(installation: Installation, service: str, stack: AsyncExitStack) -> Connection:
    """The superuser's: nobody else may make functions, not even temporary ones."""
    connection = await asyncpg.connect(
        installation.superuser_dsn(),
        timeout=5,
        server_settings={"search_path": service, "application_name": "plut-bench", **BY_KEY},
    )
    stack.callback(connection.terminate)
    await connection.execute(_LOOK.format(**_EYES[service]))
    return connection
