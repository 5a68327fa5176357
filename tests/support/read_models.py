"""What stands in the read models, without slices and without what says nothing; and a set that begins anew."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.reporting.domain import Kind
from services.reporting.projections import TABLES
from services.reporting.projections.total import Total
from shared.contracts.catalogue import AnyEvent
from shared.postgres import RETRYABLE, Pool
from tests.support.recomputation import Rows
from tests.support.reporting_events import deliver, received

_TABLES = (
    *("fact_office", "fact_business", "fact_consultant", "fact_session", "happening", "subject_alias"),
    *("served_business", "intensive_business"),
    *(total.name for total in TABLES),
)
_BEGIN_ANEW = "; ".join(f"delete from {table}" for table in _TABLES)
_VISITS = "select subject, visits from served_business where set_version = $1"
_INTENSIVE = "select office, year, subject, contact_minutes from intensive_business where set_version = $1"

_FACTS = "select id::text, event_id, version from fact_{} where set_version = $1"
_HAPPENINGS = "select event_id, type, aggregate_id, office, version from happening where set_version = $1"


async def begin_anew(pool: Pool) -> None:
    """Empties the set."""
    await pool.execute(_BEGIN_ANEW)


async def found(pool: Pool, set_version: int = 1) -> dict[str, Rows]:
    """Returns each table of a set that says something: key → amounts that are not 0, as `recompute` does."""
    tables = {total.name: _rows(total, await pool.fetch(total.sums_sql, set_version)) for total in TABLES}
    tables["served_business"] = {
        (row["subject"],): told
        for row in await pool.fetch(_VISITS, set_version)
        if (told := _told(json.loads(row["visits"])))
    }
    tables["intensive_business"] = {
        (row["office"], row["year"], row["subject"]): {"contact_minutes": row["contact_minutes"]}
        for row in await pool.fetch(_INTENSIVE, set_version)
    }
    tables["fact"] = {
        (row["id"], row["event_id"]): {"version": row["version"]}
        for kind in Kind
        for row in await pool.fetch(_FACTS.format(kind), set_version)
    }
    tables["happening"] = {
        tuple(row)[:-1]: {"version": row["version"]} for row in await pool.fetch(_HAPPENINGS, set_version)
    }
    return {name: rows for name, rows in tables.items() if rows}


def _rows(total: Total, rows: Sequence[Any]) -> Rows:
    keys = [column.name for column in total.key]
    return {tuple(row[key] for key in keys): {name: row[name] for name in total.amounts if row[name]} for row in rows}


def _told(visits: Sequence[Any]) -> dict[str, int]:
    told = [(date.fromisoformat(visit[2]), visit[0], visit[1], visit[3], bool(visit[4])) for visit in visits]
    assert told == sorted(set(told)), "by day and session, each once"
    return dict.fromkeys(map(str, told), 1)


async def apply(pool: Pool, events: Sequence[AnyEvent], size: int) -> None:
    """One applier: its records in batches, each tried again when another one was quicker, as the consumer does."""
    for start in range(0, len(events), size):
        batch = received(events[start : start + size])
        while True:
            try:
                await deliver(pool, batch)
                break
            except RETRYABLE:
                await asyncio.sleep(0)


Expected = Mapping[tuple[Any, ...], Mapping[str, int]]
_WITH_GRAINS = {total.name for total in TABLES if any(column.name == "grain" for column in total.key)}


def as_written(table: str, rows: Rows, expected: Expected) -> dict[tuple[Any, ...], dict[str, int]]:
    """Returns the rows with periods as people write them: 2024, 2024-Q2, 2024-05, 2024-05-17, all.

    Of a table that holds every grain, those that are expected; all of them, if nothing is.
    """
    if table not in _WITH_GRAINS:
        return {tuple(_month(part) for part in key): amounts for key, amounts in rows.items()}
    grains = {_grain_of(period) for _, period, *_ in expected}
    return {
        (office, _written(grain, start), *rest): amounts
        for (office, grain, start, *rest), amounts in rows.items()
        if grain in grains or not expected
    }


def _month(part: Any) -> Any:
    return f"{part:%Y-%m}" if isinstance(part, date) else part


def _written(grain: str, start: date) -> str:
    quarter = (start.month + 2) // 3
    written = {"all": "all", "year": f"{start:%Y}", "quarter": f"{start:%Y}-Q{quarter}", "month": f"{start:%Y-%m}"}
    return written.get(grain, start.isoformat())


def _grain_of(period: str) -> str:
    if "Q" in period:
        return "quarter"
    return {3: "all", 4: "year", 7: "month", 10: "day"}[len(period)]
