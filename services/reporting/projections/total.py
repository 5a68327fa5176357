"""A total: sums of a pure function of facts. It states its contributions and its table; adding up is done here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from operator import neg
from typing import Any
from uuid import UUID

from services.reporting.domain import Fact, Period, start_of
from services.reporting.store import numbers_literal
from shared.statements import Write

Key = tuple[str | date | UUID, ...]
Amounts = tuple[int, ...]
Contribution = tuple[Key, Amounts]

GRAINS = (Period.DAY, Period.MONTH, Period.YEAR)


@lru_cache(maxsize=32_768)
def places_in_time(office: str, day: date) -> tuple[tuple[str, str, date], ...]:
    """Returns the (office, grain, first day) under which a day is summed.

    Three grains, so that no question adds up more rows the longer the province works.
    """
    return tuple((office, grain.value, start_of(grain, day)) for grain in GRAINS)


@lru_cache(maxsize=32_768)
def month_of(day: date) -> date:
    """Returns the first day of the month; asked for every fact that is summed."""
    return start_of(Period.MONTH, day)


def no_contributions(_: Fact) -> Iterable[Contribution]:
    """Of a total that is not summed from single facts."""
    return ()


@dataclass(frozen=True)
class Column:
    """A column of a total's key and its type in Postgres."""

    name: str
    type: str


@dataclass(frozen=True)
class Total:
    """One read model. `since` and `until`: the first and the last version of the rules that know it.

    `fed_by` names the services whose events move it. `contributions` is pure and reads the fact only; its results are
    pinned by a test. To change it, end this total (`until`) and begin another one beside it (`since`), which raises the
    rules' version. A `derived` total depends on several facts together: subjects.py tells what moves it.
    """

    name: str
    key: tuple[Column, ...]
    amounts: tuple[str, ...]
    contributions: Callable[[Fact], Iterable[Contribution]]
    fed_by: tuple[str, ...]
    since: int = 1
    until: int | None = None
    derived: bool = False

    def known_to(self, rules: int) -> bool:
        """Tells whether sets of these rules have this total."""
        return self.since <= rules and (self.until is None or rules <= self.until)

    @cached_property
    def add_sql(self) -> str:
        """The statement that adds rows of differences, in the order of the key, to one slice of a set's totals."""
        names = [column.name for column in self.key]
        types = [*(column.type for column in self.key), *["text::bigint"] * len(self.amounts)]
        arrays = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, start=3))
        rows = f"unnest({arrays}) as n ({', '.join([*names, *self.amounts])})"
        sums = ", ".join(f"{amount} = t.{amount} + excluded.{amount}" for amount in self.amounts)
        return (
            f"insert into {self.name} as t (set_version, slice, {', '.join([*names, *self.amounts])})"  # noqa: S608  names of ours
            f" select $1, $2::smallint, n.* from {rows}"
            f" on conflict (set_version, {', '.join(names)}, slice) do update set {sums}"
        )

    @cached_property
    def sums_sql(self) -> str:
        """The statement that reads a set's totals without their slices, leaving out what adds up to nothing."""
        names = ", ".join(column.name for column in self.key)
        sums = ", ".join(f"sum({amount})::bigint as {amount}" for amount in self.amounts)
        some = " or ".join(f"sum({amount}) <> 0" for amount in self.amounts)
        return f"select {names}, {sums} from {self.name} where set_version = $1 group by {names} having {some}"  # noqa: S608  names of ours


class Differences:
    """What a batch changes in one total: contributions of new facts minus those of the facts that they replace."""

    def __init__(self, total: Total) -> None:
        self.total = total
        # What each key gets is gathered, and added up once: a pair at a time took twice as long.
        self._gathered: dict[Key, list[Amounts]] = defaultdict(list)

    def replace(self, old: Fact | None, new: Fact) -> None:
        """Counts that `new` takes the place of `old`."""
        if old is not None:
            self.add([(key, tuple(map(neg, amounts))) for key, amounts in self.total.contributions(old)])
        self.add(self.total.contributions(new))

    def add(self, moves: Iterable[Contribution]) -> None:
        """Counts what moves the total."""
        for key, amounts in moves:
            self._gathered[key].append(amounts)

    def rows(self) -> list[tuple[Any, ...]]:
        """Returns (key…, amounts…) of what does change, sorted: two appliers lock rows in one order."""
        rows = []
        for key, parts in self._gathered.items():
            amounts = parts[0] if len(parts) == 1 else tuple(map(sum, zip(*parts, strict=True)))
            if any(amounts):
                rows.append((*key, *amounts))
        rows.sort()
        return rows


def additions(totals: Sequence[Differences], slice_number: int) -> list[Write]:
    """Returns what adds the differences to one slice of a set's totals; the set's version is what the writes share.

    Any slice will do, for only their sum says something: whoever writes takes one that others do not write to, so that
    they need not wait for each other.
    """
    writes = []
    for differences in totals:
        rows = differences.rows()
        if rows:
            columns = list(zip(*rows, strict=True))
            width = len(differences.total.key)
            arguments = [slice_number, *columns[:width], *map(numbers_literal, columns[width:])]
            writes.append(Write(differences.total.add_sql, arguments))
    return writes
