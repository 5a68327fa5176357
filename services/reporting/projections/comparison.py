"""Compares two sets row by row, in key ranges, while both of them move."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.reporting.domain import STATES, Kind
from services.reporting.projections.total import Total

_RANGE = 5_000
_ROUNDS = 8

_UPPER = """
select id::text from (
    (select id from {fact} where set_version = $1 and {after} order by id offset {range} limit 1)
    union all
    (select id from {fact} where set_version = $2 and {after} order by id offset {range} limit 1)
) as bounds (id)
order by bounds.id limit 1
"""
_FACTS = """
select coalesce(a.id, b.id)::text as id,
       concat_ws(' ', a.version, a.event_id, a.slice, a.subjects, a.state) as one,
       concat_ws(' ', b.version, b.event_id, b.slice, b.subjects, b.state) as other,
       (a.version, a.event_id, a.slice, a.subjects) is not distinct from
       (b.version, b.event_id, b.slice, b.subjects) as same_event,
       a.state as live_state, b.state as building_state
from (select * from {fact} where set_version = $1 and {within}) a
full join (select * from {fact} where set_version = $2 and {within}) b using (id)
where (a.version, a.event_id, a.slice, a.subjects, a.state::jsonb) is distinct from
      (b.version, b.event_id, b.slice, b.subjects, b.state::jsonb)
"""
_AFTER = "($3::text is null or id > $3::text::{id})"
_IN_RANGE = f"{_AFTER} and ($4::text is null or id <= $4::text::{{id}})"
_THOSE = "id = any($3::text[]::{id}[])"

_SUBJECTS_UPPER = """
select subject::text from (
    (select subject from served_business where set_version = $1 and {after} order by subject offset {range} limit 1)
    union all
    (select subject from served_business where set_version = $2 and {after} order by subject offset {range} limit 1)
) as bounds (subject)
order by bounds.subject limit 1
"""
# A business without a visit is as good as none.
_SUBJECTS = """
with looked as (
    select b.set_version, b.subject, concat_ws(' ', b.visits::jsonb, (
        select string_agg(concat_ws(' ', i.office, i.year, i.contact_minutes), ', ' order by i.office, i.year)
        from intensive_business i where i.set_version = b.set_version and i.subject = b.subject
    )) as told
    from served_business b
    where b.set_version in ($1, $2) and {within} and b.visits::text <> '[]'
)
select coalesce(a.subject, b.subject)::text as id, coalesce(a.told, '') as one, coalesce(b.told, '') as other
from (select * from looked where set_version = $1) a
full join (select * from looked where set_version = $2) b using (subject)
where a.told is distinct from b.told
"""
_SUBJECTS_AFTER = "($3::text is null or subject > $3::text::uuid)"
_SUBJECTS_IN_RANGE = f"{_SUBJECTS_AFTER} and ($4::text is null or subject <= $4::text::uuid)"
_THOSE_SUBJECTS = "subject = any($3::text[]::uuid[])"
_SERVED = "served_business"


@dataclass(frozen=True)
class Difference:
    """A row that says one thing in the live set and another in the one beside it; empty where it is missing."""

    table: str
    key: str
    live: str
    building: str


@dataclass
class Comparison:
    """`moving` rows changed each time that they were looked at: too busy to be compared."""

    differences: list[Difference] = field(default_factory=list)
    moving: int = 0


Pair = tuple[str, str]
Row = tuple[str, str]  # table and key


class Comparer:
    """Looks twice at what differs: what still differs unmoved after the new set has read on differs indeed."""

    def __init__(self, connection: Any, live: int, building: int, totals: Sequence[Total]) -> None:  # noqa: ANN401
        self._connection = connection
        self._sets = (live, building)
        self._totals = totals

    async def compare(self, read_on: Callable[[], Awaitable[None]], tell: Callable[[int], None]) -> Comparison:
        """Returns what differs; `tell` hears how many facts each range held at the most.

        `read_on` waits until the new set has read what stands in the log now.
        """
        outcome = Comparison()
        pending: dict[Row, Pair] = {}
        for kind in Kind:
            async for pairs in self._facts(kind):
                pending |= pairs
                tell(_RANGE)
        async for pairs in self._subjects():
            pending |= pairs
            tell(_RANGE)
        for total in self._totals:
            pending |= await self._total(total)
        for _ in range(_ROUNDS):
            if not pending:
                break
            await read_on()
            pending = self._settle(pending, await self._again(pending), outcome)
        outcome.moving = len(pending)
        return outcome

    def _settle(self, before: Mapping[Row, Pair], now: Mapping[Row, Pair], outcome: Comparison) -> dict[Row, Pair]:
        moving = {}
        for row, pair in now.items():
            if before.get(row) == pair:
                outcome.differences.append(Difference(*row, *pair))
            else:
                moving[row] = pair
        return moving

    async def _facts(self, kind: Kind) -> AsyncIterator[dict[Row, Pair]]:
        after: str | None = None
        while True:
            upper = await self._connection.fetchval(_of(kind, _UPPER), *self._sets, after)
            rows = await self._connection.fetch(_of(kind, _FACTS, _IN_RANGE), *self._sets, after, upper)
            yield _pairs(kind, rows)
            if upper is None:
                return
            after = upper

    async def _subjects(self) -> AsyncIterator[dict[Row, Pair]]:
        """What is derived from several facts is compared only where both sets derive it."""
        if not any(total.derived for total in self._totals):
            return
        after: str | None = None
        while True:
            upper = await self._connection.fetchval(_subjects(_SUBJECTS_UPPER), *self._sets, after)
            rows = await self._connection.fetch(_subjects(_SUBJECTS, _SUBJECTS_IN_RANGE), *self._sets, after, upper)
            yield {(_SERVED, row["id"]): (row["one"], row["other"]) for row in rows}
            if upper is None:
                return
            after = upper

    async def _total(self, total: Total) -> dict[Row, Pair]:
        """Slices are summed: a record may have come to the two sets through different partitions."""
        one, other = [await self._sums(total, version) for version in self._sets]
        keys = one.keys() | other.keys()
        return {
            (total.name, key): (one.get(key, ""), other.get(key, "")) for key in keys if one.get(key) != other.get(key)
        }

    async def _sums(self, total: Total, set_version: int) -> dict[str, str]:
        rows = await self._connection.fetch(total.sums_sql, set_version)
        width = len(total.key)
        return {
            " ".join(map(str, list(row.values())[:width])): " ".join(f"{name}={row[name]}" for name in total.amounts)
            for row in rows
        }

    async def _again(self, pending: Mapping[Row, Pair]) -> dict[Row, Pair]:
        again: dict[Row, Pair] = {}
        for kind in Kind:
            ids = [key for table, key in pending if table == f"fact_{kind}"]
            if ids:
                rows = await self._connection.fetch(_of(kind, _FACTS, _THOSE), *self._sets, ids)
                again |= _pairs(kind, rows)
        ids = [key for table, key in pending if table == _SERVED]
        if ids:
            rows = await self._connection.fetch(_subjects(_SUBJECTS, _THOSE_SUBJECTS), *self._sets, ids)
            again |= {(_SERVED, row["id"]): (row["one"], row["other"]) for row in rows}
        for total in self._totals:
            if any(table == total.name for table, _ in pending):
                found = await self._total(total)
                again |= {row: pair for row, pair in found.items() if row in pending}
        return again


def _subjects(statement: str, within: str = "") -> str:
    return statement.format(within=within, after=_SUBJECTS_AFTER, range=_RANGE - 1)


def _of(kind: Kind, statement: str, within: str = "") -> str:
    statement = statement.replace("{within}", within).replace("{after}", _AFTER)
    return statement.format(fact=f"fact_{kind}", id="text" if kind is Kind.OFFICE else "uuid", range=_RANGE - 1)


def _pairs(kind: Kind, rows: Sequence[Any]) -> dict[Row, Pair]:
    return {(f"fact_{kind}", row["id"]): (row["one"], row["other"]) for row in rows if not _says_the_same(kind, row)}


def _says_the_same(kind: Kind, row: Any) -> bool:  # noqa: ANN401  asyncpg's
    """A fact that was written before its contract had a field says what the same event says today."""
    if not row["same_event"]:
        return False
    try:
        live, building = (STATES[kind].model_validate_json(row[state]) for state in ("live_state", "building_state"))
    except ValidationError:
        return False
    return live == building
