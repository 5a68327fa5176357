"""The rules of mentoring. Pure: `now` is an argument, and what they know of the world is handed to them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from shared.clock import business_day
from shared.http.problem import FieldProblem

MINUTES_OF_A_DAY = 1440
# A session lasts a day at most, but may begin late on its day or be prepared on the day before:
# only sessions of these many days before and after can touch it.
REACH = timedelta(days=2)
EARLIEST_DAY = date(2000, 1, 1)  # no office is as old; an earlier date is a slip of the keyboard
OVERDUE_AFTER = timedelta(hours=1)
_NIK = re.compile(r"(?<![0-9A-Za-z])\d{16}(?![0-9A-Za-z])")  # a UUID without hyphens may hold as many digits in a row
_SIXTEEN_DIGITS = re.compile(r"(?<!\d)\d(?:[ .-]?\d){15}(?!\d)")


class Field(StrEnum):
    """Bidang pendampingan (domain.md §2.8)."""

    INSTITUTION = "institution"
    HUMAN_RESOURCES = "human_resources"
    PRODUCTION = "production"
    FINANCE = "finance"
    MARKETING = "marketing"
    INFORMATION_TECHNOLOGY = "information_technology"
    COOPERATION_NETWORK = "cooperation_network"


class Service(StrEnum):
    """Layanan (domain.md §2.9)."""

    BUSINESS_MENTORING = "business_mentoring"
    TRAINING = "training"
    SKILL_DEVELOPMENT = "skill_development"
    CAPITAL_ACCESS = "capital_access"
    BUSINESS_CONSULTATION = "business_consultation"
    PRODUCT_MARKETING = "product_marketing"
    INFORMATION_AND_KNOWLEDGE = "information_and_knowledge"
    PARTNERSHIP = "partnership"
    INCUBATION = "incubation"


class Channel(StrEnum):
    OFFICE_VISIT = "office_visit"
    FIELD_VISIT = "field_visit"
    PHONE = "phone"
    VIDEO_CALL = "video_call"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class NewConsultant:
    """A consultant to be registered; `staff` is the subject of the login's tokens."""

    office: str
    staff: str
    name: str
    fields: Sequence[Field]
    active_from: date
    active_until: date | None = None


@dataclass(frozen=True, slots=True)
class Consultant:
    """What the rules need of a registered consultant."""

    id: UUID
    office: str
    staff: str
    active_from: date
    active_until: date | None

    def is_active_on(self, day: date) -> bool:
        return self.active_from <= day and (self.active_until is None or day <= self.active_until)


@dataclass(frozen=True, slots=True)
class Occupation:
    """The time that a session takes from each of its consultants. `day` and `start` are WIB.

    Preparation and travel lie before the start, in one piece; contact begins at the start. Without a start the minutes
    lie anywhere on the day. All minutes belong to the session's day, also those before or after its midnights.
    """

    day: date
    start: time | None
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int

    @property
    def minutes(self) -> int:
        return self.contact_minutes + self.preparation_minutes + self.travel_minutes

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """From the beginning of the preparation to the end of the contact, in WIB; None without a start."""
        if self.start is None:
            return None
        begun = datetime.combine(self.day, self.start)
        before = timedelta(minutes=self.preparation_minutes + self.travel_minutes)
        return begun - before, begun + timedelta(minutes=self.contact_minutes)

    def overlaps(self, other: "Occupation") -> bool:
        """Tells whether both are at one instant; ending when the other begins is no overlap."""
        mine, theirs = self.span, other.span
        return mine is not None and theirs is not None and mine[0] < theirs[1] and theirs[0] < mine[1]


@dataclass(frozen=True, slots=True)
class SessionDraft:
    """A session that was held and is to be recorded."""

    office: str
    occupation: Occupation
    consultants: Sequence[UUID]
    businesses: Sequence[UUID]
    field: Field
    service: Service
    channel: Channel


@dataclass(frozen=True, slots=True)
class Business:
    """A business as mentoring knows it. `status` is None while nothing but its id is known."""

    id: UUID
    status: str | None
    kinds: Sequence[str] = ()
    kelurahan: str | None = None
    home_office: str | None = None

    @property
    def known(self) -> bool:
        return self.status is not None


def consultant_faults(new: NewConsultant) -> list[FieldProblem]:
    """Returns what is wrong with a consultant to be registered. Names and staff ids must not carry other identities."""
    return [*_staff_faults(new.staff), *_name_faults(new.name), *_field_faults(new.fields), *_period_faults(new)]


def _staff_faults(staff: str) -> Iterator[FieldProblem]:
    if "@" in staff or _NIK.search(staff):
        yield FieldProblem(
            "staff",
            "ID masuk tampak seperti surel atau NIK; keduanya tidak boleh sampai ke layanan lain.",
            "Isi dengan ID masuk (sub) dari penerbit token.",
        )


def _name_faults(name: str) -> Iterator[FieldProblem]:
    if not name.strip() or not name.isprintable():
        yield FieldProblem("name", "Nama kosong atau memuat tanda yang tidak terbaca.", "Tulis nama konsultan.")
    elif _SIXTEEN_DIGITS.search(name):
        yield FieldProblem("name", "Nama memuat 16 angka seperti NIK.", "Hapus angkanya; tulis nama saja.")


def _field_faults(fields: Sequence[Field]) -> Iterator[FieldProblem]:
    if len(set(fields)) < len(fields):
        yield FieldProblem("fields", "Ada bidang yang ditulis dua kali.", "Tulis setiap bidang satu kali.")


def _period_faults(new: NewConsultant) -> Iterator[FieldProblem]:
    if new.active_until is not None and new.active_until < new.active_from:
        yield FieldProblem(
            "active_until",
            f"Tanggal berakhir {new.active_until} sebelum tanggal mulai {new.active_from}.",
            "Isi tanggal yang sama atau sesudahnya, atau kosongkan.",
        )


def session_faults(
    draft: SessionDraft,
    *,
    now: datetime,
    opened_on: date | None,
    consultants: Mapping[UUID, Consultant],
    businesses: Mapping[UUID, Business],
) -> list[FieldProblem]:
    """Returns what is wrong with a session, field by field; `opened_on` is None while the office is unknown here.

    A business that is not known yet is no fault: a client never waits for a broker (design.md §7).
    """
    return [
        *_day_faults(draft.occupation.day, now, opened_on),
        *_minute_faults(draft.occupation),
        *_consultants_faults(draft, consultants),
        *_businesses_faults(draft, businesses),
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
        if each in businesses and businesses[each].status == "closed":
            yield FieldProblem(
                f"businesses.{place}",
                f"Usaha {each} sudah ditutup.",
                "Pilih usaha yang masih aktif, atau hapus dari sesi ini.",
            )


def _repeated(field: str, ids: Sequence[UUID], what: str) -> Iterator[FieldProblem]:
    if len(set(ids)) < len(ids):
        yield FieldProblem(field, f"Ada {what} yang ditulis dua kali.", f"Tulis setiap {what} satu kali.")


def takes_part(staff: str, draft: SessionDraft, consultants: Mapping[UUID, Consultant]) -> bool:
    """Tells whether the login belongs to one of the session's consultants."""
    return any(each in consultants and consultants[each].staff == staff for each in draft.consultants)


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


def is_overdue(recorded_at: datetime, now: datetime) -> bool:
    """Tells whether a session has waited too long for a business to become known."""
    return now - recorded_at > OVERDUE_AFTER
