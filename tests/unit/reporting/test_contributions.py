"""Contributions, pinned to the version of the read models: a set that lives was summed with exactly these.

To change one, do not edit a number here: end the total (`until`), begin its successor (`since`), pin that beside it.
"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.reporting.domain import Fact, canonical, fact_of
from services.reporting.projections import RULES, TOTALS, totals_of
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


def _activity(day: date, *amounts: int) -> list[Contribution]:
    starts = (("day", day), ("month", day.replace(day=1)), ("year", date(day.year, 1, 1)))
    return [(("35.76", period, start), amounts) for period, start in starts]


def _regions(kinds: str, status: str = "active", regency: str = "35.76") -> list[Contribution]:
    return [((regency, "35.76", kind, status), (1,)) for kind in kinds.split()]


NOTHING: list[Contribution] = []
GOLDEN: list[tuple[str, Fact, dict[str, list[Contribution]]]] = [
    ("office", _fact(office()), {}),
    ("consultant", _fact(CONSULTANT), {}),
    (
        "business",
        _fact(business(A)),
        {
            "office_activity": _activity(date(2026, 11, 20), 1, 0, 0, 0, 0, 0),
            "businesses_by_region": _regions("* umkm ikm"),
        },
    ),
    (
        "closed business of another region, of a kind learnt later",
        _fact(business(A, 4, status="closed", closed_on="2026-11-21", kinds=["startup"], kelurahan="35.07.01.2001")),
        {
            "office_activity": _activity(date(2026, 11, 20), 1, 0, 0, 0, 0, 0),
            "businesses_by_region": _regions("* startup", "closed", "35.07"),
        },
    ),
    ("business that turned out to be another one", _fact(business(A), {A: B}), {}),
    ("session", _fact(session(S, [A, B])), {"office_activity": _activity(date(2026, 11, 21), 0, 1, 2, 60, 15, 10)}),
    (
        "session with a business not known yet",
        _fact(session(S, [A], known=False)),
        {"office_activity": _activity(date(2026, 11, 21), 0, 1, 0, 60, 15, 10)},
    ),
    (
        "session with one business under two names",
        _fact(session(S, [A, B]), {A: B}),
        {"office_activity": _activity(date(2026, 11, 21), 0, 1, 1, 60, 15, 10)},
    ),
    (
        "confirmed session at the turn of the year",
        _fact(session(S, [A], 2, state="confirmed", day="2024-01-01", contact_minutes=0)),
        {"office_activity": _activity(date(2024, 1, 1), 0, 1, 1, 0, 15, 10)},
    ),
    (
        "contested",
        _fact(session(S, [A], state="contested")),
        {"office_activity": _activity(date(2026, 11, 21), 0, 1, 1, 60, 15, 10)},
    ),
    ("imported session that nobody accepted", _fact(session(S, [A], imported=True, accepted=False)), {}),
    (
        "imported session, accepted",
        _fact(session(S, [A], 2, imported=True, accepted=True)),
        {"office_activity": _activity(date(2026, 11, 21), 0, 1, 1, 60, 15, 10)},
    ),
    ("cancelled session", _fact(session(S, [A], state="cancelled")), {}),
    ("missed session", _fact(session(S, [A], state="no_show")), {}),
    ("session of a state learnt later", _fact(session(S, [A], state="postponed")), {}),
]


@pytest.mark.parametrize(("fact", "expected"), [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_contributions_of_version_1(fact: Fact, expected: dict[str, list[Contribution]]) -> None:
    for total in totals_of(1):
        assert sorted(total.contributions(fact)) == sorted(expected.get(total.name, NOTHING)), total.name


def test_the_version_is_pinned() -> None:
    """Whoever raises it pins the new rules' contributions beside those above."""
    assert RULES == 1
    assert [total.name for total in totals_of(1)] == ["office_activity", "businesses_by_region"]


@pytest.mark.parametrize("total", TOTALS, ids=lambda total: total.name)
def test_every_amount_stands_under_a_whole_key(total: Any) -> None:
    for _, fact, _ in GOLDEN:
        for key, amounts in total.contributions(fact):
            assert (len(key), len(amounts)) == (len(total.key), len(total.amounts))


def test_what_replaces_itself_changes_nothing() -> None:
    for total in TOTALS:
        differences = Differences(total)
        for _, fact, _ in GOLDEN:
            differences.replace(fact, fact)
        assert differences.rows() == []
