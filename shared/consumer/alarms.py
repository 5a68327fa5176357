"""Alarms of consumers: what a person has to look at. One row per (group, kind, detail), however often it is raised."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

Connection: TypeAlias = Any

# Kinds that the consumer itself raises; appliers add their own, such as VERSION_CLASH.
LOG_REPLACED = "log_replaced"
LOG_GAP = "log_gap"
HIGHER_HISTORY = "higher_history"
PARKING_LIMIT = "parking_limit"
VERSION_CLASH = "version_clash"

_DETAIL_LENGTH = 500
_RAISE = """
insert into consumer_alarm (consumer_group, kind, detail) values ($1, $2, $3)
on conflict (consumer_group, kind, detail) do update
set times = consumer_alarm.times + 1, last_at = clock_timestamp(), cleared_at = null
"""
_CLEAR = """
update consumer_alarm set cleared_at = clock_timestamp()
where consumer_group = $1 and ($2::text is null or kind = $2) and cleared_at is null
"""
_OPEN = """
select consumer_group, kind, detail, times, first_at, last_at from consumer_alarm
where cleared_at is null and ($1::text is null or consumer_group = $1) order by last_at desc limit 200
"""


@dataclass(frozen=True)
class Alarm:
    group: str
    kind: str
    detail: str
    times: int
    first_at: datetime
    last_at: datetime


async def raise_alarm(connection: Connection, group: str, kind: str, detail: str) -> None:
    """Records an alarm in the caller's transaction, so that it is raised exactly where the effect is; `detail`
    holds no identity.

    It is seen in `/ready`, in the metric `consumer_alarms` and by `plut status` until it is cleared.
    """
    await connection.execute(_RAISE, group, kind, detail.replace("\0", "")[:_DETAIL_LENGTH])


async def clear_alarms(connection: Connection, group: str, kind: str | None = None) -> bool:
    """Says that the matter (every matter, without a kind) is settled; tells whether one was open. The rows stay as
    history.
    """
    return bool(await connection.execute(_CLEAR, group, kind) != "UPDATE 0")


async def open_alarms(connection: Connection, group: str | None = None) -> list[Alarm]:
    """Returns the newest alarms that nobody has cleared, of one group or of all."""
    return [Alarm(*row.values()) for row in await connection.fetch(_OPEN, group)]
