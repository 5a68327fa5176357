"""How fresh the read models are: each is as of the instant up to which all that feeds it has been applied."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.reporting import store
from services.reporting.projections import totals_of
from services.reporting.projections.total import Total
from services.reporting.store import ReadModelSet
from shared.consumer import watermarks


@dataclass(frozen=True)
class Freshness:
    """`as_of` is None, and `behind_ms` too, until every service that feeds the read model has been heard of."""

    name: str
    as_of: datetime | None
    behind_ms: int | None


async def as_of(connection: Any, fed: ReadModelSet, totals: Iterable[Total]) -> datetime | None:  # noqa: ANN401
    """Returns the instant up to which these read models of a set hold everything; None if it is not known yet."""
    services = sorted({service for total in totals for service in total.fed_by})
    return await watermarks.as_of(connection, fed.group, services)


async def read_models(connection: Any) -> list[Freshness]:  # noqa: ANN401  pooled or plain
    """Returns the freshness of each read model of the live set; the worker's rights are enough."""
    live = await store.live_set(connection)
    now = await store.database_clock(connection)
    return [_freshness(total.name, await as_of(connection, live, [total]), now) for total in totals_of(live.rules)]


def _freshness(name: str, at: datetime | None, now: datetime) -> Freshness:
    return Freshness(name, at, behind_ms(at, now))


def behind_ms(at: datetime | None, now: datetime) -> int | None:
    """Returns how many milliseconds lie between the two, never fewer than none."""
    return None if at is None else max(0, round((now - at).total_seconds() * 1000))
