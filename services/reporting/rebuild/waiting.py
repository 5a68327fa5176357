"""Waits until a set has read all that was committed when the waiting began."""

import asyncio
from datetime import datetime
from typing import Any

from services.reporting import store
from services.reporting.freshness import as_of
from services.reporting.projections import TOTALS
from services.reporting.projections.applier import SetApplier
from services.reporting.rebuild import sets
from services.reporting.rebuild.progress import Progress, Tell
from services.reporting.store import ReadModelSet

_LOOK_SECONDS = 0.25
_TOPICS = [topic.name for topic in SetApplier.topics]
_PARTITIONS = sum(topic.partitions for topic in SetApplier.topics)

_READ = """
select count(*) as rows, coalesce(sum(next_offset), 0)::bigint as read from consumer_offset where consumer_group = $1
"""
_WRITTEN = """
select coalesce(sum((e ->> 2)::bigint), 0)::bigint
from (select distinct on (service) ends from watermark order by service, at desc) w, jsonb_array_elements(w.ends) e
where e ->> 0 = any($1)
"""


class OlderHistoryError(Exception):
    """A publisher has begun a new history: the set can only halt there, and will never have read all."""


async def catch_up(connection: Any, waited_for: ReadModelSet, tell: Tell, step: str) -> None:  # noqa: ANN401  asyncpg's
    """Returns when the set holds everything that was committed before. Raises OlderHistoryError if it never will."""
    since = await store.database_clock(connection)
    while not await _holds(connection, waited_for, since):
        if await sets.is_of_an_older_history(connection, waited_for):
            raise OlderHistoryError(f"set {waited_for.version} holds an older history than its publishers have by now")
        read = await connection.fetchrow(_READ, waited_for.group)
        written = await connection.fetchval(_WRITTEN, _TOPICS)
        tell(Progress(step, min(read["read"], written), written))
        await asyncio.sleep(_LOOK_SECONDS)


async def _holds(connection: Any, waited_for: ReadModelSet, since: datetime) -> bool:  # noqa: ANN401
    """Until its consumer has begun, a group has no rows, and nothing that it could be behind of."""
    read = await connection.fetchrow(_READ, waited_for.group)
    if read["rows"] < _PARTITIONS:
        return False
    reached = await as_of(connection, waited_for, TOTALS)
    return reached is not None and reached >= since
