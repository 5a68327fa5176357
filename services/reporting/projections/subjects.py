"""Keeps the visits of each business, in which session and at whichever office, and what is derived from them together.

Two appliers may meet in one business: its row is locked before it is read (design.md §3).
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.reporting.domain import Fact
from services.reporting.projections import businesses_served
from services.reporting.projections.businesses_served import Intensity, Visit, intensive_in, visits_of, years_of
from services.reporting.projections.total import Differences
from services.reporting.store import numbers_literal
from shared.statements import Write

_LOCK = "select subject, visits from lock_served($1, $2)"
_VISITS = """
update served_business b set visits = n.visits, offices = string_to_array(n.offices, ',')
from unnest($2::uuid[], $3::json[], $4::text[]) as n (subject, visits, offices)
where b.set_version = $1 and b.subject = n.subject
"""
_INTENSIVE = """
insert into intensive_business as i (set_version, office, year, subject, contact_minutes)
select $1, * from unnest($2::text[], $3::text::smallint[], $4::uuid[], $5::text::integer[])
on conflict (set_version, office, year, subject) do update set contact_minutes = excluded.contact_minutes
"""
_NO_LONGER_INTENSIVE = """
delete from intensive_business i using unnest($2::text[], $3::text::smallint[], $4::uuid[]) as n (office, year, subject)
where i.set_version = $1 and (i.office, i.year, i.subject) = (n.office, n.year, n.subject)
"""
_PAGE = """
select subject, visits from served_business
where set_version = $1 and ($2::uuid is null or subject > $2)
order by subject
limit $3
"""


@dataclass(slots=True)
class Change:
    """What happens to one business: visits by these sessions are not what they were. `slice` is where that was read."""

    slice: int
    gone: set[str] = field(default_factory=set)
    come: list[Visit] = field(default_factory=list)

    def applied_to(self, visits: Sequence[Visit]) -> list[Visit]:
        """Returns the visits after the change, by day and session: the same however they came."""
        stay = [visit for visit in visits if visit.session not in self.gone]
        return sorted([*stay, *self.come], key=lambda visit: (visit.day, visit.session))

    def years_in(self, visits: Sequence[Visit]) -> set[str]:
        """Returns the years that the change touches, of the visits before it and of those that come."""
        return years_of(self.come) | years_of([visit for visit in visits if visit.session in self.gone])


@dataclass(frozen=True, slots=True)
class Served:
    """A business's visits before and after a batch; `years` are those in which they are not the same."""

    subject: UUID
    slice: int
    old: Sequence[Visit]
    new: Sequence[Visit]
    years: Collection[str]


def changes(replaced: Iterable[tuple[Fact | None, Fact]]) -> dict[UUID, Change]:
    """Returns what a batch's sessions, each with the fact it replaces, change for businesses."""
    found: dict[UUID, Change] = {}
    note_changes(found, replaced)
    return found


def note_changes(found: dict[UUID, Change], replaced: Iterable[tuple[Fact | None, Fact]]) -> None:
    """Adds to what is found what further sessions change; none of them may be in it yet."""
    for old, new in replaced:
        before = visits_of(old) if old is not None else {}
        after = visits_of(new)
        for subject in before.keys() | after.keys():
            was, is_ = before.get(subject), after.get(subject)
            if was == is_:
                continue
            change = found.setdefault(subject, Change(new.slice))
            change.gone.add(new.id)
            if is_ is not None:
                change.come.append(is_)


async def lock(connection: Any, set_version: int, changed: Mapping[UUID, Change]) -> list[Served]:  # noqa: ANN401  pooled or plain
    """Locks the rows of these businesses in the order of their ids, and returns what becomes of them."""
    if not changed:
        return []
    served = []
    for row in await connection.fetch(_LOCK, set_version, sorted(changed)):
        change, old = changed[row["subject"]], visits_from(row["visits"])
        served.append(Served(row["subject"], change.slice, old, change.applied_to(old), change.years_in(old)))
    return served


def writes(served: Sequence[Served], *, intensive: bool = True) -> list[Write]:
    """Returns what stores the visits, and unless that comes later, who is mentored intensively by them."""
    if not served:
        return []
    visits = [json.dumps(one.new, separators=(",", ":")) for one in served]
    offices = [",".join(sorted({visit.office for visit in one.new})) for one in served]
    kept = Write(_VISITS, [[one.subject for one in served], visits, offices])
    return [kept, *intensities(served)] if intensive else [kept]


def count(served: Sequence[Served]) -> Differences:
    """Returns what the totals of businesses served change by."""
    differences = Differences(businesses_served.TOTAL)
    for one in served:
        differences.add(one.slice, businesses_served.moved(one.old, one.new))
    return differences


def count_all(served: Sequence[Served]) -> Differences:
    """Returns what the totals have of businesses that were not in them before."""
    differences = Differences(businesses_served.TOTAL)
    for slice_number in {one.slice for one in served}:
        visits = [one.new for one in served if one.slice == slice_number]
        differences.add(slice_number, businesses_served.contributions_of_all(visits))
    return differences


async def after(connection: Any, set_version: int, subject: UUID | None, limit: int) -> list[Served]:  # noqa: ANN401
    """Returns the next page of businesses as if they had come just now, from the first if `subject` is None."""
    rows = await connection.fetch(_PAGE, set_version, subject, limit)
    return [_come_now(row["subject"], visits_from(row["visits"])) for row in rows]


def _come_now(subject: UUID, visits: Sequence[Visit]) -> Served:
    return Served(subject, 0, (), visits, years_of(visits))


def intensities(served: Sequence[Served]) -> list[Write]:
    """Returns what stores who is mentored intensively."""
    now: list[tuple[Intensity, UUID, int]] = []
    ended: list[tuple[Intensity, UUID]] = []
    for one in served:
        before, after = intensive_in(one.old, one.years), intensive_in(one.new, one.years)
        now += [(where, one.subject, minutes) for where, minutes in after.items() if before.get(where) != minutes]
        ended += [(where, one.subject) for where in before.keys() - after.keys()]
    writes = []
    if now:
        now.sort()
        places = [where for where, _, _ in now]
        minutes = numbers_literal([minutes for _, _, minutes in now])
        writes.append(Write(_INTENSIVE, [*_columns(places), [subject for _, subject, _ in now], minutes]))
    if ended:
        places = [where for where, _ in ended]
        writes.append(Write(_NO_LONGER_INTENSIVE, [*_columns(places), [subject for _, subject in ended]]))
    return writes


def _columns(places: Sequence[Intensity]) -> list[Any]:
    return [[place.office for place in places], numbers_literal([place.year for place in places])]


def visits_from(document: str) -> list[Visit]:
    """Returns the visits from the column of that name."""
    return [Visit(*visit) for visit in json.loads(document)]
