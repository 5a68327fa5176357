"""The way down from a figure: the newest event of each fact that it is made of, with what each of them adds.

Each amount is what the total's own rule says of the fact, so that the amounts of all pages add up to the figure. Where
a business counts once for several sessions, the first of them within the period and the offices adds it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from services.reporting.answers.snapshots import Snapshot
from services.reporting.domain import PROVINCE, Fact
from services.reporting.periods import PeriodAsked
from services.reporting.projections import businesses_served, listing
from services.reporting.projections.businesses_served import Line, Visit
from services.reporting.projections.listing import Days, Listed, Places
from services.reporting.projections.reading import Span
from services.reporting.projections.total import Amounts, Contribution, Total

# So many facts are looked at for one page, however few of them count: a page takes the same time everywhere.
LOOKED_AT = 1_000
_NOBODY: Sequence[Line] = ()


@dataclass(frozen=True)
class Figure:
    """`terms` of a total's amounts, each with its sign, under these values of its key and in these spans.

    Its facts are listed through `offices`. To a total that knows no time every span is all of it: `period` is None,
    for the figure tells how things are now.
    """

    total: Total
    terms: Mapping[str, int]
    offices: Sequence[str]
    within: Mapping[str, Sequence[str]]
    spans: Sequence[Span]
    listed: Days | Places
    period: PeriodAsked | None

    def terms_of(self, contributions: Iterable[Contribution]) -> dict[str, int]:
        """Returns by term what these contributions add to the figure."""
        added = dict.fromkeys(self.terms, 0)
        for key, amounts in contributions:
            if self._counts(key):
                for name in self.terms:
                    added[name] += self.signed(name, amounts)
        return added

    def signed(self, term: str, amounts: Amounts) -> int:
        """Returns what a term adds to the figure where these are the total's amounts."""
        return self.terms[term] * amounts[self._places[term]]

    @cached_property
    def days(self) -> tuple[str, str]:
        """The first and the last day of facts that are listed by day, as ISO writes them."""
        if not isinstance(self.listed, Days):
            raise TypeError(f"{self.total.name} is listed by place")
        return self.listed.first.isoformat(), self.listed.last.isoformat()

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: self.total.amounts.index(name) for name in self.terms}

    @cached_property
    def _columns(self) -> Mapping[str, int]:
        return {column.name: place for place, column in enumerate(self.total.key)}

    @cached_property
    def _within(self) -> Sequence[tuple[int, Sequence[str]]]:
        return [(self._columns[column], values) for column, values in self.within.items()]

    def _counts(self, key: Sequence[object]) -> bool:
        """Asked for each contribution of each fact of a page: a column is found by its place."""
        for place, values in self._within:
            if str(key[place]) not in values:
                return False
        return any(self._lies_in(key, span) for span in self.spans)

    def _lies_in(self, key: Sequence[object], span: Span) -> bool:
        starts = self._columns.get("month", self._columns.get("starts"))
        if starts is None:
            return True
        grain = self._columns.get("grain")
        return (grain is None or key[grain] == span.grain) and span.first <= key[starts] <= span.last  # type: ignore[operator]  # a date


class Evidence(NamedTuple):
    """A fact and what it adds to the figure. `businesses`: those that a distinct count has from it."""

    office: str
    listed: Listed
    amount: int
    businesses: Sequence[UUID] = ()

    @property
    def fact(self) -> Fact:
        return self.listed.fact


class Place(NamedTuple):
    """Where a page ends: under a day or kelurahan of an office, behind this fact."""

    office: str
    place: str
    id: str


@dataclass
class Page:
    """`ends` is None where nothing follows. A page may hold fewer than were asked for, and none at all.

    `looked_at`: so many facts, of which those count that it holds.
    """

    items: list[Evidence] = field(default_factory=list)
    ends: Place | None = None
    looked_at: int = 0

    def missing(self, limit: int) -> int:
        """Returns how many facts to read next: where few count a fifth of what was read, for each time is a trip."""
        return max(limit - len(self.items), self.looked_at // 5)


async def page_of(seen: Snapshot, figure: Figure, after: Place | None, limit: int) -> Page:
    """Returns the next page of what a figure is made of, from the first if `after` is None."""
    page = Page()
    async for office, rows in _chunks(seen, figure, after, lambda: page.missing(limit)):
        for evidence in await _weighed(seen, figure, office, rows):
            page.looked_at += 1
            page.ends = Place(office, evidence.listed.place, evidence.fact.id)
            if evidence.amount:
                page.items.append(evidence)
            if len(page.items) == limit or page.looked_at == LOOKED_AT:
                return page
    page.ends = None
    return page


async def _chunks(
    seen: Snapshot, figure: Figure, after: Place | None, size: Callable[[], int]
) -> AsyncIterator[tuple[str, Sequence[Listed]]]:
    """Yields the facts office by office, from behind `after` on, so many at once as `size` says by then."""
    for office in sorted(figure.offices):
        if after is not None and office < after.office:
            continue
        at = (after.place, after.id) if after is not None and office == after.office else None
        while rows := await figure.listed.page(seen.connection, seen.live.version, office, at, most := size()):
            yield office, rows
            if len(rows) < most:
                break
            at = (rows[-1].place, rows[-1].fact.id)


async def _weighed(seen: Snapshot, figure: Figure, office: str, rows: Sequence[Listed]) -> list[Evidence]:
    if not figure.total.derived:
        terms = [figure.terms_of(figure.total.contributions(one.fact)) for one in rows]
        return [Evidence(office, one, sum(added.values())) for one, added in zip(rows, terms, strict=True)]
    met = [list(businesses_served.visits_of(one.fact)) for one in rows]
    known = await listing.visits(seen.connection, seen.live.version, set(chain.from_iterable(met)))
    return [_of_businesses(figure, office, one, its, known) for one, its in zip(rows, met, strict=True)]


def _of_businesses(
    figure: Figure, office: str, one: Listed, met: Sequence[UUID], known: Mapping[UUID, Sequence[Line]]
) -> Evidence:
    added = {subject: _added_by(figure, one.fact.id, known.get(subject, _NOBODY)) for subject in met}
    counted = [subject for subject, amount in added.items() if amount]
    return Evidence(office, one, sum(added.values()), tuple(counted))


def _added_by(figure: Figure, session: str, visits: Sequence[Line]) -> int:
    """Returns what one business adds by this session; visits come by day and session."""
    first, last = figure.days
    within = businesses_served.between(visits, first, last)
    terms = [name for name in figure.terms if _counts_by(figure, name, within) == session]
    if not terms:
        return 0
    (office,), (span,) = figure.within["office"], figure.spans
    added = businesses_served.amounts_in(visits, office, span.grain, first, last)
    return sum(figure.signed(name, added) for name in terms)


def _counts_by(figure: Figure, term: str, visits: Sequence[Visit]) -> str | None:
    """Returns the session by which a business with these visits counts for a term: the first that does."""
    offices = figure.within["office"]
    for visit in visits:
        if (visit.attested or term != "attested") and (PROVINCE in offices or visit.office in offices):
            return visit.session
    return None
