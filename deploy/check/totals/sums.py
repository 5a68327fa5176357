"""Totals that are sums over single facts, against those sums: one statement each, over the facts of one instant.

What the province has of all offices together is held against the offices' rows, as they ought to be.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from deploy.check.findings import Finding, Kind
from deploy.check.reader import Readers
from deploy.check.totals import ranges
from deploy.check.totals.ranges import Span
from deploy.check.totals.suspects import Key, Suspect, corrections

CURE = "Run `plut rebuild reporting`: it builds the read models anew beside these, compares and switches."

# Facts of a range, by the columns that they are listed under; that these are right is proven with the facts.
# $1, $2: offices; $3, $4: days.
_SESSIONS = """
session as (
    select f.id, f.office, f.day, f.subjects, told.*,
           told.state in ('completed', 'confirmed', 'contested') as held
    from live, fact_session f, json_to_record(f.state) as told (
        state text, accepted boolean, imported boolean, field text, service text, channel text, consultants json,
        businesses json, contact_minutes bigint, preparation_minutes bigint, travel_minutes bigint
    )
    where f.set_version = live.version and f.office >= $1 and f.office < $2 and f.day >= $3 and f.day < $4
      and told.accepted is not false
)
"""
# $1, $2: offices; $3, $4: region codes.
_BUSINESSES = """
business as (
    select f.kelurahan, f.home_office, f.day, told.status, told.closed_on, kinds.kind
    from live, fact_business f, json_to_record(f.state) as told (kinds json, status text, closed_on date),
         lateral (select '*' as kind union select json_array_elements_text(told.kinds)) as kinds
    where f.set_version = live.version and f.home_office >= $1 and f.home_office < $2
      and f.kelurahan >= $3 and f.kelurahan < $4 and f.subjects[1] = f.id
)
"""
_ACTIVITY = """
activity as (
    select s.office, s.day, 0 as registrations, (state = 'scheduled')::int as scheduled,
           held::int as sessions, (state = 'confirmed')::int as confirmed, (state = 'contested')::int as contested,
           (held and coalesce(imported, false))::int as imported,
           (state = 'cancelled')::int as cancelled, (state = 'no_show')::int as no_show,
           case when not held then 0 when json_array_length(s.businesses) = 1
                then (s.businesses -> 0 ->> 'known')::boolean::int
                else (select count(distinct subject.id)
                      from unnest(s.subjects) with ordinality as subject (id, place)
                      join json_array_elements(s.businesses) with ordinality as business (told, place) using (place)
                      where (business.told ->> 'known')::boolean) end as visits,
           case when held then contact_minutes else 0 end as contact_minutes,
           case when held then preparation_minutes else 0 end as preparation_minutes,
           case when held then travel_minutes else 0 end as travel_minutes,
           case when state = 'confirmed' then contact_minutes else 0 end as confirmed_contact_minutes,
           case when state = 'confirmed' then preparation_minutes else 0 end as confirmed_preparation_minutes,
           case when state = 'confirmed' then travel_minutes else 0 end as confirmed_travel_minutes
    from session s
    union all
    select f.office, f.day, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from live, fact_business f
    where f.set_version = live.version and f.office >= $1 and f.office < $2 and f.day >= $3 and f.day < $4
      and f.subjects[1] = f.id
), moved as (select grain, date_trunc(grain, day::timestamp)::date as starts, a.* from activity a, {grains})
"""
_SERVICE = """
moved as (
    select grain, date_trunc(grain, day::timestamp)::date as starts, s.*,
           1 as sessions, (state = 'confirmed')::int as confirmed,
           case when state = 'confirmed' then contact_minutes else 0 end as confirmed_contact_minutes
    from session s, {grains}
    where held
)
"""
_PROVINCE = """
moved as (
    select '*' as office, s.grain, s.starts, s.field, s.service, s.channel, s.sessions, s.confirmed, s.contact_minutes,
           s.preparation_minutes, s.travel_minutes, s.confirmed_contact_minutes
    from live, sessions_by_service s
    where s.set_version = live.version and s.office >= $1 and s.office < $2 and s.grain <> 'day'
      and s.starts >= $3 and s.starts < $4
)
"""
_LOAD = """
moved as (
    select s.*, named.consultant, date_trunc('month', s.day::timestamp)::date as month, 1 as sessions,
           (state = 'confirmed')::int as confirmed, (state = 'contested')::int as contested
    from session s, lateral (select distinct json_array_elements_text(s.consultants)::uuid) as named (consultant)
    where held
)
"""
_REGION = """
moved as (
    select p.level, left(b.kelurahan, p.length) as region, b.*, 1 as businesses
    from business b, (values ('regency', 5), ('district', 8), ('village', 13)) as p (level, length)
)
"""
_STOCK = """
moved as (
    select left(b.kelurahan, 5) as regency, b.*, date_trunc('month', b.day::timestamp)::date as month,
           1 as registered, 0 as closed
    from business b
    union all
    select left(b.kelurahan, 5), b.*, date_trunc('month', b.closed_on::timestamp)::date, 0, 1
    from business b where b.status = 'closed' and b.closed_on is not null
)
"""
_DIFFERING = """
with live as (select version from read_model_pointer),
{facts},
expected as (select {key}, array[{sums}]::bigint[] as amounts from moved group by {key}),
stands as (
    select {key}, array[{sums}]::bigint[] as amounts
    from {table}, live where set_version = live.version and {within} group by {key}
)
select array[{texts}] as key,
       coalesce(s.amounts, {zeros}) as stands, coalesce(e.amounts, {zeros}) as expected
from expected e full join stands s using ({key})
where coalesce(s.amounts, {zeros}) <> coalesce(e.amounts, {zeros})
"""


Amounts = tuple[int, ...]
Corrections = Mapping[Key, Mapping[str, int]]


@dataclass(frozen=True)
class Total:
    """A table of totals. `facts`: what moves it in a range; `within`: its own rows of that range."""

    table: str
    key: tuple[str, ...]
    amounts: tuple[str, ...]
    facts: str
    within: str

    @cached_property
    def differing(self) -> str:
        """The statement that finds the rows of a range that are not the sums of its facts."""
        zeros = f"array[{', '.join('0' for _ in self.amounts)}]::bigint[]"
        return _DIFFERING.format(
            table=self.table,
            facts=self.facts.format(grains="unnest(array['day', 'month', 'year']) as grain"),
            within=self.within,
            key=", ".join(self.key),
            texts=", ".join(f"{column}::text" for column in self.key),
            sums=", ".join(f"sum({amount})" for amount in self.amounts),
            zeros=zeros,
        )


_IN_OFFICES = "office >= $1 and office < $2"
_MINUTES = ("contact_minutes", "preparation_minutes", "travel_minutes")

_BY_SERVICE = Total(
    table="sessions_by_service",
    key=("office", "grain", "starts", "field", "service", "channel"),
    amounts=("sessions", "confirmed", *_MINUTES, "confirmed_contact_minutes"),
    facts=f"{_SESSIONS}, {_SERVICE}",
    within=f"{_IN_OFFICES} and starts >= $3 and starts < $4",
)
OF_ACTIVITY = (
    Total(
        table="office_activity",
        key=("office", "grain", "starts"),
        amounts=(
            "registrations",
            "scheduled",
            "sessions",
            "confirmed",
            "contested",
            "imported",
            "cancelled",
            "no_show",
            "visits",
            *_MINUTES,
            *(f"confirmed_{minutes}" for minutes in _MINUTES),
        ),
        facts=f"{_SESSIONS}, {_ACTIVITY}",
        within=f"{_IN_OFFICES} and starts >= $3 and starts < $4",
    ),
    _BY_SERVICE,
    Total(
        table="consultant_load",
        key=("office", "consultant", "month"),
        amounts=("sessions", "confirmed", "contested", *_MINUTES),
        facts=f"{_SESSIONS}, {_LOAD}",
        within=f"{_IN_OFFICES} and month >= $3 and month < $4",
    ),
)
# Sets that were begun with rules before these have no such rows.
_PROVINCE_SINCE = 3
OF_PROVINCE = Total(
    table="sessions_in_province",
    key=_BY_SERVICE.key,
    amounts=_BY_SERVICE.amounts,
    facts=_PROVINCE,
    within="starts >= $3 and starts < $4",
)
OF_BUSINESSES = (
    Total(
        table="businesses_by_region",
        key=("level", "region", "home_office", "kind", "status"),
        amounts=("businesses",),
        facts=f"{_BUSINESSES}, {_REGION}",
        within="home_office >= $1 and home_office < $2 and region >= $3 and region < $4",
    ),
    Total(
        table="businesses_over_time",
        key=("regency", "home_office", "kind", "month"),
        amounts=("registered", "closed"),
        facts=f"{_BUSINESSES}, {_STOCK}",
        within="home_office >= $1 and home_office < $2 and regency >= $3 and regency < $4",
    ),
)


class Wrong(NamedTuple):
    """A row that says what it ought not to."""

    key: Key
    stands: Amounts
    right: Amounts


async def compare(
    readers: Readers, suspects: Sequence[Suspect], stored: int, rules: int
) -> AsyncIterator[list[Finding]]:
    """Yields, range by range, the totals that are not the sums of their facts; `stored` tells how many there may be.

    `rules`: those of the live set.
    """
    provincial: dict[Key, Counter[str]] = defaultdict(Counter)
    for totals, places in (
        (OF_ACTIVITY, await ranges.of_offices_and_years(readers, stored)),
        (OF_BUSINESSES, await ranges.of_offices_and_regencies(readers, stored)),
    ):
        for total in totals:
            corrected = corrections(total.table, suspects)
            for office, span in places:
                wrong = await _wrong(readers, total, corrected, office, span)
                if total is _BY_SERVICE:
                    _note(provincial, wrong)
                yield _findings(total, wrong)
    if rules >= _PROVINCE_SINCE:
        for offices, span in await ranges.of_years(readers, stored):
            yield _findings(OF_PROVINCE, await _wrong(readers, OF_PROVINCE, provincial, offices, span))


def _note(provincial: dict[Key, Counter[str]], wrong: Sequence[Wrong]) -> None:
    """Notes what the province's rows would have beyond the offices', if those were right."""
    for (_, *about), stands, right in wrong:
        for name, is_, ought in zip(_BY_SERVICE.amounts, stands, right, strict=True):
            provincial["*", *about][name] += ought - is_


async def _wrong(readers: Readers, total: Total, corrected: Corrections, office: Span, span: Span) -> list[Wrong]:
    async with readers.instant("reporting") as connection:
        rows = await connection.fetch(total.differing, office.first, office.until, span.first, span.until)
    found = []
    for row in rows:
        key, stands, expected = tuple(row["key"]), tuple(row["stands"]), tuple(row["expected"])
        moved = corrected.get(key, {})
        right = tuple(sum_ + moved.get(name, 0) for name, sum_ in zip(total.amounts, expected, strict=True))
        if stands != right:
            found.append(Wrong(key, stands, right))
    return found


def _findings(total: Total, wrong: Sequence[Wrong]) -> list[Finding]:
    return [
        finding
        for key, stands, right in wrong
        for finding in named(f"{total.table} {' '.join(key)}", total.amounts, stands, right)
    ]


def named(where: str, names: Sequence[str], stands: Amounts, right: Amounts) -> Iterator[Finding]:
    """Yields what is wrong with a row of totals: it differs, and what is above the sum was counted twice."""
    amounts = list(zip(names, stands, right, strict=True))
    told = "; ".join(f"{name} is {is_}, the sum is {ought}" for name, is_, ought in amounts if is_ != ought)
    yield Finding(Kind.DIFFERING, f"reporting.{where}", told, CURE)
    if any(is_ > ought for _, is_, ought in amounts):
        yield Finding(Kind.TWICE, f"reporting.{where}", f"above the sum: {told}", CURE)
