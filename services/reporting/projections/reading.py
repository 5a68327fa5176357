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
    rows = await connection.fetch(sql, set_version, *_columns_of(spans), *map(list, within.values()))
    return _read(rows, total, by)


async def sums_of_first(
    connection: Any,  # noqa: ANN401
    set_version: int,
    total: Total,
    spans: Sequence[Span],
    *,
    by: Sequence[str],
    within: Mapping[str, Sequence[Any]],
    after: Sequence[str],
    limit: int,
) -> list[Sum]:
    """Returns the sums of the first `limit` keys that follow `after` (empty: from the first) in each span.

    `by` names texts, `within` also the offices. However many keys were met, each office's rows of a period are read no
    further than to their first `limit` keys: the first of all are among them.
    """
    others = {column: values for column, values in within.items() if column != _OFFICE}
    sql = _first_sql(total, tuple(by), tuple(others), all(span.first == span.last for span in spans))
    given = [list(within[_OFFICE]), *map(list, others.values()), *(after or [""] * len(by)), limit]
    return _read(await connection.fetch(sql, set_version, *_columns_of(spans), *given), total, by)


def _columns_of(spans: Sequence[Span]) -> list[list[Any]]:
    named = [[span.name for span in spans], [span.grain.value for span in spans]]
    return [*named, [span.first for span in spans], [span.last for span in spans]]


def _read(rows: Sequence[Any], total: Total, by: Sequence[str]) -> list[Sum]:
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
    # Grouped span by span: so each is read by its own keys, and not the whole grain for all of them.
    return (
        f"{_BY_SPAN} select {keys}{_amounts(total)} from {total.name}"  # noqa: S608  names of ours
        f" where set_version = $1{within_sql}{time_sql}"
        f"{f' group by {keys[:-2]}' if by else ''} having {_some(total)}"
        f" ) t order by {', '.join(['s.span', *(f't.{name}' for name in by)])}"
    )


@lru_cache(maxsize=256)
def _first_sql(total: Total, by: tuple[str, ...], within: tuple[str, ...], one_start: bool) -> str:  # noqa: FBT001
    """An office's rows of one start lie in the order of their keys, and are read until there are enough of them."""
    within_sql = "".join(f" and {name} = any(${number}::text[])" for number, name in enumerate(within, 7))
    time_sql = "starts = s.first" if one_start else "starts between s.first and s.last"
    keys, first = ", ".join(by), 7 + len(within)
    after = ", ".join(f"${number}" for number in range(first, first + len(by)))
    limit = f"limit ${first + len(by)}"
    return (
        f"{_BY_SPAN} select {keys}, {_amounts(total)} from unnest($6::text[]) as o (code) cross join lateral ("  # noqa: S608  names of ours
        f" select {keys}, {_amounts(total)} from {total.name}"
        f" where set_version = $1 and office = o.code and grain = s.grain and {time_sql}{within_sql}"
        f" and ({keys}) > ({after}) group by {keys} having {_some(total)} order by {keys} {limit}"
        f" ) e group by {keys} order by {keys} {limit}"
        f" ) t order by s.span, {keys}"
    )


_OFFICE = "office"
_BY_SPAN = (
    "select s.span, t.* from unnest($2::text[], $3::text[], $4::date[], $5::date[])"
    " as s (span, grain, first, last) cross join lateral ("
)


def _amounts(total: Total) -> str:
    return ", ".join(f"sum({amount})::bigint as {amount}" for amount in total.amounts)


def _some(total: Total) -> str:
    return " or ".join(f"sum({amount}) <> 0" for amount in total.amounts)
