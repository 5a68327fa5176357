"""Which of several events of an aggregate counts: the greatest version; of one version twice, the one that came first.

For replicas that save whole states; read models fold facts in their own way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from shared import metrics
from shared.consumer import alarms
from shared.consumer.applier import Received
from shared.contracts.catalogue import AnyEvent

Key = TypeVar("Key", str, UUID)


@dataclass(frozen=True, slots=True)
class Known:
    """How far an aggregate is known: the event that was taken last, and its version."""

    event_id: UUID
    version: int


def newest_of(told: Sequence[Received], key: Callable[[AnyEvent], Key]) -> dict[Key, Received]:
    """Returns the newest event of each aggregate, and of two with one version the one that came first."""
    newest: dict[Key, Received] = {}
    for each in told:
        known = newest.get(key(each.event))
        if known is None or each.event.version > known.event.version:
            newest[key(each.event)] = each
    return newest


async def report_dropped(
    connection: Any,  # noqa: ANN401  pooled or plain
    group: str,
    told: Sequence[Received],
    key: Callable[[AnyEvent], Key],
    held: Mapping[Key, Known],
) -> None:
    """Counts what was held already, and raises an alarm where one version came with two events.

    Nothing here can say which of them is true. `held`: what stands in the tables of aggregates that were not news.
    """
    metrics.DUPLICATES_DROPPED.labels(group).inc(len(held))
    newest = {which: Known(each.event.event_id, each.event.version) for which, each in newest_of(told, key).items()}
    for event in (each.event for each in told):
        which = key(event)
        known = held.get(which) or newest[which]
        if event.version == known.version and event.event_id != known.event_id:
            detail = f"{which} version {known.version}: holds {known.event_id}, was sent {event.event_id} as well"
            await alarms.raise_alarm(connection, group, alarms.VERSION_CLASH, detail)
