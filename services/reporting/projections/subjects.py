"""Keeps the visits of each business, in which session and at whichever office, and what is derived from them together.

Two appliers may meet in one business: its row is locked before it is read, or written only as it was seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from uuid import UUID

from services.reporting.domain import Fact
from services.reporting.projections import businesses_served
from services.reporting.projections.arrivals import arrival
from services.reporting.projections.businesses_served import (
    Change,
    Intensity,
    Line,
    day_of,
    document_of,
    lines_from,
    office_of,
    offices_of,
    session_of,
    visits_of,
)
from services.reporting.projections.total import Contribution, Differences
from services.reporting.store import Row, numbers_literal, texts_literal
from shared.statements import Write

_LOCK = "select subject, visits, offices from lock_visits($1, $2::text::uuid[])"
# Of businesses that were only looked at: what somebody else has written since is not touched. By key, as facts are.
_NEW_VISITS = """
insert into served_business (set_version, subject, visits, offices)
select $1, subject, visits::json, string_to_array(offices, ',')
from unnest($2::text::uuid[], $3::text::text[], $4::text::text[]) as n (subject, visits, offices)
on conflict do nothing
"""
VISITS_AS_SEEN = """
update served_business b set visits = n.visits::json, offices = string_to_array(n.offices, ',')
from unnest($2::text::uuid[], $3::text::text[], $4::text::text[], $5::text::xid[]) as n (subject, visits, offices, seen)
cross join lateral (
    select k.ctid from served_business k where k.set_version = $1 and k.subject = n.subject and k.xmin = n.seen offset 0
) found
where b.ctid = found.ctid
"""
# By key alone: the rows are there, for they are locked.
_VISITS = """
insert into served_business as b (set_version, subject, visits, offices)
select $1, subject, visits::json, string_to_array(offices, ',')
from unnest($2::text::uuid[], $3::text::text[], $4::text::text[]) as n (subject, visits, offices)
on conflict (set_version, subject) do update set visits = excluded.visits, offices = excluded.offices
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
class Due:
    """What is to happen to one business: visits by these sessions are not what they were."""

    sessions: set[str] = field(default_factory=set)
    come: list[Line] = field(default_factory=list)

    def applied_to(self, lines: Sequence[Line]) -> Change:
        """Returns the change of these visits."""
        gone = [line for line in lines if session_of(line) in self.sessions]
        return Change([line for line in lines if line not in gone] if gone else lines, gone, self.come)


@dataclass(frozen=True, slots=True)
class Served:
    """A business whose visits have changed: its row, and how it came to that. `told` and `intensive`: what that moves,
    and where its mentoring is intensive now, where a look at the row has told it and there is no `change`.
    """

    subject: UUID
    visits: str
    offices: str
    told: Sequence[Contribution] = ()
    intensive: Mapping[Intensity, int] = field(default_factory=dict)
    change: Change | None = None

    @property
    def lines(self) -> Sequence[Line]:
        """Returns the visits."""
        return lines_from(self.visits) if self.change is None else self.change.new

    def moves(self) -> Sequence[Contribution]:
        """Returns what the totals of businesses served get by it."""
        return self.told if self.change is None else businesses_served.moved(self.change)


def _arrived(row: Row, due: Due) -> Served | None:
    """Returns what the visits that have come make of a row, or None if they are not all that happened to it."""
    if len(due.come) != len(due.sessions):
        return None
    subject, visits, offices, _ = row
    told: list[Contribution] = []
    intensive: dict[Intensity, int] = {}
    for line in sorted(due.come, key=day_of) if len(due.come) > 1 else due.come:
        come = arrival(visits, line)
        if come is None:
            return None
        visits = come.document
        told += come.moves
        intensive |= come.intensive
        if office_of(line) not in offices:
            offices = ",".join(sorted([*filter(None, offices.split(",")), office_of(line)]))
    return Served(subject, visits, offices, told, intensive)


def _changed(subject: UUID, change: Change) -> Served:
    return Served(subject, document_of(change.new), ",".join(sorted(offices_of(change.new))), change=change)


def changes(replaced: Iterable[tuple[Fact | None, Fact]]) -> dict[UUID, Due]:
    """Returns what a batch's sessions, each with the fact it replaces, change for businesses."""
    found: dict[UUID, Due] = {}
    note_changes(found, replaced)
    return found


def note_changes(found: dict[UUID, Due], replaced: Iterable[tuple[Fact | None, Fact]]) -> None:
    """Adds to what is found what further sessions change; none of them may be in it yet."""
    for old, new in replaced:
        note_visits(found, visits_of(old) if old is not None else {}, visits_of(new))


def note_visits(found: dict[UUID, Due], before: Mapping[UUID, Line], after: Mapping[UUID, Line]) -> None:
    """The same of one session, by the visits that were paid by it before and are now."""
    for subject, line in after.items():
        if before.get(subject) != line:
            due = _due(found, subject)
            due.sessions.add(session_of(line))
            due.come.append(line)
    for subject in before.keys() - after.keys():
        _due(found, subject).sessions.add(session_of(before[subject]))


def _due(found: dict[UUID, Due], subject: UUID) -> Due:
    due = found.get(subject)
    if due is None:
        due = found[subject] = Due()
    return due


_number = attrgetter("int")  # quicker to compare than the ids themselves


async def lock(connection: Any, set_version: int, changed: Mapping[UUID, Due]) -> list[Row]:  # noqa: ANN401  pooled or plain
    """Locks the rows of these businesses in the order of their ids, and returns them."""
    if not changed:
        return []
    rows = await connection.fetch(_LOCK, set_version, texts_literal(in_order(changed)))
    return [Row(*row) for row in rows]


def in_order(subjects: Iterable[UUID]) -> list[UUID]:
    """Returns businesses in the order in which everybody locks their rows."""
    return sorted(subjects, key=_number)


def unvisited(subject: UUID) -> Row:
    """Returns the row of a business that has none yet."""
    return Row(subject, businesses_served.NO_VISITS, "")


def become(row: Row, due: Due) -> Served:
    """Returns what becomes of a business's row by what is due."""
    return _arrived(row, due) or _changed(row.subject, due.applied_to(lines_from(row.visits)))


def gathered(row: Row, due: Due) -> Served:
    """Returns a business's row with visits that were in no row before; what they count for is told once all are."""
    lines = [*lines_from(row.visits), *due.come]
    return Served(row.subject, document_of(lines), ",".join(sorted(offices_of(lines))))


def writes(served: Sequence[Served], *, intensive: bool = True) -> list[Write]:
    """Returns what stores the visits, and unless that comes later, who is mentored intensively by them."""
    if not served:
        return []
    columns = zip(*[(one.subject, one.visits, one.offices) for one in served], strict=True)
    kept = Write(_VISITS, list(map(texts_literal, columns)))
    return [kept, *intensities(served)] if intensive else [kept]


def writes_as_seen(rows: Sequence[Row], served: Sequence[Served]) -> list[Write]:
    """Returns what stores visits of businesses that were only looked at: their `rows` must be as they were."""
    kept = []
    together = list(zip(rows, served, strict=True))
    new = [(one.subject, one.visits, one.offices) for row, one in together if row.seen is None]
    if new:
        kept.append(Write(_NEW_VISITS, list(map(texts_literal, zip(*new, strict=True))), rows=len(new)))
    known = [(one.subject, one.visits, one.offices, row.seen) for row, one in together if row.seen is not None]
    if known:
        *columns, seen = zip(*known, strict=True)
        arguments = [*map(texts_literal, columns), numbers_literal(seen)]
        kept.append(Write(VISITS_AS_SEEN, arguments, rows=len(known)))
    return kept


def count(served: Sequence[Served]) -> Differences:
    """Returns what the totals of businesses served change by."""
    differences = Differences(businesses_served.TOTAL)
    for one in served:
        differences.add(one.moves())
    return differences


def count_all(served: Sequence[Served]) -> Differences:
    """Returns what the totals have of businesses that were not in them before."""
    differences = Differences(businesses_served.TOTAL)
    differences.add(businesses_served.contributions_of_all([one.lines for one in served]))
    return differences


async def after(connection: Any, set_version: int, subject: UUID | None, limit: int) -> list[Served]:  # noqa: ANN401
    """Returns the next page of businesses as if they had come just now, from the first if `subject` is None."""
    rows = await connection.fetch(_PAGE, set_version, subject, limit)
    return [Served(row["subject"], row["visits"], "", change=Change((), (), lines_from(row["visits"]))) for row in rows]


def intensities(served: Sequence[Served]) -> list[Write]:
    """Returns what stores who is mentored intensively."""
    now: list[tuple[Intensity, UUID, int]] = []
    ended: list[tuple[Intensity, UUID]] = []
    for one in served:
        before, after = ({}, one.intensive) if one.change is None else one.change.intensities
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
