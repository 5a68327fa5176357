"""Reporting's totals against a recomputation: sums over the facts of one instant, with arithmetic of the check's own.

That the facts are those of the history is proven beside it (aggregates.py); where one is not, its right state is put
in its place.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from deploy.check.copies import State
from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers

# So many facts are added up in a second or two; of more, each office is a range of its own.
_AT_ONCE = 200_000

_OFFICES = """
select distinct office from (
    (with recursive live as (select version from read_model_pointer), next as (
        (select a.office from office_activity a, live where a.set_version = live.version order by a.office limit 1)
        union all
        select (select a.office from office_activity a, live
                where a.set_version = live.version and a.office > next.office order by a.office limit 1)
        from next where next.office is not null
    ) select office from next where office is not null)
    union
    select id from fact_office where set_version = (select version from read_model_pointer)
) known order by office
"""
# $1: offices; $2: true asks for the others instead, so that no fact and no total escapes.
_ACTIVITY = """
with live as (select version from read_model_pointer),
moved as (
    select told.office, told.day, f.slice, 0 as registrations, 1 as sessions,
           (select count(distinct subject.id)
            from unnest(f.subjects) with ordinality as subject (id, place)
            join json_array_elements(told.businesses) with ordinality as business (told, place) using (place)
            where (business.told ->> 'known')::boolean) as businesses_served,
           told.contact_minutes, told.preparation_minutes, told.travel_minutes
    from live, fact_session f, json_to_record(f.state) as told (
        office text, day date, state text, businesses json,
        contact_minutes bigint, preparation_minutes bigint, travel_minutes bigint, accepted boolean
    )
    where f.set_version = live.version and $2::boolean <> (told.office = any($1::text[]))
      and told.state in ('completed', 'confirmed', 'contested') and told.accepted is not false
    union all
    select told.home_office, told.registered_on, f.slice, 1, 0, 0, 0, 0, 0
    from live, fact_business f, json_to_record(f.state) as told (id uuid, home_office text, registered_on date)
    where f.set_version = live.version and $2::boolean <> (told.home_office = any($1::text[]))
      and f.subjects[1] = told.id
), expected as (
    select m.office, p.grain, p.starts, m.slice,
           array[sum(registrations), sum(sessions), sum(businesses_served), sum(contact_minutes),
                 sum(preparation_minutes), sum(travel_minutes)]::bigint[] as amounts
    from moved m cross join lateral (values
        ('day', m.day), ('month', date_trunc('month', m.day)::date), ('year', date_trunc('year', m.day)::date)
    ) as p (grain, starts)
    group by m.office, p.grain, p.starts, m.slice
), stands as (
    select a.office, a.grain, a.starts, a.slice,
           array[registrations, sessions, businesses_served, contact_minutes,
                 preparation_minutes, travel_minutes] as amounts
    from office_activity a, live
    where a.set_version = live.version and $2::boolean <> (a.office = any($1::text[]))
)
select array[office, grain, starts::text, slice::text] as key,
       coalesce(s.amounts, array[0,0,0,0,0,0]) as stands, coalesce(e.amounts, array[0,0,0,0,0,0]) as expected
from expected e full join stands s using (office, grain, starts, slice)
where coalesce(s.amounts, array[0,0,0,0,0,0]) <> coalesce(e.amounts, array[0,0,0,0,0,0])
"""
_REGIONS = """
with live as (select version from read_model_pointer),
expected as (
    select left(told.kelurahan, 5) as regency, told.home_office, k.kind, told.status, f.slice, count(*) as businesses
    from live, fact_business f,
         json_to_record(f.state) as told (id uuid, kelurahan text, home_office text, status text, kinds json),
         lateral (select '*' as kind union select json_array_elements_text(told.kinds)) as k
    where f.set_version = live.version and $2::boolean <> (told.home_office = any($1::text[]))
      and f.subjects[1] = told.id
    group by 1, 2, 3, 4, 5
), stands as (
    select b.regency, b.home_office, b.kind, b.status, b.slice, b.businesses
    from businesses_by_region b, live
    where b.set_version = live.version and $2::boolean <> (b.home_office = any($1::text[]))
)
select array[regency, home_office, kind, status, slice::text] as key,
       array[coalesce(s.businesses, 0)] as stands, array[coalesce(e.businesses, 0)] as expected
from expected e full join stands s using (regency, home_office, kind, status, slice)
where coalesce(s.businesses, 0) <> coalesce(e.businesses, 0)
"""

Key = tuple[str, ...]
Amounts = tuple[int, ...]


@dataclass(frozen=True)
class Total:
    """A table of totals: what differs in it (`select`), and the names of its amounts."""

    table: str
    select: str
    amounts: tuple[str, ...]


ACTIVITY = Total(
    "reporting.office_activity",
    _ACTIVITY,
    ("registrations", "sessions", "businesses_served", "contact_minutes", "preparation_minutes", "travel_minutes"),
)
REGIONS = Total("reporting.businesses_by_region", _REGIONS, ("businesses",))


@dataclass(frozen=True, slots=True)
class Suspect:
    """A fact that is not what the history says: state and slice, as they stand and as they ought to be."""

    stands: tuple[State, int] | None
    ought: tuple[State, int] | None


async def compare(readers: Readers, suspects: Sequence[Suspect], *, stored: int) -> AsyncIterator[list[Finding]]:
    """Yields, range by range, the totals that are not the sums of their facts; `stored` tells how many there may be."""
    corrections = {total.table: _corrections(total.table, suspects) for total in (ACTIVITY, REGIONS)}
    offices: list[str] = []
    if stored > _AT_ONCE:
        async with readers.instant("reporting") as connection:
            offices = [row["office"] for row in await connection.fetch(_OFFICES)]
    ranges = [([office], False) for office in offices] + [(offices, True)]
    for total in (ACTIVITY, REGIONS):
        for named, others in ranges:
            async with readers.instant("reporting") as connection:
                rows = await connection.fetch(total.select, named, others)
            yield list(_judge(total, rows, corrections[total.table]))


def _judge(total: Total, rows: Sequence[Any], corrections: Mapping[Key, Amounts]) -> Iterable[Finding]:
    for row in rows:
        key, stands, expected = tuple(row["key"]), tuple(row["stands"]), tuple(row["expected"])
        correction = corrections.get(key, (0,) * len(expected))
        if stands != tuple(map(sum, zip(expected, correction, strict=True))):
            yield from _findings(total, key, stands, expected)


def _findings(total: Total, key: Key, stands: Amounts, expected: Amounts) -> Iterable[Finding]:
    where = f"{total.table} {' '.join(key[:-1])} slice {key[-1]}"
    told = "; ".join(
        f"{name} is {is_}, the sum is {ought}"
        for name, is_, ought in zip(total.amounts, stands, expected, strict=True)
        if is_ != ought
    )
    cure = "Run `plut rebuild reporting`: it builds the read models anew beside these, compares and switches."
    yield Finding(Kind.DIFFERING, where, told, cure)
    if any(is_ > ought for is_, ought in zip(stands, expected, strict=True)):
        yield Finding(Kind.TWICE, where, f"above the sum: {told}", cure)


def _corrections(table: str, suspects: Sequence[Suspect]) -> dict[Key, Amounts]:
    """What the totals would have beyond the sums of the facts, had they been fed with what the facts ought to be."""
    contributions = _activity if table == ACTIVITY.table else _regions
    corrections: dict[Key, Counter[int]] = {}
    for suspect in suspects:
        for fact, sign in ((suspect.ought, 1), (suspect.stands, -1)):
            for key, amounts in contributions(*fact) if fact else ():
                counted = corrections.setdefault(key, Counter())
                counted.update({place: sign * amount for place, amount in enumerate(amounts)})
    width = len(ACTIVITY.amounts) if table == ACTIVITY.table else len(REGIONS.amounts)
    return {key: tuple(counted[place] for place in range(width)) for key, counted in corrections.items()}


def _activity(state: State, slice_: int) -> list[tuple[Key, Amounts]]:
    if "businesses" in state:
        if state["state"] not in ("completed", "confirmed", "contested") or not state.get("accepted", True):
            return []
        served = len({business["id"] for business in state["businesses"] if business["known"]})
        amounts = (0, 1, served, state["contact_minutes"], state["preparation_minutes"], state["travel_minutes"])
        return _grains(state["office"], date.fromisoformat(state["day"]), slice_, amounts)
    if "registered_on" in state:
        return _grains(state["home_office"], date.fromisoformat(state["registered_on"]), slice_, (1, 0, 0, 0, 0, 0))
    return []


def _grains(office: str, day: date, slice_: int, amounts: Amounts) -> list[tuple[Key, Amounts]]:
    starts = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
    return [((office, grain, first.isoformat(), str(slice_)), amounts) for grain, first in starts.items()]


def _regions(state: State, slice_: int) -> list[tuple[Key, Amounts]]:
    if "registered_on" not in state:
        return []
    place = (state["kelurahan"][:5], state["home_office"])
    return [((*place, kind, state["status"], str(slice_)), (1,)) for kind in {"*", *state["kinds"]}]
