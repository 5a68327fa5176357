"""Contributions, pinned to the version of the read models: a set that lives was summed with exactly these.

To change one, do not edit a number here: end the total (`until`), begin its successor (`since`), pin that beside it.
"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.reporting.domain import Fact, canonical, fact_of
from services.reporting.projections import RULES, TABLES, TOTALS, office_activity, totals_of
from services.reporting.projections.applier import KIND_OF
from services.reporting.projections.total import Contribution, Differences
from shared.contracts.catalogue import AnyEvent
from tests.support.reporting_events import business, event, office, session

A, B, S = UUID(int=1), UUID(int=2), UUID(int=3)
CONSULTANT = event(
    "ConsultantRegistered",
    str(UUID(int=9)),
    1,
    {"id": str(UUID(int=9)), "office": "35.76", "staff": "stf-1", "fields": ["marketing"], "active_from": "2026-01-05"},
)


def _fact(told: AnyEvent, aliases: dict[UUID, UUID] | None = None) -> Fact:
    return canonical(fact_of(KIND_OF[told.type], told, 4), aliases or {})


Pinned = dict[str, list[Contribution]]


def _activity(day: date, **amounts: int) -> Pinned:
    told = tuple(amounts.get(name, 0) for name in office_activity.AMOUNTS)
    return {"office_activity": [(place, told) for place in _places(day)]}


def _places(day: date) -> list[tuple[str, str, date]]:
    return [("35.76", "day", day), ("35.76", "month", day.replace(day=1)), ("35.76", "year", date(day.year, 1, 1))]


def _held(day: date, *, contact: int = 60, confirmed: int = 0, contested: int = 0, **amounts: int) -> Pinned:
    """What a session held by consultant 9 counts for everywhere."""
    about = ("marketing", "business_mentoring", "office_visit")
    minutes = (contact, 15, 10)
    kinds = ("contact_minutes", "preparation_minutes", "travel_minutes")
    told = dict(zip(kinds, minutes, strict=True)) | {
        f"confirmed_{kind}": confirmed * number for kind, number in zip(kinds, minutes, strict=True)
    }
    return {
        **_activity(day, sessions=1, confirmed=confirmed, contested=contested, **told, **amounts),
        "sessions_by_service": [
            ((*place, *about), (1, confirmed, *minutes, confirmed * contact)) for place in _places(day)
        ],
        "consultant_load": [(("35.76", UUID(int=9), day.replace(day=1)), (1, confirmed, contested, *minutes))],
    }


def _business(kinds: str, status: str = "active", kelurahan: str = "35.76.02.1001", **months: date) -> Pinned:
    levels = (("regency", kelurahan[:5]), ("district", kelurahan[:8]), ("village", kelurahan))
    flows = [((1, 0), date(2026, 11, 1))] + [((0, 1), month) for month in months.values()]
    return {
        **_activity(date(2026, 11, 20), registrations=1),
        "businesses_by_region": [((*level, "35.76", kind, status), (1,)) for kind in kinds.split() for level in levels],
        "businesses_over_time": [
            ((kelurahan[:5], "35.76", kind, month), amounts) for kind in kinds.split() for amounts, month in flows
        ],
    }


TODAY = date(2026, 11, 21)
NOTHING: list[Contribution] = []
GOLDEN: list[tuple[str, Fact, Pinned]] = [
    ("office", _fact(office()), {}),
    ("consultant", _fact(CONSULTANT), {}),
    ("business", _fact(business(A)), _business("* umkm ikm")),
    (
        "closed business of another region, of a kind learnt later",
        _fact(business(A, 4, status="closed", closed_on="2026-12-01", kinds=["startup"], kelurahan="35.07.01.2001")),
        _business("* startup", "closed", "35.07.01.2001", closed=date(2026, 12, 1)),
    ),
    (
        "moved business, registered by the office that was its home",
        _fact(business(A, 2, kinds=["umkm"], registered_by="35.76", home_office="35.79")),
        {
            **_activity(date(2026, 11, 20), registrations=1),
            "businesses_by_region": [
                ((level, region, "35.79", kind, "active"), (1,))
                for kind in ("*", "umkm")
                for level, region in (("regency", "35.76"), ("district", "35.76.02"), ("village", "35.76.02.1001"))
            ],
            "businesses_over_time": [(("35.76", "35.79", kind, date(2026, 11, 1)), (1, 0)) for kind in ("*", "umkm")],
        },
    ),
    ("business that turned out to be another one", _fact(business(A), {A: B}), {}),
    ("session", _fact(session(S, [A, B])), _held(TODAY, visits=2)),
    ("session with a business not known yet", _fact(session(S, [A], known=False)), _held(TODAY)),
    ("session with one business under two names", _fact(session(S, [A, B]), {A: B}), _held(TODAY, visits=1)),
    (
        "confirmed session at the turn of the year",
        _fact(session(S, [A], 2, state="confirmed", day="2024-01-01", contact_minutes=0)),
        _held(date(2024, 1, 1), contact=0, confirmed=1, visits=1),
    ),
    ("contested", _fact(session(S, [A], state="contested")), _held(TODAY, contested=1, visits=1)),
    ("imported session that nobody accepted", _fact(session(S, [A], imported=True, accepted=False)), {}),
    (
        "imported session, accepted",
        _fact(session(S, [A], 2, imported=True, accepted=True)),
        _held(TODAY, imported=1, visits=1),
    ),
    ("a consultant named twice", _fact(session(S, [A], consultants=[UUID(int=9)] * 2)), _held(TODAY, visits=1)),
    ("planned session", _fact(session(S, [A], state="scheduled")), _activity(TODAY, scheduled=1)),
    ("cancelled session", _fact(session(S, [A], state="cancelled")), _activity(TODAY, cancelled=1)),
    ("missed session", _fact(session(S, [A], state="no_show")), _activity(TODAY, no_show=1)),
    ("session of a state learnt later", _fact(session(S, [A], state="postponed")), {}),
]


@pytest.mark.parametrize(("fact", "expected"), [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_contributions_since_version_2(fact: Fact, expected: Pinned) -> None:
    """Version 3 counts nothing else: it has the province's sums of what offices have (test_given_events)."""
    for total in (*totals_of(2), *totals_of(3)):
        assert sorted(total.contributions(fact)) == sorted(expected.get(total.name, NOTHING)), total.name


def test_the_version_is_pinned() -> None:
    """Whoever raises it pins the new rules' contributions beside those above."""
    assert RULES == 3
    assert totals_of(1) == ()  # what was summed before has no table any more: it waits for its rebuild
    assert [total.name for total in totals_of(2)] == [total.name for total in TOTALS]
    assert [total.name for total in totals_of(3)] == [total.name for total in TABLES]


def test_sets_of_older_rules_are_not_given_the_sums_of_the_province() -> None:
    older, newer = ({total.name: total for total in totals_of(rules)} for rules in (2, 3))
    assert older["sessions_by_service"].add_whole_sql == ()
    (statement,) = newer["sessions_by_service"].add_whole_sql
    assert statement.startswith("insert into sessions_in_province ")


@pytest.mark.parametrize("total", TABLES, ids=lambda total: total.name)
def test_every_amount_stands_under_a_whole_key(total: Any) -> None:
    for _, fact, _ in GOLDEN:
        for key, amounts in total.contributions(fact):
            assert (len(key), len(amounts)) == (len(total.key), len(total.amounts))


def test_what_replaces_itself_changes_nothing() -> None:
    for total in TOTALS:
        differences = Differences(total)
        facts = [fact for _, fact, _ in GOLDEN]
        differences.take_back(facts)
        differences.count(facts)
        assert differences.rows() == []
