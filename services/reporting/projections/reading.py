"""Reads totals: the sums of one of them by some columns of its key, within given values and spans of time.

What a question reads grows with the keys that it names, never with the number of events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from services.reporting.domain import Period
from services.reporting.projections.total import Total


@dataclass(frozen=True, slots=True)
class Span:
    """Periods of one grain that begin from `first` to `last`, both included; together they are called `name`."""

    name: str
    grain: Period
    first: date
    last: date


class Sum(NamedTuple):
    """What the rows under one key in one span add up to. `key` has the columns asked for, in their order."""

    span: str
    key: tuple[str, ...]
    amounts: Mapping[str, int]


async def sums(
    connection: Any,  # noqa: ANN401  pooled or plain
    set_version: int,
    total: Total,
    spans: Sequence[Span],
    *,
    by: Sequence[str] = (),
    within: Mapping[str, Sequence[Any]],
) -> list[Sum]:
    """Returns the sums over `spans` by the columns `by`, in their order; where nothing was there is no row.

    `within`: column of the key → the values that count.
    """
    sql = _sums_sql(total, tuple(by), tuple(within))
    asked = [[span.name for span in spans], [span.grain.value for span in spans]]
    bounds = [[span.first for span in spans], [span.last for span in spans]]
    rows = await connection.fetch(sql, set_version, *asked, *bounds, *map(list, within.values()))
    names, begin = total.amounts, 1 + len(by)  # by place, for a report may read thousands
    return [Sum(row[0], tuple(map(str, row[1:begin])), dict(zip(names, row[begin:], strict=True))) for row in rows]


@lru_cache(maxsize=256)
def _sums_sql(total: Total, by: tuple[str, ...], within: tuple[str, ...]) -> str:
    """A total has grains, of which the span names one, or a row for each month, or knows no time at all."""
    types = {column.name: column.type for column in total.key}
    within_sql = "".join(f" and {name} = any(${number}::{types[name]}[])" for number, name in enumerate(within, 6))
    time = "grain = s.grain and starts" if "grain" in types else "month"
    time_sql = f" and {time} between s.first and s.last" if types.keys() & {"grain", "month"} else ""
    keys = "".join(f"{name}, " for name in by)
    amounts = ", ".join(f"sum({amount})::bigint as {amount}" for amount in total.amounts)
    some = " or ".join(f"sum({amount}) <> 0" for amount in total.amounts)
    # Grouped span by span: so each is read by its own keys, and not the whole grain for all of them.
    return (
        "select s.span, t.* from unnest($2::text[], $3::text[], $4::date[], $5::date[])"  # noqa: S608  names of ours
        " as s (span, grain, first, last) cross join lateral ("
        f" select {keys}{amounts} from {total.name} where set_version = $1{within_sql}{time_sql}"
        f"{f' group by {keys[:-2]}' if by else ''} having {some}"
        f" ) t order by {', '.join(['s.span', *(f't.{name}' for name in by)])}"
    )
