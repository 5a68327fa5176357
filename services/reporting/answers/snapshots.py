"""What people ask, answered from one snapshot: figures, position and as-of always agree."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from services.reporting import store
from services.reporting.domain import PROVINCE, Position, today
from services.reporting.freshness import as_of, behind_ms
from services.reporting.projections.total import Total
from services.reporting.store import ReadModelSet
from shared import postgres
from shared.auth.principal import Principal
from shared.http.problem import Problem
from shared.postgres import Pool


@dataclass(frozen=True)
class Instant:
    """What every answer says of itself. `as_of` is None until all that feeds the figures has been heard of."""

    position: Position
    as_of: datetime | None
    now: datetime

    @property
    def behind_ms(self) -> int | None:
        return behind_ms(self.as_of, self.now)

    @cached_property  # a series asks for it in each row
    def today(self) -> date:
        return today(self.now)


@dataclass(frozen=True)
class Snapshot:
    """An open transaction that sees the live set of one instant, within the offices of the one who asks."""

    connection: Any
    live: ReadModelSet
    instant: Instant
    offices: tuple[str, ...]


@asynccontextmanager
async def snapshot(pool: Pool, who: Principal, totals: Sequence[Total]) -> AsyncIterator[Snapshot]:
    """Yields the instant that an answer out of these read models is given at.

    Raises a 503 Problem while the live set does not have one of them, and what postgres.UNAVAILABLE names.
    """
    async with postgres.transaction(pool, _scope(who), snapshot=True) as connection:
        live, position, now = await store.standing(connection)
        _require(live, totals)
        fresh = await as_of(connection, live, totals)
        yield Snapshot(connection, live, Instant(position, fresh, now), who.offices)


def _scope(who: Principal) -> tuple[str, ...]:
    """What is not the sum of offices stands under the province's own name, for its roles alone."""
    return (*who.offices, PROVINCE) if who.sees_province else who.offices


def _require(live: ReadModelSet, totals: Iterable[Total]) -> None:
    missing = [total.name for total in totals if not total.known_to(live.rules)]
    if missing:
        raise Problem(
            503,
            "read-model-not-built",
            "Laporan ini belum disusun",
            "Laporan ini baru, dan datanya belum disusun.",
            cure="Coba lagi nanti. Pengelola menyusunnya dengan `plut rebuild reporting`.",
            headers={"Retry-After": "60"},
        )
