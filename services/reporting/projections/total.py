"""A total: sums of a pure function of facts. It states its contributions and its table; adding up is done here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from operator import neg
from uuid import UUID

from services.reporting.domain import PROVINCE, Fact, Kind, Period, start_of
from services.reporting.store import numbers_literal, texts_literal
from shared.statements import Write

Key = tuple[str | date | UUID, ...]
Amounts = tuple[int, ...]
Contribution = tuple[Key, Amounts]

GRAINS = (Period.DAY, Period.MONTH, Period.YEAR)


@lru_cache(maxsize=4_096)
def _grains_of(day: date) -> tuple[tuple[str, date], ...]:
    """Returns the (grain, first day) under which a day is summed.

    Three grains, so that no question adds up more rows the longer the province works.
    """
    return tuple((grain.value, start_of(grain, day)) for grain in GRAINS)


@lru_cache(maxsize=4_096)
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

    `fed_by` names the services whose events move it, `of` the kinds of their facts. `counts` is pure and reads the fact
    only; what it comes to is pinned by a test. To change it, end this total (`until`) and begin another one beside it
    (`since`), which raises the rules' version. A total `in_time` begins its key with office, grain and first day:
    `counts` names office and day, and what a batch has for a day is summed once more for its month and year. Its
    `whole` has the months and years of all offices together, under `*`: Postgres adds up the rows that are written. A
    `derived` total is not counted fact by fact: it is such a whole, or depends on several facts (subjects.py).
    """

    name: str
    key: tuple[Column, ...]
    amounts: tuple[str, ...]
    counts: Callable[[Fact], Iterable[Contribution]]
    fed_by: tuple[str, ...]
    of: tuple[Kind, ...] = ()
    since: int = 1
    until: int | None = None
    in_time: bool = False
    derived: bool = False
    whole: "Total | None" = None

    def contributions(self, fact: Fact) -> list[Contribution]:
        """Returns what a fact adds to the rows of the table."""
        return [(key, amounts) for counted, amounts in self.counts(fact) for key in self.rows_of(counted)]

    def rows_of(self, counted: Key) -> Iterable[Key]:
        """Returns the keys of the rows in which something counts that `counts` names by this key."""
        if not self.in_time:
            return (counted,)
        office, day, *about = counted
        return [(office, grain, starts, *about) for grain, starts in _grains_of(day)]

    def known_to(self, rules: int) -> bool:
        """Tells whether sets of these rules have this total."""
        return self.since <= rules and (self.until is None or rules <= self.until)

    def as_of(self, rules: int) -> "Total":
        """Returns the total as sets of these rules have it: without its whole, if that came later."""
        return self if self.whole is None or self.whole.known_to(rules) else replace(self, whole=None)

    @cached_property
    def names_ids(self) -> bool:
        """Tells whether ids are part of its key."""
        return any(column.type == "uuid" for column in self.key)

    @cached_property
    def add_sql(self) -> str:
        """The statement that adds rows of differences, in the order of the key, to one slice of a set's totals."""
        return self._adding(f"select * from {self._rows}")  # noqa: S608  names of ours

    @cached_property
    def add_whole_sql(self) -> tuple[str, ...]:
        """The statement that adds the same rows to the whole, sorted by key; none where there is no whole."""
        if self.whole is None:
            return ()
        keys = ", ".join(self._names[1:])
        sums = ", ".join(f"sum({amount})::bigint" for amount in self.amounts)
        rows = (
            f"select '{PROVINCE}', {keys}, {sums} from {self._rows}"  # noqa: S608  names of ours
            f" where grain <> '{Period.DAY}' group by {keys} order by {keys}"
        )
        return (self.whole._adding(rows),)  # noqa: SLF001  a total too

    def _adding(self, rows: str) -> str:
        columns, key = ", ".join([*self._names, *self.amounts]), ", ".join(self._names)
        sums = ", ".join(f"{amount} = t.{amount} + excluded.{amount}" for amount in self.amounts)
        return (
            f"insert into {self.name} as t (set_version, slice, {columns})"  # noqa: S608  names of ours
            f" select $1, $2::smallint, n.* from ({rows}) as n"
            f" on conflict (set_version, {key}, slice) do update set {sums}"
        )

    @property
    def _names(self) -> list[str]:
        return [column.name for column in self.key]

    @property
    def _rows(self) -> str:
        """The rows that the arguments from the third on hold."""
        types = [*(column.type for column in self.key), *["bigint"] * len(self.amounts)]
        arrays = ", ".join(f"${number}::text::{type_}[]" for number, type_ in enumerate(types, start=3))
        return f"unnest({arrays}) as r ({', '.join([*self._names, *self.amounts])})"

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

    def count(self, facts: Iterable[Fact]) -> None:
        """Counts facts."""
        for fact in facts:
            self.add(self.total.counts(fact))

    def take_back(self, facts: Iterable[Fact]) -> None:
        """Counts facts no longer."""
        for fact in facts:
            self.add([(key, tuple(map(neg, amounts))) for key, amounts in self.total.counts(fact)])

    def add(self, moves: Iterable[Contribution]) -> None:
        """Counts what moves the total."""
        gathered = self._gathered
        for key, amounts in moves:
            gathered[key].append(amounts)

    def rows(self) -> list[tuple[Key, Amounts]]:
        """Returns what does change, sorted by key: two appliers lock rows in one order."""
        sums = _summed(self._gathered)
        if self.total.in_time:
            spread: dict[Key, list[Amounts]] = defaultdict(list)
            for counted, amounts in sums.items():
                for key in self.total.rows_of(counted):
                    spread[key].append(amounts)
            sums = _summed(spread)
        keys = sorted(sums, key=_as_texts) if self.total.names_ids else sorted(sums)
        return [(key, sums[key]) for key in keys if any(sums[key])]


def _as_texts(key: Key) -> tuple[str, ...]:
    """Texts are compared many times as fast as ids."""
    return tuple(map(str, key))


def _summed(gathered: Mapping[Key, Sequence[Amounts]]) -> dict[Key, Amounts]:
    return {
        key: parts[0] if len(parts) == 1 else tuple(map(sum, zip(*parts, strict=True)))
        for key, parts in gathered.items()
    }


def additions(totals: Sequence[Differences], slice_number: int) -> list[Write]:
    """Returns what adds the differences to one slice of a set's totals; the set's version is what the writes share.

    Any slice will do, for only their sum says something: whoever writes takes one that others do not write to, so that
    they need not wait for each other.
    """
    writes = []
    for differences in totals:
        rows = differences.rows()
        if rows:
            keys = [texts_literal(column) for column in zip(*[key for key, _ in rows], strict=True)]
            amounts = [numbers_literal(column) for column in zip(*[amounts for _, amounts in rows], strict=True)]
            total = differences.total
            writes.append(Write(total.add_sql, [slice_number, *keys, *amounts], total.add_whole_sql))
    return writes
