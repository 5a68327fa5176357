"""What a session may say: of a plan and of what was held."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.mentoring.domain.calendar import MINUTES_OF_A_DAY, Occupation
from services.mentoring.domain.consultants import Consultant
from services.mentoring.domain.words import Channel, Field, Service
from shared.clock import business_day
from shared.contracts.mentoring import SessionBusiness
from shared.http.problem import FieldProblem

EARLIEST_DAY = date(2000, 1, 1)  # no office is as old; an earlier date is a slip of the keyboard
OVERDUE_AFTER = timedelta(hours=1)
LONGEST_AHEAD = timedelta(days=366)  # beyond a year nobody knows his calendar; a slip of the year is caught
LONGEST_FOLLOW_UP = timedelta(days=3 * 366)

OCCUPATION = ("day", "start", "contact_minutes", "preparation_minutes", "travel_minutes")
TEXTS = ("place", "outcome", "follow_up")
CORRECTABLE = (
    *OCCUPATION,
    "consultants",
    "businesses",
    "field",
    "service",
    "channel",
    *TEXTS,
    "follow_up_on",
)
# What the client is asked to confirm (design.md §7): with another one of these, an earlier answer is void.
ASKED = frozenset({"day", "contact_minutes", "preparation_minutes", "travel_minutes", "place", "businesses"})
# Notes for the next meeting: they say nothing else of the one that was held.
NOTES = frozenset({"outcome", "follow_up", "follow_up_on"})


@dataclass(frozen=True, slots=True)
class SessionDraft:
    """What a session says: intended while it is a plan, what was held once it is recorded.

    `place`, `outcome` and `follow_up` are texts of people and stay in this service.
    """

    office: str
    occupation: Occupation
    consultants: Sequence[UUID]
    businesses: Sequence[UUID]
    field: Field
    service: Service
    channel: Channel
    place: str | None = None
    outcome: str | None = None
    follow_up: str | None = None
    follow_up_on: date | None = None

    def content(self) -> dict[str, Any]:
        """Everything that a correction may change, by name."""
        held = {name: getattr(self.occupation, name) for name in OCCUPATION}
        return held | {name: getattr(self, name) for name in CORRECTABLE if name not in OCCUPATION}

    def revised(self, changes: Mapping[str, Any]) -> "SessionDraft":
        """Returns the draft with other contents; what is not named stays."""
        occupation = {name: value for name, value in changes.items() if name in OCCUPATION}
        rest = {name: value for name, value in changes.items() if name not in OCCUPATION}
        return replace(self, occupation=replace(self.occupation, **occupation), **rest)


@dataclass(frozen=True, slots=True)
class Business:
    """A business as mentoring knows it. `status` is None while nothing but its id is known."""

    id: UUID
    status: str | None
    kinds: Sequence[str] = ()
    kelurahan: str | None = None
    home_office: str | None = None
    closed_on: date | None = None

    @property
    def known(self) -> bool:
        return self.status is not None

    def is_closed_on(self, day: date) -> bool:
        """Tells whether it was closed before the day began; on its last day it may still be mentored."""
        return self.status == "closed" and (self.closed_on is None or day > self.closed_on)


def session_faults(
    draft: SessionDraft,
    *,
    now: datetime,
    opened_on: date | None,
    consultants: Mapping[UUID, Consultant],
    businesses: Mapping[UUID, Business],
    planned: bool = False,
    kept: Collection[UUID] = (),
) -> list[FieldProblem]:
    """Returns what is wrong with a session, field by field; `opened_on` is None while the office is unknown here.

    A business that is not known yet is no fault: a client never waits for a broker (design.md §7). Neither is one of
    `kept`, though it was closed: a session that names it already goes on naming it.
    """
    days = _plan_day_faults if planned else _day_faults
    return [
        *days(draft.occupation.day, now, opened_on),
        *_minute_faults(draft.occupation),
        *_consultants_faults(draft, consultants),
        *_businesses_faults(draft, {each: known for each, known in businesses.items() if each not in kept}),
        *_follow_up_faults(draft),
    ]


def _day_faults(day: date, now: datetime, opened_on: date | None) -> Iterator[FieldProblem]:
    today = business_day(now)
    if day > today:
        yield FieldProblem(
            "day", f"Tanggal {day} belum terjadi; hari ini {today} (WIB).", "Isi hari ini atau sebelumnya."
        )
    if day < EARLIEST_DAY:
        yield FieldProblem("day", f"Tanggal {day} terlalu lampau.", f"Isi tanggal {EARLIEST_DAY} atau sesudahnya.")
    elif opened_on is not None and day < opened_on:
        yield FieldProblem("day", f"Kantor baru dibuka pada {opened_on}.", f"Isi tanggal {opened_on} atau sesudahnya.")


def _plan_day_faults(day: date, now: datetime, opened_on: date | None) -> Iterator[FieldProblem]:
    today = business_day(now)
    if day < today:
        yield FieldProblem(
            "day",
            f"Tanggal {day} sudah lewat.",
            "Isi hari ini atau sesudahnya; yang sudah terjadi dicatat sebagai sesi.",
        )
    elif day > today + LONGEST_AHEAD:
        latest = today + LONGEST_AHEAD
        yield FieldProblem("day", f"Tanggal {day} terlalu jauh.", f"Isi tanggal {latest} atau sebelumnya.")
    elif opened_on is not None and day < opened_on:
        yield FieldProblem("day", f"Kantor baru dibuka pada {opened_on}.", f"Isi tanggal {opened_on} atau sesudahnya.")


def _follow_up_faults(draft: SessionDraft) -> Iterator[FieldProblem]:
    if draft.follow_up_on is not None and not _is_ahead(draft.follow_up_on, draft.occupation.day):
        yield FieldProblem(
            "follow_up_on",
            f"Tanggal tindak lanjut {draft.follow_up_on} tidak masuk akal untuk sesi {draft.occupation.day}.",
            "Isi hari sesi atau sesudahnya, paling lama tiga tahun.",
        )


def _is_ahead(follow_up_on: date, day: date) -> bool:
    return day <= follow_up_on and follow_up_on - day <= LONGEST_FOLLOW_UP


def _minute_faults(occupation: Occupation) -> Iterator[FieldProblem]:
    for name in ("contact_minutes", "preparation_minutes", "travel_minutes"):
        least = 1 if name == "contact_minutes" else 0
        if getattr(occupation, name) < least:
            yield FieldProblem(name, f"Menit kurang dari {least}.", f"Isi {least} atau lebih.")
    if occupation.minutes > MINUTES_OF_A_DAY:
        yield FieldProblem(
            "contact_minutes",
            f"Semua menit berjumlah {occupation.minutes}; sehari hanya {MINUTES_OF_A_DAY}.",
            "Kurangi menitnya, atau bagi menjadi beberapa sesi.",
        )


def _consultants_faults(draft: SessionDraft, consultants: Mapping[UUID, Consultant]) -> Iterator[FieldProblem]:
    if not draft.consultants:
        yield FieldProblem("consultants", "Belum ada konsultan.", "Isi paling sedikit satu konsultan kantor ini.")
    yield from _repeated("consultants", draft.consultants, "konsultan")
    for place, each in enumerate(draft.consultants):
        consultant = consultants.get(each)
        if consultant is None or consultant.office != draft.office:
            yield FieldProblem(
                f"consultants.{place}",
                f"Konsultan {each} tidak dikenal di kantor {draft.office}.",
                "Pilih konsultan dari daftar konsultan kantor ini.",
            )
        elif not consultant.is_active_on(draft.occupation.day):
            yield FieldProblem(
                f"consultants.{place}",
                f"Konsultan {each} tidak bertugas pada {draft.occupation.day}.",
                "Pilih konsultan yang bertugas pada hari itu, atau perbaiki tanggalnya.",
            )


def _businesses_faults(draft: SessionDraft, businesses: Mapping[UUID, Business]) -> Iterator[FieldProblem]:
    if not draft.businesses:
        yield FieldProblem("businesses", "Belum ada usaha.", "Isi paling sedikit satu usaha.")
    yield from _repeated("businesses", draft.businesses, "usaha")
    for place, each in enumerate(draft.businesses):
        if each in businesses and businesses[each].is_closed_on(draft.occupation.day):
            since = businesses[each].closed_on
            yield FieldProblem(
                f"businesses.{place}",
                f"Usaha {each} sudah ditutup{f' pada {since}' if since else ''}.",
                "Pilih usaha yang masih aktif pada hari itu, perbaiki tanggalnya, atau hapus dari sesi ini.",
            )


def _repeated(field: str, ids: Sequence[UUID], what: str) -> Iterator[FieldProblem]:
    if len(set(ids)) < len(ids):
        yield FieldProblem(field, f"Ada {what} yang ditulis dua kali.", f"Tulis setiap {what} satu kali.")


def calendar_faults(draft: SessionDraft, calendar: Mapping[UUID, Sequence[Occupation]]) -> list[FieldProblem]:
    """Returns why the session does not fit into its consultants' calendars: an overlap, or a day of more than 24 hours.

    `calendar` holds each consultant's other sessions within REACH of the day.
    """
    return [
        FieldProblem(f"consultants.{place}", message, cure)
        for place, each in enumerate(draft.consultants)
        for message, cure in _clashes(draft.occupation, calendar.get(each, ()))
    ]


def _clashes(wanted: Occupation, others: Sequence[Occupation]) -> Iterator[tuple[str, str]]:
    clash = next((other for other in others if wanted.overlaps(other)), None)
    if clash is not None:
        yield (
            f"Konsultan ini sudah punya sesi pada {clash.day} pukul {clash.start:%H.%M} yang waktunya bertumpukan.",
            "Perbaiki jam mulai atau menitnya; persiapan dan perjalanan dihitung sebelum jam mulai.",
        )
    taken = sum(other.minutes for other in others if other.day == wanted.day)
    if taken + wanted.minutes > MINUTES_OF_A_DAY:
        yield (
            f"Sehari hanya 24 jam: {wanted.day} sudah terisi {taken} menit, sesi ini {wanted.minutes} menit lagi.",
            "Kurangi menitnya, atau perbaiki tanggalnya.",
        )


def are_provisional(businesses: Iterable[SessionBusiness]) -> bool:
    """Tells whether a session with these businesses waits for one of them to become known."""
    return not all(business.known for business in businesses)


def is_overdue(recorded_at: datetime, now: datetime) -> bool:
    """Tells whether a session has waited too long for a business to become known."""
    return now - recorded_at > OVERDUE_AFTER
