"""Distinct businesses: their visits against the sessions, both ways, and what is counted of the visits against them.

A visit that a session paid is looked for from the sessions; what stands among the visits is looked for among the
sessions. So each range is small, and together they say that the visits are those of the sessions.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import date
from operator import neg
from typing import Any
from uuid import UUID

from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers
from deploy.check.totals import ranges
from deploy.check.totals.sums import CURE, named

_PAGE = 2_000
_INTENSIVE_PAGE = 20_000  # there is no index on them by business: each page reads all
_AMOUNTS = ("served", "attested", "newly_served", "intensive")

_HELD = """
live as (select version from read_model_pointer),
paid as (
    select f.id as session, subject.id as subject, f.office, f.day, told.contact_minutes,
           bool_or(coalesce((business.told ->> 'attested')::boolean, false)) as attested
    from live, fact_session f, json_to_record(f.state) as told (
             state text, accepted boolean, contact_minutes bigint, businesses json
         ),
         unnest(f.subjects) with ordinality as subject (id, place)
         join json_array_elements(told.businesses) with ordinality as business (told, place) using (place)
    where f.set_version = live.version and {those}
      and told.state in ('completed', 'confirmed', 'contested') and told.accepted is not false
      and (business.told ->> 'known')::boolean
    group by 1, 2, 3, 4, 5
)
"""
# From the sessions ($1, $2]: what they paid and is not among the visits. What is there is looked at from there.
# Here and below, one is looked up for the other: a page is small, and what it is held against is not.
_MISSING = """
with {held}
select p.subject, p.session from paid p
left join lateral (
    select visits::text from served_business
    where set_version = (select version from live) and subject = p.subject offset 0
) as b on true
where b.visits is null or position(p.session::text in b.visits) = 0
""".replace("{held}", _HELD.replace("{those}", "f.id > $1 and f.id <= $2"))
# From the businesses ($1, $2]: what stands among the visits, in its order, and was not paid like that.
_UNPAID = """
with visit as materialized (
    select b.subject, v.place, (v.told ->> 0)::uuid as session, v.told ->> 1 as office, (v.told ->> 2)::date as day,
           (v.told ->> 3)::bigint as contact_minutes, v.told ->> 4 = '1' as attested
    from served_business b, json_array_elements(b.visits) with ordinality as v (told, place)
    where b.set_version = (select version from read_model_pointer) and b.subject > $1 and b.subject <= $2
), {held}, placed as (
    select v.*, row_number() over (partition by v.subject order by v.day, v.session) as right_place,
           count(*) over (partition by v.subject, v.session) as times
    from visit v
)
select v.subject, v.session,
       concat_ws(' ', v.office, v.day, v.contact_minutes || ' minutes', case when v.attested then 'attested' end)
           as stands,
       concat_ws(' ', p.office, p.day, p.contact_minutes || ' minutes', case when p.attested then 'attested' end)
           as paid,
       v.times, v.place, v.right_place
from placed v left join paid p using (subject, session)
where v.times > 1 or v.place <> v.right_place
   or (v.office, v.day, v.contact_minutes, v.attested)
      is distinct from (p.office, p.day, p.contact_minutes, p.attested)
""".replace("{held}", _HELD.replace("{those}", "f.id = any(array(select session from visit))"))
_OFFICES = """
select b.subject, b.offices, met.offices as met
from served_business b, lateral (
    select coalesce(array_agg(distinct v ->> 1 order by v ->> 1), '{}') as offices
    from json_array_elements(b.visits) as v
) as met
where b.set_version = (select version from read_model_pointer) and b.subject > $1 and b.subject <= $2
  and b.offices <> met.offices
"""
_LAST_SESSION = """
select id from fact_session where set_version = (select version from read_model_pointer) and id > $1
order by id offset $2 limit 1
"""
_LAST_SUBJECT = """
select subject from served_business where set_version = (select version from read_model_pointer) and subject > $1
order by subject offset $2 limit 1
"""

# {those} says which businesses, {period} which of their visits, {whose} which offices these are counted for. A list of
# visits is parsed once.
_VISITS = """
live as (select version from read_model_pointer),
visit as (
    select b.subject, v.told ->> 1 as office, (v.told ->> 2)::date as day, (v.told ->> 3)::bigint as contact_minutes,
           v.told ->> 4 = '1' as attested, v.told ->> 2 = parsed.visits -> 0 ->> 2 as is_first
    from live, served_business b, lateral (select b.visits::jsonb as visits offset 0) as parsed,
         jsonb_array_elements(parsed.visits) as v (told)
    where b.set_version = live.version and {those} and {period}
), weighed as (
    select v.*, sum(contact_minutes) over (partition by subject, extract(year from day)) as minutes_of_year from visit v
), seen as (
    select w.*, whose.office as whose from weighed w, unnest(array[w.office, '*']) as whose (office) where {whose}
)
"""
# $1: an office, none for all; $2: a year, none for all.
_IN_YEAR = """($2::text is null or b.visits::text like '%"' || $2 || '-%' and v.told ->> 2 like $2 || '-%')"""
_OF_OFFICE = (
    _VISITS.replace("{those}", "($1::text is null or b.offices @> array[$1])")
    .replace("{period}", _IN_YEAR)
    .replace("{whose}", "($1::text is null or whose.office = $1)")
)
# $1: a year, none for all. Of a business that came to one office only, the province counts what that office does.
_ELSEWHERE = (
    _VISITS.replace("{those}", "cardinality(b.offices) > 1")
    .replace("{period}", _IN_YEAR.replace("$2", "$1"))
    .replace("{whose}", "true")
)
# Businesses ($1, $2].
_OF_SUBJECTS = (
    _VISITS.replace("{those}", "b.subject > $1 and b.subject <= $2")
    .replace("{period}", "true")
    .replace("{whose}", "true")
)
_COUNTED = """
dated as (
    select s.*, grain,
           case grain when 'all' then date '2000-01-01' else date_trunc(grain, day::timestamp)::date end as starts
    from seen s, unnest({grains}::text[]) as grain
), counted as (
    select whose as office, grain, starts, subject, bool_or(attested) as attested, bool_or(is_first) as newly,
           grain = 'year' and max(minutes_of_year) >= 300 as intensive
    from dated group by 1, 2, 3, 4
)
"""
# $3: grains.
_SERVED = """
with {visits}, {counted}, expected as (
    select office, grain, starts, array[
        count(*), count(*) filter (where attested), count(*) filter (where newly), count(*) filter (where intensive)
    ]::bigint[] as amounts
    from counted group by 1, 2, 3
), stands as (
    select office, grain, starts,
           array[sum(served), sum(attested), sum(newly_served), sum(intensive)]::bigint[] as amounts
    from businesses_served, live
    where set_version = live.version and ($1::text is null or office = $1) and grain = any($3::text[])
      and ($2::text is null or extract(year from starts) = $2::int)
    group by 1, 2, 3
)
select office, grain, starts, coalesce(s.amounts, array[0, 0, 0, 0]) as stands,
       coalesce(e.amounts, array[0, 0, 0, 0]) as expected
from expected e full join stands s using (office, grain, starts)
where coalesce(s.amounts, array[0, 0, 0, 0]) <> coalesce(e.amounts, array[0, 0, 0, 0])
""".replace("{visits}", _OF_OFFICE).replace("{counted}", _COUNTED.replace("{grains}", "$3"))
# $2: grains. What the offices count together, less what they count more than once.
_PROVINCE = """
with {visits}, {counted}, summed as (
    select grain, starts, false as is_province, served, attested, newly_served, intensive
    from businesses_served, live
    where set_version = live.version and office <> '*' and grain = any($2::text[])
      and ($1::text is null or extract(year from starts) = $1::int)
    union all
    select grain, starts, false, sign, sign * attested::int, sign * newly::int, sign * intensive::int
    from counted, lateral (select case office when '*' then 1 else -1 end as sign) as signed
    union all
    select grain, starts, true, served, attested, newly_served, intensive
    from businesses_served, live
    where set_version = live.version and office = '*' and grain = any($2::text[])
      and ($1::text is null or extract(year from starts) = $1::int)
), rows as (
    select grain, starts, is_province,
           array[sum(served), sum(attested), sum(newly_served), sum(intensive)]::bigint[] as amounts
    from summed group by 1, 2, 3
)
select grain, starts, coalesce(s.amounts, array[0, 0, 0, 0]) as stands,
       coalesce(e.amounts, array[0, 0, 0, 0]) as expected
from (select * from rows where not is_province) e
full join (select * from rows where is_province) s using (grain, starts)
""".replace("{visits}", _ELSEWHERE).replace("{counted}", _COUNTED.replace("{grains}", "$2"))
_INTENSIVE = """
with {visits}, expected as (
    select whose as office, extract(year from day)::smallint as year, subject, max(minutes_of_year) as contact_minutes
    from seen group by 1, 2, 3 having max(minutes_of_year) >= 300
), stands as (
    select office, year, subject, contact_minutes::bigint from intensive_business, live
    where set_version = live.version and subject > $1 and subject <= $2
)
select office, year, subject, s.contact_minutes as stands, e.contact_minutes as expected
from expected e full join stands s using (office, year, subject)
where s.contact_minutes is distinct from e.contact_minutes
""".replace("{visits}", _OF_SUBJECTS)

_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=2**128 - 1)


async def compare(readers: Readers, doubted: Collection[str], stored: int) -> AsyncIterator[list[Finding]]:
    """Yields, range by range, what is wrong with visits, with the counts of businesses, and with intensive ones.

    `doubted`: businesses of facts that are not what the history says. Their visits are not judged: which of the two is
    wrong is told of the fact.
    """
    async for page in _pages(readers, _LAST_SESSION):
        rows = await _fetch(readers, _MISSING, *page)
        yield [_missing(row) for row in rows if str(row["subject"]) not in doubted]
    async for page in _pages(readers, _LAST_SUBJECT):
        rows = await _fetch(readers, _UNPAID, *page)
        yield [_wrong(row) for row in rows if str(row["subject"]) not in doubted]
        yield [_other_offices(row) for row in await _fetch(readers, _OFFICES, *page)]
    async for page in _pages(readers, _LAST_SUBJECT, _INTENSIVE_PAGE):
        yield [_intensive(row) for row in await _fetch(readers, _INTENSIVE, *page)]
    async for findings in _counts(readers, stored):
        yield findings


async def _counts(readers: Readers, stored: int) -> AsyncIterator[list[Finding]]:
    """Office by office; then the province by its offices, for all its visits together are too many for an instant."""
    offices, periods = await ranges.of_visits(readers, stored)
    astray: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0] * len(_AMOUNTS))
    for office in offices:
        for period in periods:
            for row in await _fetch(readers, _SERVED, office, period.year, period.grains):
                yield _counted(row["office"], row, row["expected"])
                told = astray[row["grain"], row["starts"]]
                told[:] = [sum(each) for each in zip(told, row["expected"], map(neg, row["stands"]), strict=True)]
    if None in offices:
        return
    for period in periods:
        for row in await _fetch(readers, _PROVINCE, period.year, period.grains):
            known = astray.get((row["grain"], row["starts"]), [0] * len(_AMOUNTS))
            right = tuple(map(sum, zip(row["expected"], known, strict=True)))
            if tuple(row["stands"]) != right:
                yield _counted("*", row, right)


def _counted(office: str, row: Any, right: Sequence[int]) -> list[Finding]:  # noqa: ANN401  asyncpg's
    where = f"businesses_served {office} {row['grain']} {row['starts']}"
    return list(named(where, _AMOUNTS, tuple(row["stands"]), tuple(right)))


async def _fetch(readers: Readers, statement: str, *arguments: Any) -> Any:  # noqa: ANN401
    async with readers.instant("reporting") as connection:
        return await connection.fetch(statement, *arguments)


async def _pages(readers: Readers, last_of_page: str, size: int = _PAGE) -> AsyncIterator[tuple[UUID, UUID]]:
    """Yields ranges of ids that hold so many rows or fewer; the last of them has no end."""
    first = _FIRST_ID
    while rows := await _fetch(readers, last_of_page, first, size - 1):
        yield first, rows[0][0]
        first = rows[0][0]
    yield first, _LAST_ID


def _missing(row: Any) -> Finding:  # noqa: ANN401  asyncpg's
    return Finding(Kind.DIFFERING, _visit(row), "it was held, and is not among the visits", CURE)


def _wrong(row: Any) -> Finding:  # noqa: ANN401
    if row["times"] > 1:
        return Finding(Kind.TWICE, _visit(row), f"it stands {row['times']} times among the visits", CURE)
    if row["stands"] == row["paid"]:
        told = f"place {row['place']}, by day and session it is {row['right_place']}"
    else:
        told = f"{row['stands']}; the session says {row['paid'] or 'that there was none'}"
    return Finding(Kind.DIFFERING, _visit(row), told, CURE)


def _visit(row: Any) -> str:  # noqa: ANN401
    return f"reporting.served_business {row['subject']} session {row['session']}"


def _other_offices(row: Any) -> Finding:  # noqa: ANN401
    told = f"offices {row['offices']}, its visits were at {row['met']}"
    return Finding(Kind.DIFFERING, f"reporting.served_business {row['subject']}", told, CURE)


def _intensive(row: Any) -> Finding:  # noqa: ANN401
    where = f"reporting.intensive_business {row['office']} {row['year']} {row['subject']}"
    stands, expected = (
        "no row" if minutes is None else f"{minutes} contact minutes" for minutes in (row["stands"], row["expected"])
    )
    return Finding(Kind.DIFFERING, where, f"{stands}; by the visits of that year {expected}", CURE)
