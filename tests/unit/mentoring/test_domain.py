"""The rules of mentoring, with laws where there are laws."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mentoring import domain
from services.mentoring.domain import (
    Business,
    Channel,
    Consultant,
    Field,
    NewConsultant,
    Occupation,
    Service,
    SessionDraft,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
ADA = Consultant(uuid4(), "35.76", "stf-ada", date(2024, 1, 1), date(2026, 12, 31))
BATIK = Business(uuid4(), "active", ("umkm",), "35.76.01.1008", "35.76")


@st.composite
def occupations(draw: st.DrawFn) -> Occupation:
    """Sessions that the rules let through, around one day; a minute as well as a whole day, at either midnight."""
    contact = draw(st.sampled_from([1, 60, 1380, 1440]) | st.integers(1, 1440))
    preparation = draw(st.integers(0, 1440 - contact))
    travel = draw(st.integers(0, 1440 - contact - preparation))
    clock = st.sampled_from([time(0), time(0, 1), time(9), time(23, 59)]) | st.times()
    start = draw(st.none() | clock.map(lambda t: t.replace(second=0, microsecond=0)))
    day = TODAY + timedelta(days=draw(st.integers(-4, 4)))
    return Occupation(day, start, contact, preparation, travel)


def minutes_of(occupation: Occupation) -> set[datetime]:
    """Every minute that the session takes, counted one by one."""
    span = occupation.span
    if span is None:
        return set()
    return {span[0] + timedelta(minutes=n) for n in range(int((span[1] - span[0]).total_seconds() // 60))}


@given(occupations(), occupations())
def test_sessions_overlap_exactly_when_they_share_a_minute(one: Occupation, other: Occupation) -> None:
    assert one.overlaps(other) == other.overlaps(one) == bool(minutes_of(one) & minutes_of(other))


@given(occupations(), occupations())
def test_what_lies_out_of_reach_is_never_in_the_way(one: Occupation, other: Occupation) -> None:
    """The calendar is read REACH around the day."""
    assert abs(one.day - other.day) <= domain.REACH or not one.overlaps(other)


def test_two_days_apart_can_overlap() -> None:
    long = Occupation(TODAY, time(23, 59), 1440, 0, 0)
    assert long.overlaps(Occupation(TODAY + domain.REACH, time(0), 1, 1439, 0))


@given(occupations())
def test_a_span_holds_the_sessions_minutes(occupation: Occupation) -> None:
    if occupation.start is not None:
        assert len(minutes_of(occupation)) == occupation.minutes


@given(st.lists(occupations(), max_size=8))
def test_what_the_calendar_accepts_never_overlaps_and_never_exceeds_a_day(wanted: list[Occupation]) -> None:
    """Sessions offered one after the other: whatever was accepted is possible for one person."""
    accepted: list[Occupation] = []
    for each in wanted:
        if not domain.calendar_faults(draft(each), {ADA.id: accepted}):
            accepted.append(each)
    spans = [minutes_of(each) for each in accepted]
    assert sum(map(len, spans)) == len(set().union(*spans))
    for day in {each.day for each in accepted}:
        assert sum(each.minutes for each in accepted if each.day == day) <= domain.MINUTES_OF_A_DAY


@given(st.lists(occupations(), max_size=5), occupations())
def test_the_calendars_order_does_not_matter(calendar: list[Occupation], wanted: Occupation) -> None:
    forwards = domain.calendar_faults(draft(wanted), {ADA.id: calendar})
    backwards = domain.calendar_faults(draft(wanted), {ADA.id: calendar[::-1]})
    assert bool(forwards) == bool(backwards)


def draft(occupation: Occupation | None = None, **changes: Any) -> SessionDraft:
    told: dict[str, Any] = {
        "office": "35.76",
        "occupation": occupation or Occupation(TODAY, None, 60, 0, 0),
        "consultants": [ADA.id],
        "businesses": [BATIK.id],
        "field": Field.FINANCE,
        "service": Service.TRAINING,
        "channel": Channel.PHONE,
        **changes,
    }
    return SessionDraft(**told)


def faults(
    wanted: SessionDraft,
    *,
    now: datetime = NOW,
    opened_on: date | None = None,
    consultants: Sequence[Consultant] = (ADA,),
    businesses: Mapping[UUID, Business] | None = None,
) -> list[str]:
    known = {BATIK.id: BATIK} if businesses is None else businesses
    found = domain.session_faults(
        wanted, now=now, opened_on=opened_on, consultants={each.id: each for each in consultants}, businesses=known
    )
    assert all(fault.message and fault.cure for fault in found)
    return [fault.field for fault in found]


def test_a_good_session_has_no_fault() -> None:
    assert faults(draft(), opened_on=TODAY) == []


def test_today_is_todays_date_in_wib() -> None:
    """23:30 on 20 November in UTC is 06:30 on the 21st in Surabaya."""
    early = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert faults(draft(), now=early) == []
    assert faults(draft(), now=early - timedelta(hours=7)) == ["day"]


@pytest.mark.parametrize(
    ("occupation", "field"),
    [
        (Occupation(TODAY + timedelta(days=1), None, 60, 0, 0), "day"),
        (Occupation(date(1999, 12, 31), None, 60, 0, 0), "day"),
        (Occupation(TODAY, None, 0, 10, 0), "contact_minutes"),
        (Occupation(TODAY, None, 10, -1, 0), "preparation_minutes"),
        (Occupation(TODAY, None, 10, 0, -1), "travel_minutes"),
        (Occupation(TODAY, None, 1440, 1, 0), "contact_minutes"),
    ],
)
def test_days_and_minutes_that_cannot_be(occupation: Occupation, field: str) -> None:
    assert field in faults(draft(occupation))


def test_no_session_before_the_office_opened() -> None:
    assert faults(draft(), opened_on=TODAY + timedelta(days=1)) == ["day"]


def test_consultants_are_of_the_office_and_active() -> None:
    batu = Consultant(uuid4(), "35.79", "stf-batu", date(2024, 1, 1), None)
    assert faults(draft(consultants=[])) == ["consultants"]
    assert faults(draft(consultants=[ADA.id, ADA.id])) == ["consultants"]
    assert faults(draft(consultants=[uuid4()])) == ["consultants.0"]
    assert faults(draft(consultants=[ADA.id, batu.id]), consultants=(ADA, batu)) == ["consultants.1"]
    assert faults(draft(Occupation(date(2023, 12, 31), None, 60, 0, 0))) == ["consultants.0"]
    assert faults(draft(Occupation(date(2024, 1, 1), None, 60, 0, 0))) == []


def test_a_consultant_who_left_is_active_on_the_last_day() -> None:
    assert ADA.is_active_on(date(2026, 12, 31))
    assert not ADA.is_active_on(date(2027, 1, 1))


def test_businesses_may_be_unknown_but_not_closed() -> None:
    unknown = uuid4()
    shut = Business(uuid4(), "closed", ("umkm",), "35.76.01.1008", "35.76")
    assert faults(draft(businesses=[])) == ["businesses"]
    assert faults(draft(businesses=[unknown, unknown])) == ["businesses"]
    assert faults(draft(businesses=[unknown]), businesses={unknown: Business(unknown, None)}) == []
    assert faults(draft(businesses=[BATIK.id, shut.id]), businesses={BATIK.id: BATIK, shut.id: shut}) == [
        "businesses.1"
    ]


def test_an_end_that_is_a_beginning_is_no_overlap() -> None:
    nine = Occupation(TODAY, time(9), 60, 0, 0)
    assert not nine.overlaps(Occupation(TODAY, time(10, 30), 30, 10, 20))
    assert nine.overlaps(Occupation(TODAY, time(10, 30), 30, 11, 20))


def test_both_faults_of_a_calendar_are_told() -> None:
    full = Occupation(TODAY, time(8), 1400, 0, 0)
    told = domain.calendar_faults(draft(Occupation(TODAY, time(9), 60, 0, 0)), {ADA.id: [full]})
    assert [fault.field for fault in told] == ["consultants.0", "consultants.0"]
    assert "08.00" in told[0].message
    assert "1400" in told[1].message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"staff": "siti@contoh.test"}, "staff"),
        ({"staff": "3576990101900001"}, "staff"),
        ({"staff": "nik:3576990101900001"}, "staff"),
        ({"name": " "}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"name": "Siti 3576 9901 0190 0001"}, "name"),
        ({"fields": [Field.FINANCE, Field.FINANCE]}, "fields"),
        ({"active_until": date(2023, 1, 1)}, "active_until"),
    ],
)
def test_consultants_that_are_not_accepted(changes: dict[str, Any], field: str) -> None:
    told: dict[str, Any] = {
        "office": "35.76",
        "staff": "f3b0c44298fc1c149afbf4c8996fb924",
        "name": "Hj. Siti Aminah, S.E.",
        "fields": [Field.FINANCE],
        "active_from": date(2024, 1, 1),
    }
    assert domain.consultant_faults(NewConsultant(**told)) == []
    assert [fault.field for fault in domain.consultant_faults(NewConsultant(**{**told, **changes}))] == [field]


def test_a_login_may_hold_many_digits_in_a_row() -> None:
    """Found by a test with random ids: a UUID's digits are no NIK."""
    new = NewConsultant("35.76", "stf-a1234567890123456b", "Ada", [Field.FINANCE], TODAY)
    assert domain.consultant_faults(new) == []


def test_an_hour_is_long_enough_to_wait() -> None:
    assert not domain.is_overdue(NOW - timedelta(hours=1), NOW)
    assert domain.is_overdue(NOW - timedelta(hours=1, seconds=1), NOW)
