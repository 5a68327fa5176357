"""Given events, however often they are delivered and in whatever order, then the tables are what their stories say."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

import pytest
import pytest_asyncio

from shared.clock import business_day
from shared.contracts.catalogue import AnyEvent
from shared.postgres import Pool
from tests.infrastructure import databases
from tests.infrastructure.databases import Template
from tests.support.histories import BATU, MAJA, Business, Session, called
from tests.support.read_models import Expected, apply, as_written, begin_anew, found
from tests.support.recomputation import recompute
from tests.support.reporting_events import NOW


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(template: Template) -> AsyncIterator[Pool]:
    """One database for all stories: each begins anew."""
    own = await template.clone()
    yield await own.pool("reporting", "worker", size=3)
    await databases.drop(own)


@dataclass
class Given:
    """Events that were told, each service's in its order. `aliases`: businesses that turned out to be another one."""

    pool: Pool
    events: Sequence[AnyEvent]
    aliases: Mapping[UUID, UUID]

    async def then(self, **tables: Expected) -> None:
        """Delivers them in many ways; after each the tables are exactly these rows, in the periods that they name.

        A period is written as people do: 2024, 2024-Q2, 2024-05, 2024-05-17, or all. Amounts of 0 are left out.
        """
        for deliver in (_in_order, _one_by_one, _backwards_and_again, _shuffled, _by_two_at_once):
            await begin_anew(self.pool)
            for alias, subject in self.aliases.items():
                await self.pool.execute("insert into subject_alias values (1, $1, $2)", alias, subject)
            await deliver(self.pool, self.events)
            stands = await found(self.pool)
            assert stands == recompute(self.events, NOW, self.aliases), deliver
            for table, rows in tables.items():
                assert as_written(table, stands.get(table, {}), rows) == rows, (table, deliver)


Giver = Callable[..., Given]


@pytest.fixture
def given(pool: Pool) -> Giver:
    def give(*events: AnyEvent, same: Mapping[str, str] | None = None) -> Given:
        return Given(pool, events, {called(alias): called(subject) for alias, subject in (same or {}).items()})

    return give


async def _in_order(pool: Pool, events: Sequence[AnyEvent]) -> None:
    await apply(pool, events, len(events))


async def _one_by_one(pool: Pool, events: Sequence[AnyEvent]) -> None:
    await apply(pool, list(chain.from_iterable(zip(events, events, strict=True))), 1)


async def _backwards_and_again(pool: Pool, events: Sequence[AnyEvent]) -> None:
    await apply(pool, events[::-1], 2)
    await apply(pool, events, 3)


async def _shuffled(pool: Pool, events: Sequence[AnyEvent]) -> None:
    for seed in range(3):
        twice = [*events, *events]
        random.Random(seed).shuffle(twice)  # noqa: S311
        await apply(pool, twice, 1 + seed)


async def _by_two_at_once(pool: Pool, events: Sequence[AnyEvent]) -> None:
    """Each has aggregates of its own, as members of a group have; a business may be in the sessions of both."""
    aggregates = list(dict.fromkeys(one.aggregate_id for one in events))
    shares = [[one for one in events if aggregates.index(one.aggregate_id) % 2 == member] for member in (0, 1)]
    await asyncio.gather(*(apply(pool, [*share, *share], 1) for share in shares))


HOUR = {"contact_minutes": 60, "preparation_minutes": 15, "travel_minutes": 10}
HELD = {"sessions": 1, "visits": 1, **HOUR}
CONFIRMED = {**HELD, "confirmed": 1, **{f"confirmed_{name}": minutes for name, minutes in HOUR.items()}}


# Sessions: late, corrected, cancelled, contested


async def test_a_late_session_counts_on_the_day_it_was_held(given: Giver) -> None:
    """It was recorded after the summer; another one of the same business was held meanwhile."""
    late, meanwhile = Session("late", "A", on="2024-03-31"), Session("meanwhile", "A", on="2024-07-01")
    await given(meanwhile.completed(), late.completed()).then(
        office_activity={(MAJA, "2024-03-31"): HELD, (MAJA, "2024-07-01"): HELD},
        businesses_served={
            (MAJA, "2024-Q1"): {"served": 1, "newly_served": 1},
            (MAJA, "2024-Q3"): {"served": 1},
            ("*", "2024-Q1"): {"served": 1, "newly_served": 1},
            ("*", "2024-Q3"): {"served": 1},
        },
    )


async def test_a_correction_of_the_day_takes_the_minutes_with_it(given: Giver) -> None:
    told = Session("one", "A", on="2024-06-30")
    await given(told.completed(), told.corrected(day="2024-07-01", contact_minutes=90)).then(
        office_activity={(MAJA, "2024-07-01"): {**HELD, "contact_minutes": 90}},
        sessions_by_service={
            (MAJA, "2024", "marketing", "business_mentoring", "office_visit"): {
                "sessions": 1,
                **HOUR,
                "contact_minutes": 90,
            }
        },
        consultant_load={
            (MAJA, called("consultant"), "2024-07"): {"sessions": 1, **HOUR, "contact_minutes": 90},
        },
        businesses_served={
            (MAJA, "2024-Q3"): {"served": 1, "newly_served": 1},
            ("*", "2024-Q3"): {"served": 1, "newly_served": 1},
        },
    )


async def test_a_correction_of_the_minutes_of_one_office_moves_no_other(given: Giver) -> None:
    maja, batu = Session("maja", "A"), Session("batu", "A", at=BATU)
    await given(maja.completed(), batu.completed(), maja.corrected(travel_minutes=0, field="finance")).then(
        office_activity={
            (MAJA, "2024"): {"sessions": 1, "visits": 1, "contact_minutes": 60, "preparation_minutes": 15},
            (BATU, "2024"): HELD,
        },
        sessions_by_service={
            (MAJA, "2024", "finance", "business_mentoring", "office_visit"): {
                "sessions": 1,
                "contact_minutes": 60,
                "preparation_minutes": 15,
            },
            (BATU, "2024", "marketing", "business_mentoring", "office_visit"): {"sessions": 1, **HOUR},
        },
        sessions_in_province={
            ("*", "2024", "finance", "business_mentoring", "office_visit"): {
                "sessions": 1,
                "contact_minutes": 60,
                "preparation_minutes": 15,
            },
            ("*", "2024", "marketing", "business_mentoring", "office_visit"): {"sessions": 1, **HOUR},
        },
    )


async def test_what_two_offices_do_adds_up_in_the_province(given: Giver) -> None:
    maja, batu = Session("maja", "A"), Session("batu", "A", at=BATU, on="2024-06-30")
    about = ("marketing", "business_mentoring", "office_visit")
    twice = {name: 2 * amount for name, amount in HOUR.items()}
    await given(maja.completed(), batu.completed(), maja.corrected(day="2024-06-01")).then(
        sessions_by_service={
            (MAJA, "2024-06", *about): {"sessions": 1, **HOUR},
            (BATU, "2024-06", *about): {"sessions": 1, **HOUR},
        },
        sessions_in_province={("*", "2024-06", *about): {"sessions": 2, **twice}},
    )


async def test_a_correction_of_the_businesses_serves_the_right_ones(given: Giver) -> None:
    told = Session("one", "A", "B")
    await given(told.completed(), told.corrected("B", "C", "D")).then(
        office_activity={(MAJA, "2024"): {**HELD, "visits": 3}},
        businesses_served={
            (MAJA, "all"): {"served": 3, "newly_served": 3},
            ("*", "all"): {"served": 3, "newly_served": 3},
        },
    )


@pytest.mark.parametrize("no_show", [False, True])
async def test_a_cancelled_session_serves_nobody(given: Giver, *, no_show: bool) -> None:
    told = Session("one", "A")
    await given(told.scheduled(), told.completed(), told.cancelled(no_show=no_show)).then(
        office_activity={(MAJA, "2024-05"): {"no_show" if no_show else "cancelled": 1}},
        sessions_by_service={},
        consultant_load={},
        businesses_served={},
    )


async def test_a_plan_counts_on_its_day_until_it_is_held(given: Giver) -> None:
    plan, held = Session("plan", "A", on="2024-12-31"), Session("held", "A", on="2024-12-30")
    await given(plan.scheduled(), held.scheduled(), held.completed()).then(
        office_activity={(MAJA, "2024-12-31"): {"scheduled": 1}, (MAJA, "2024-12-30"): HELD},
        businesses_served={
            (MAJA, "2024"): {"served": 1, "newly_served": 1},
            ("*", "2024"): {"served": 1, "newly_served": 1},
        },
    )


async def test_a_contested_session_was_held_and_is_confirmed_once_both_agree(given: Giver) -> None:
    open_, agreed = Session("open", "A"), Session("agreed", "B")
    await given(
        open_.completed(),
        open_.contested(),
        agreed.completed(),
        agreed.contested(),
        agreed.corrected(),
        agreed.confirmed(),
    ).then(
        office_activity={
            (MAJA, "2024"): {
                **{name: 2 * amount for name, amount in HELD.items()},
                **{name: amount for name, amount in CONFIRMED.items() if name.startswith("confirmed")},
                "contested": 1,
            }
        },
        businesses_served={
            (MAJA, "2024"): {"served": 2, "attested": 1, "newly_served": 2},
            ("*", "2024"): {"served": 2, "attested": 1, "newly_served": 2},
        },
    )


async def test_a_confirmed_session_that_is_contested_after_all_is_confirmed_no_more(given: Giver) -> None:
    told = Session("one", "A")
    await given(told.completed(), told.confirmed(), told.contested()).then(
        office_activity={(MAJA, "2024"): {**HELD, "contested": 1}},
    )


async def test_each_business_attests_for_itself(given: Giver) -> None:
    told = Session("one", "A", "B", "C")
    await given(told.completed(), told.attested_by("A", "C").corrected()).then(
        office_activity={(MAJA, "2024"): {**HELD, "visits": 3}},
        businesses_served={
            (MAJA, "2024-05-17"): {"served": 3, "attested": 2, "newly_served": 3},
            ("*", "2024-05-17"): {"served": 3, "attested": 2, "newly_served": 3},
        },
    )


async def test_an_imported_session_counts_once_it_is_accepted(given: Giver) -> None:
    waiting, accepted = Session("waiting", "A"), Session("accepted", "B")
    await given(waiting.imported(), accepted.imported(), accepted.accepted()).then(
        office_activity={(MAJA, "2024"): {**HELD, "imported": 1}},
        consultant_load={(MAJA, called("consultant"), "2024-05"): {"sessions": 1, **HOUR}},
        businesses_served={
            (MAJA, "2024"): {"served": 1, "newly_served": 1},
            ("*", "2024"): {"served": 1, "newly_served": 1},
        },
    )


async def test_a_business_that_was_unknown_is_served_once_it_is_known(given: Giver) -> None:
    known_later, never = Session("known later", "A", "B"), Session("never", "C")
    await given(known_later.completed(unknown=("B",)), known_later.resolved(), never.completed(unknown=("C",))).then(
        office_activity={
            (MAJA, "2024"): {"sessions": 2, "visits": 2, **{name: 2 * all_ for name, all_ in HOUR.items()}}
        },
        businesses_served={
            (MAJA, "2024"): {"served": 2, "newly_served": 2},
            ("*", "2024"): {"served": 2, "newly_served": 2},
        },
    )


async def test_a_session_counts_in_full_for_each_of_its_consultants(given: Giver) -> None:
    told = Session("one", "A", "B", consultants=[str(called("Ani")), str(called("Budi")), str(called("Ani"))])
    await given(told.completed(), told.confirmed()).then(
        consultant_load={
            (MAJA, called(name), "2024-05"): {"sessions": 1, "confirmed": 1, **HOUR} for name in ("Ani", "Budi")
        },
        office_activity={(MAJA, "2024"): {**CONFIRMED, "visits": 2}},
    )


# Businesses: closed, reopened, moved, another one


async def test_a_business_is_registered_by_the_office_that_did_it_wherever_it_moves(given: Giver) -> None:
    moved = Business("moved", at=MAJA, on="2024-01-02")
    await given(moved.registered(), moved.moved(BATU)).then(
        office_activity={(MAJA, "2024-01-02"): {"registrations": 1}},
        businesses_by_region={
            (level, code, BATU, kind, "active"): {"businesses": 1}
            for level, code in (("regency", BATU), ("district", f"{BATU}.02"), ("village", f"{BATU}.02.1002"))
            for kind in ("*", "umkm")
        },
        businesses_over_time={(BATU, BATU, kind, "2024-01"): {"registered": 1} for kind in ("*", "umkm")},
    )


async def test_a_business_of_before_the_office_was_told_counts_for_its_home(given: Giver) -> None:
    old = Business("old", at=BATU, registered_by=None)
    await given(old.registered()).then(office_activity={(BATU, "2024"): {"registrations": 1}})


async def test_a_closed_business_is_no_stock_until_it_is_reopened(given: Giver) -> None:
    shut, again = Business("shut", on="2023-12-31"), Business("again", on="2024-01-01")
    await given(
        shut.registered(), shut.closed("2024-02-29"), again.registered(), again.closed("2024-02-01"), again.reopened()
    ).then(
        businesses_over_time={
            (MAJA, MAJA, kind, month): amounts
            for kind in ("*", "umkm")
            for month, amounts in (
                ("2023-12", {"registered": 1}),
                ("2024-01", {"registered": 1}),
                ("2024-02", {"closed": 1}),
            )
        },
        office_activity={(MAJA, "2023"): {"registrations": 1}, (MAJA, "2024"): {"registrations": 1}},
    )


async def test_a_business_counts_under_each_of_its_kinds_and_once_under_any(given: Giver) -> None:
    both = Business("both", kinds=["umkm"])
    await given(both.registered(), both.corrected(kinds=["ikm", "cooperative"])).then(
        businesses_over_time={(MAJA, MAJA, kind, "2024-01"): {"registered": 1} for kind in ("*", "ikm", "cooperative")},
    )


async def test_two_that_are_one_business_are_counted_once(given: Giver) -> None:
    one, twin = Business("one"), Business("twin", at=BATU)
    both, before = Session("both", "one", "twin"), Session("before", "twin", at=BATU, on="2024-01-05")
    await given(
        one.registered(), twin.registered(), both.completed(), before.completed(), both.attested_by("twin").corrected(),
        same={"twin": "one"},
    ).then(
        office_activity={(MAJA, "2024"): {**HELD, "registrations": 1}, (BATU, "2024"): HELD},
        businesses_served={
            (MAJA, "2024"): {"served": 1, "attested": 1},
            (BATU, "2024"): {"served": 1, "newly_served": 1},
            ("*", "2024"): {"served": 1, "attested": 1, "newly_served": 1},
        },
    )  # fmt: skip


# Two offices, one business


async def test_a_business_is_new_once_in_the_province_and_returns_to_the_other_office(given: Giver) -> None:
    first, second = Session("first", "A", at=BATU, on="2024-04-30"), Session("second", "A", on="2024-05-02")
    await given(second.completed(), first.completed()).then(
        businesses_served={
            (BATU, "2024-Q2"): {"served": 1, "newly_served": 1},
            (MAJA, "2024-Q2"): {"served": 1},
            ("*", "2024-Q2"): {"served": 1, "newly_served": 1},
            (BATU, "2024-04"): {"served": 1, "newly_served": 1},
            (MAJA, "2024-05"): {"served": 1},
            ("*", "2024-04"): {"served": 1, "newly_served": 1},
            ("*", "2024-05"): {"served": 1},
        },
    )


async def test_a_business_is_new_to_both_offices_that_met_it_on_its_first_day(given: Giver) -> None:
    await given(Session("maja", "A").completed(), Session("batu", "A", at=BATU).completed()).then(
        businesses_served={(office, "2024-05-17"): {"served": 1, "newly_served": 1} for office in (MAJA, BATU, "*")},
    )


async def test_when_the_first_session_moves_another_one_becomes_the_first(given: Giver) -> None:
    moved, other = Session("moved", "A", on="2024-01-31"), Session("other", "A", at=BATU, on="2024-03-01")
    await given(moved.completed(), other.completed(), moved.corrected(day="2024-04-01")).then(
        businesses_served={
            (BATU, "2024-Q1"): {"served": 1, "newly_served": 1},
            (MAJA, "2024-Q2"): {"served": 1},
            ("*", "2024-Q1"): {"served": 1, "newly_served": 1},
            ("*", "2024-Q2"): {"served": 1},
        },
    )


async def test_five_hours_of_two_offices_are_intensive_for_both(given: Giver) -> None:
    maja, batu = Session("maja", "A", contact_minutes=150), Session("batu", "A", at=BATU, contact_minutes=150)
    await given(maja.completed(), batu.completed()).then(
        businesses_served={
            (office, "2024"): {"served": 1, "newly_served": 1, "intensive": 1} for office in (MAJA, BATU, "*")
        },
        intensive_business={(office, 2024, called("A")): {"contact_minutes": 300} for office in (MAJA, BATU, "*")},
    )


async def test_a_minute_less_is_not_nor_are_minutes_of_the_road_or_of_another_year(given: Giver) -> None:
    """4:59 of contact; and five hours of which one lies after the turn of the year."""
    short = Session("short", "A", contact_minutes=299, preparation_minutes=60, travel_minutes=120)
    old, new = (
        Session(day, "B", on=day, contact_minutes=minutes) for day, minutes in (("2023-12-31", 240), ("2024-01-01", 60))
    )
    await given(short.completed(), old.completed(), new.completed()).then(
        businesses_served={
            (office, year): amounts
            for office in (MAJA, "*")
            for year, amounts in (
                ("2023", {"served": 1, "newly_served": 1}),
                ("2024", {"served": 2, "newly_served": 1}),
            )
        },
        intensive_business={},
    )


async def test_mentoring_is_intensive_no_more_once_its_minutes_are_corrected(given: Giver) -> None:
    one, other = Session("one", "A", contact_minutes=200), Session("other", "A", at=BATU, contact_minutes=100)
    await given(one.completed(), other.completed(), other.corrected(contact_minutes=99)).then(intensive_business={})


# Latest activity


async def test_what_happened_in_the_last_weeks_is_listed_once(given: Giver) -> None:
    told, old = Session("told", "A"), Session("old", "B")
    held, long_ago = told.completed(), old.completed()
    border = long_ago.model_copy(update={"occurred_at": NOW - timedelta(days=30)})
    within = old.confirmed().model_copy(update={"occurred_at": NOW - timedelta(days=30) + timedelta(seconds=1)})
    await given(held, border, within).then(
        happening={(one.event_id, one.type, one.aggregate_id, MAJA): {"version": one.version} for one in (held, within)}
    )


# The calendar


async def test_half_past_one_in_the_new_year_belongs_to_it(given: Giver) -> None:
    """2023-12-31T18:30Z is 1:30 on 1 January in WIB; half past midnight by Greenwich is no border."""
    held = business_day(datetime.fromisoformat("2023-12-31T18:30:00+00:00"))
    before = business_day(datetime.fromisoformat("2023-12-31T16:59:59+00:00"))
    await given(Session("new", "A", on=held).completed(), Session("old", "A", on=before).completed()).then(
        office_activity={
            (MAJA, "2024-01-01"): HELD,
            (MAJA, "2024-01"): HELD,
            (MAJA, "2024"): HELD,
            (MAJA, "2023-12-31"): HELD,
            (MAJA, "2023-12"): HELD,
            (MAJA, "2023"): HELD,
        },
        businesses_served={
            (office, period): amounts
            for office in (MAJA, "*")
            for period, amounts in (
                ("2023-Q4", {"served": 1, "newly_served": 1}),
                ("2024-Q1", {"served": 1}),
                ("2023", {"served": 1, "newly_served": 1}),
                ("2024", {"served": 1}),
                ("all", {"served": 1, "newly_served": 1}),
            )
        },
    )


@pytest.mark.parametrize(
    ("last", "first", "quarters"),
    [("2024-03-31", "2024-04-01", "12"), ("2024-06-30", "2024-07-01", "23"), ("2024-09-30", "2024-10-01", "34")],
)
async def test_a_quarter_ends_with_its_last_day(given: Giver, last: str, first: str, quarters: str) -> None:
    await given(Session("old", "A", on=last).completed(), Session("new", "A", "B", on=first).completed()).then(
        businesses_served={
            (office, f"2024-Q{quarter}"): {"served": served, "newly_served": 1}
            for office in (MAJA, "*")
            for quarter, served in zip(quarters, (1, 2), strict=True)
        },
    )
