"""Writes made-up facts into a set without a log: facts, visits and totals as the applier would have left them.

They pass through the product's own rules, `contributions` and the visits of businesses, and are written in bulk.
`python -m deploy.bench.writing` is told by its first line where to, by each further one which circles, and answers how
many events stand behind them once they are committed.
"""

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg

from deploy.bench import generated
from services.reporting import store
from services.reporting.domain import Fact, Kind
from services.reporting.projections import happenings, subjects, totals_of
from services.reporting.projections.businesses_served import Change, document_of, offices_of
from services.reporting.projections.subjects import Served
from services.reporting.projections.total import Differences, additions
from services.reporting.settings import SERVICE
from services.reporting.store import NewFacts, ReadModelSet
from shared.clock import business_day
from shared.contracts.envelope import Contract
from shared.contracts.mentoring import SessionState
from shared.contracts.registry import BusinessState
from shared.statements import Write, write_together

# Held while totals are written: two writers of one slice would wait for each other's rows in between, or for ever.
_TOTALS_LOCK = "select pg_advisory_xact_lock(7305599)"
_VISITS = ("set_version", "subject", "visits", "offices")
_IN_BULK = {"search_path": f"{SERVICE}, extensions", "synchronous_commit": "off", "application_name": "plut-bench"}


async def connect(dsn: str) -> Any:  # noqa: ANN401  asyncpg's
    """Opens the superuser's connection: row-level security does not go with COPY. Raises what asyncpg raises."""
    return await asyncpg.connect(dsn, timeout=5, server_settings=_IN_BULK)


async def write_beginning(connection: Any, written: ReadModelSet, now: datetime) -> int:  # noqa: ANN401
    """Writes the offices and their consultants; returns how many events stand behind them."""
    today = business_day(now)
    new = {Kind.OFFICE: generated.offices(today), Kind.CONSULTANT: generated.consultants(today)}
    async with connection.transaction():
        await _write_facts(connection, written.version, new, [])
    return sum(len(of_kind) for of_kind in new.values())


async def write_circles(connection: Any, written: ReadModelSet, numbers: Iterable[int], now: datetime) -> int:  # noqa: ANN401
    """Writes some circles in one transaction; returns how many events stand behind them."""
    sums, events = _Sums(written.rules), 0
    async with connection.transaction():
        for number in numbers:
            made = generated.circle(number, business_day(now))
            served = _served(made.sessions)
            await _write(connection, written.version, made, served, now)
            sums.take([*made.businesses, *made.sessions], served)
            events += made.events
        await connection.execute(_TOTALS_LOCK)
        await write_together(connection, written.version, additions(sums.whole(), slice_number=0))
    return events


def _served(sessions: Sequence[Fact]) -> list[Served]:
    """Returns the businesses of a circle with all their visits: nobody else's session holds one of them."""
    visited = subjects.changes((None, fact) for fact in sessions)
    return [
        Served(subject, document_of(due.come), ",".join(sorted(offices_of(due.come))), change=Change((), (), due.come))
        for subject, due in sorted(visited.items())
    ]


async def _write(connection: Any, version: int, made: generated.Made, served: Sequence[Served], now: datetime) -> None:  # noqa: ANN401
    """Writes the facts, the visits of the businesses, who is mentored intensively, and what happened lately."""
    since = business_day(now - happenings.REMEMBERED)
    lately = [
        (fact.kind, generated.event_of(fact))
        for fact in (*made.businesses, *made.sessions)
        if _day_of(fact.state) >= since
    ]
    others = [*subjects.intensities(served), *happenings.write(lately, now)]
    await _write_facts(connection, version, {Kind.BUSINESS: made.businesses, Kind.SESSION: made.sessions}, others)
    rows = [(version, one.subject, one.visits, one.offices.split(",")) for one in served]
    await connection.copy_records_to_table("served_business", records=rows, columns=_VISITS)


async def _write_facts(
    connection: Any,  # noqa: ANN401
    version: int,
    facts: Mapping[Kind, Sequence[Fact]],
    others: Sequence[Write],
) -> None:
    new = [NewFacts(kind, list(map(store.row_of, of_kind)), [], []) for kind, of_kind in facts.items()]
    await store.copy_facts(connection, version, new)
    await store.write_facts(connection, version, new, others)


class _Sums:
    """What some facts add to the totals."""

    def __init__(self, rules: int) -> None:
        self._sums = [Differences(total) for total in totals_of(rules) if not total.derived]
        self._served: list[Served] = []

    def take(self, facts: Sequence[Fact], served: Sequence[Served]) -> None:
        self._served += served
        for sums in self._sums:
            sums.count(facts)

    def whole(self) -> list[Differences]:
        return [*self._sums, subjects.count_all(self._served)]


def _day_of(state: Contract) -> date:
    """Returns the day of a session or of a business's registration; nothing else is the latest activity."""
    if isinstance(state, SessionState):
        return state.day
    return state.registered_on if isinstance(state, BusinessState) else date.min


async def _main() -> None:
    told = json.loads(sys.stdin.readline())
    connection = await connect(told["dsn"])
    written, now = await store.live_set(connection), datetime.fromisoformat(told["now"])
    for line in sys.stdin:
        first, last = map(int, line.split())
        events = await write_circles(connection, written, range(first, last), now)
        sys.stdout.write(f"{events}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main())
