"""The way down from a figure: the newest event of each fact that it is made of, with what each of them adds.

Each amount is what the total's own rule says of the fact, so that the amounts of all pages add up to the figure. Where
a business counts once for several sessions, the first of them within the period and the offices adds it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.reporting.answers.snapshots import Snapshot
from services.reporting.domain import PROVINCE, Fact
from services.reporting.projections import businesses_served, listing
from services.reporting.projections.businesses_served import Visit
from services.reporting.projections.listing import Days, Listed, Places
from services.reporting.projections.reading import Span
from services.reporting.projections.total import Contribution, Total

# So many facts are looked at for one page, however few of them count: a page takes the same time everywhere.
LOOKED_AT = 1_000
_NOBODY: Sequence[Visit] = ()


@dataclass(frozen=True)
class Figure:
    """`terms` of a total's amounts, each with its sign, under these values of its key and in these spans.

    Its facts are listed through `offices`. To a total that knows no time every span is all of it.
    """

    total: Total
    terms: Mapping[str, int]
    offices: Sequence[str]
    within: Mapping[str, Sequence[str]]
    spans: Sequence[Span]
    listed: Days | Places

    def terms_of(self, contributions: Iterable[Contribution]) -> dict[str, int]:
        """Returns by term what these contributions add to the figure."""
        added = dict.fromkeys(self.terms, 0)
        for key, amounts in contributions:
            if self._counts(key):
                for name, amount in zip(self.total.amounts, amounts, strict=True):
                    if name in added:
                        added[name] += self.terms[name] * amount
        return added

    def _counts(self, key: Sequence[object]) -> bool:
        named = dict(zip((column.name for column in self.total.key), key, strict=True))
        if any(str(named[column]) not in values for column, values in self.within.items()):
            return False
        return any(_lies_in(named, span) for span in self.spans)


def _lies_in(named: Mapping[str, object], span: Span) -> bool:
    starts = named.get("month", named.get("starts"))
    if starts is None:
        return True
    return named.get("grain", span.grain) == span.grain and span.first <= starts <= span.last  # type: ignore[operator]  # a date


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
    """`ends` is None where nothing follows. A page may hold fewer than were asked for, and none at all."""

    items: list[Evidence] = field(default_factory=list)
    ends: Place | None = None


async def page_of(seen: Snapshot, figure: Figure, after: Place | None, limit: int) -> Page:
    """Returns the next page of what a figure is made of, from the first if `after` is None."""
    page, looked = Page(), 0
    async for office, rows in _chunks(seen, figure, after, limit):
        for evidence in await _weighed(seen, figure, office, rows):
            looked += 1
            page.ends = Place(office, evidence.listed.place, evidence.fact.id)
            if evidence.amount:
                page.items.append(evidence)
            if len(page.items) == limit or looked == LOOKED_AT:
                return page
    page.ends = None
    return page


async def _chunks(
    seen: Snapshot, figure: Figure, after: Place | None, size: int
) -> AsyncIterator[tuple[str, Sequence[Listed]]]:
    """Yields the facts office by office, from behind `after` on."""
    for office in sorted(figure.offices):
        if after is not None and office < after.office:
            continue
        at = (after.place, after.id) if after is not None and office == after.office else None
        while rows := await figure.listed.page(seen.connection, seen.live.version, office, at, size):
            yield office, rows
            if len(rows) < size:
                break
            at = (rows[-1].place, rows[-1].fact.id)


async def _weighed(seen: Snapshot, figure: Figure, office: str, rows: Sequence[Listed]) -> list[Evidence]:
    if not figure.total.derived:
        added = [figure.terms_of(figure.total.contributions(one.fact)) for one in rows]
        return [Evidence(office, one, sum(terms.values())) for one, terms in zip(rows, added, strict=True)]
    businesses = {subject for one in rows for subject in businesses_served.visits_of(one.fact)}
    known = await listing.visits(seen.connection, seen.live.version, businesses)
    return [_of_businesses(figure, office, one, known) for one in rows]


def _of_businesses(figure: Figure, office: str, one: Listed, known: Mapping[UUID, Sequence[Visit]]) -> Evidence:
    added = {
        subject: amount
        for subject in businesses_served.visits_of(one.fact)
        if (amount := _added_by(figure, one.fact.id, known.get(subject, _NOBODY)))
    }
    return Evidence(office, one, sum(added.values()), tuple(added))


def _added_by(figure: Figure, session: str, visits: Sequence[Visit]) -> int:
    """Returns what one business adds by this session."""
    terms = figure.terms_of(businesses_served.contributions([visit.line for visit in visits]))
    return sum(amount for name, amount in terms.items() if amount and _first(figure, name, visits) == session)


def _first(figure: Figure, term: str, visits: Sequence[Visit]) -> str | None:
    """Returns the session by which a business counts for a term; visits come by day and session."""
    offices = figure.within["office"]
    return next(
        (
            visit.session
            for visit in visits
            if (PROVINCE in offices or visit.office in offices)
            and _is_within(figure.listed, visit)
            and (visit.attested or term != "attested")
        ),
        None,
    )


def _is_within(listed: Days | Places, visit: Visit) -> bool:
    return isinstance(listed, Days) and listed.first.isoformat() <= visit.day <= listed.last.isoformat()
