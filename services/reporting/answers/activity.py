"""What offices did in periods, by office, service or consultant; distinct businesses are the province's own number."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.reporting.answers.snapshots import Snapshot
from services.reporting.domain import PROVINCE, Period, start_of
from services.reporting.periods import PeriodAsked
from services.reporting.projections import businesses_served, office_activity, sessions_by_service
from services.reporting.projections.reading import Span, Sum, sums, sums_of_first
from services.reporting.projections.total import Total

TOTALS: tuple[Total, ...] = (office_activity.TOTAL, businesses_served.TOTAL)
ABOUT = ("field", "service", "channel")
_NOTHING = dict.fromkeys([*office_activity.TOTAL.amounts, *businesses_served.TOTAL.amounts], 0)
Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Beside:
    """A period, the one before it and the same a year before, None where there can have been none."""

    asked: PeriodAsked
    before: PeriodAsked | None
    year_before: PeriodAsked | None

    @classmethod
    def of(cls, period: PeriodAsked) -> "Beside":
        return cls(period, period.before, period.year_before)

    @property
    def told(self) -> list[PeriodAsked]:
        """Returns those that there can have been, in the order in which their figures stand beside each other."""
        return [one for one in (self.asked, self.before, self.year_before) if one is not None]

    @property
    def periods(self) -> list[PeriodAsked]:
        """Returns each of them once: a year's period before is the one a year before."""
        return list(dict.fromkeys(self.told))


class Activities:
    """The amounts of office_activity and businesses_served by period and office; nothing where nothing was."""

    def __init__(self, done: Sequence[Sum], served: Sequence[Sum]) -> None:
        self._done = {(one.span, one.key[0]): one.amounts for one in done}
        self._served = {(one.span, one.key[0]): one.amounts for one in served}

    def of(self, period: PeriodAsked, office: str) -> dict[str, int]:
        """Returns what an office did in a period, by name of the amount."""
        return _together(self._done.get((str(period), office)), self._served.get((str(period), office)))

    def of_all(self, period: PeriodAsked, offices: Sequence[str]) -> dict[str, int]:
        """Returns what the offices did together: sums, but for the businesses that the province counts once."""
        added = dict.fromkeys(office_activity.TOTAL.amounts, 0)
        for office in offices:
            for name, amount in self._done.get((str(period), office), {}).items():
                added[name] += amount
        return _together(added, self._served.get((str(period), PROVINCE)))


def _together(done: Amounts | None, served: Amounts | None) -> dict[str, int]:
    return {**_NOTHING, **(done or {}), **(served or {})}


async def activities(seen: Snapshot, offices: Sequence[str], periods: Sequence[PeriodAsked]) -> Activities:
    """Returns what each of the offices did in each of the periods, and the province where the caller may see it."""
    version, connection = seen.live.version, seen.connection

    done = await sums(
        connection, version, office_activity.TOTAL, summed(periods), by=("office",), within={"office": offices}
    )
    distinct = [Span(str(one), *one.distinct) for one in periods]
    whom = {"office": [*offices, PROVINCE]}
    served = await sums(connection, version, businesses_served.TOTAL, distinct, by=("office",), within=whom)
    return Activities(done, served)


async def through_time(
    seen: Snapshot, offices: Sequence[str], periods: Sequence[PeriodAsked], *, whole: bool
) -> Mapping[PeriodAsked, Amounts]:
    """Returns what the offices did together in each of the periods, which follow each other, all of one grain.

    `whole`: they are all of the province's; else there is one, for served businesses do not add up. Each total is read
    in one stretch, and not period by period.
    """
    version, connection = seen.live.version, seen.connection
    begins, ends = periods[0], periods[-1]
    stretch = Span("summed", begins.summed.grain, begins.summed.first, ends.summed.last)
    within = {"office": offices}
    done = await sums(connection, version, office_activity.TOTAL, [stretch], by=("starts",), within=within)
    distinct = Span("distinct", begins.grain, begins.first, ends.first)
    whom = {"office": [PROVINCE] if whole else offices}
    served = await sums(connection, version, businesses_served.TOTAL, [distinct], by=("starts",), within=whom)
    done_by, served_by = {one.key[0]: one.amounts for one in done}, {one.key[0]: one.amounts for one in served}
    if begins.grain is Period.QUARTER:
        done_by = _by_quarter(done)
    starts = {period: period.first.isoformat() for period in periods}
    return {period: _together(done_by.get(start), served_by.get(start)) for period, start in starts.items()}


def _by_quarter(months: Sequence[Sum]) -> dict[str, Amounts]:
    quarters: dict[str, Counter[str]] = defaultdict(Counter)
    for one in months:
        quarters[_quarter_of(one.key[0])].update(one.amounts)
    return dict(quarters)


def _quarter_of(month: str) -> str:
    """Returns the first day of the quarter, as ISO writes it: only quarters are added up of rows of another grain."""
    return start_of(Period.QUARTER, date.fromisoformat(month)).isoformat()


def summed(periods: Sequence[PeriodAsked]) -> list[Span]:
    """Returns the spans that answer periods where a total has days, months and years."""
    return [Span(str(one), *one.summed) for one in periods]


@dataclass(frozen=True, slots=True)
class Services:
    """Sessions held and their minutes in some periods, of some offices. `whole`: those are all of the province's."""

    offices: Sequence[str]
    periods: Sequence[PeriodAsked]
    whole: bool = False

    def read_in(self, seen: Snapshot) -> tuple[Total, Sequence[str]]:
        """Returns where they stand: the province has rows of its own, but for days, and not in sets of older rules."""
        province = sessions_by_service.IN_PROVINCE
        coarse = all(period.summed.grain is not Period.DAY for period in self.periods)
        if self.whole and coarse and province.known_to(seen.live.rules):
            return province, [PROVINCE]
        return sessions_by_service.TOTAL, self.offices


async def by_service(
    seen: Snapshot, services: Services, by: Sequence[str], only: Mapping[str, Sequence[str]]
) -> list[Sum]:
    """Returns sums by some of field, service and channel; `only` has codes of those."""
    total, offices = services.read_in(seen)
    spans = summed(services.periods)
    return await sums(seen.connection, seen.live.version, total, spans, by=by, within={"office": offices, **only})


async def first_by_service(
    seen: Snapshot,
    services: Services,
    by: Sequence[str],
    only: Mapping[str, Sequence[str]],
    *,
    after: Sequence[str],
    limit: int,
) -> list[Sum]:
    """Returns the same of the first `limit` keys after one (empty: from the first), and of some further ones.

    Told apart otherwise than the key of the total goes, they are a few dozen mostly, which are summed whole.
    """
    if tuple(by) != ABOUT[: len(by)]:
        return [one for one in await by_service(seen, services, by, only) if one.key > tuple(after)]
    total, offices = services.read_in(seen)
    return await sums_of_first(
        seen.connection,
        seen.live.version,
        total,
        summed(services.periods),
        by=by,
        within={"office": offices, **only},
        after=after,
        limit=limit,
    )
