"""Consultants: who they are, for how long, and what is refused of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.mentoring.domain.words import Field
from shared.http.problem import FieldProblem
from shared.privacy.numbers import holds_identity_number

_NIK = re.compile(r"(?<![0-9A-Za-z])\d{16}(?![0-9A-Za-z])")  # a UUID without hyphens may hold as many digits in a row


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
class ConsultantChange:
    """What of a consultant may be changed, as it is to be; office and login never change."""

    name: str
    fields: Sequence[Field]
    active_from: date
    active_until: date | None

    def of(self, office: str, staff: str) -> NewConsultant:
        return NewConsultant(office, staff, self.name, self.fields, self.active_from, self.active_until)


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
    elif holds_identity_number(name):
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


def period_faults(change: ConsultantChange, first: date | None, last: date | None) -> list[FieldProblem]:
    """Returns why a period cannot be: `first` and `last` are the days of his sessions, planned or held."""
    faults = []
    if first is not None and first < change.active_from:
        faults.append(_session_outside("active_from", first))
    if last is not None and change.active_until is not None and last > change.active_until:
        faults.append(_session_outside("active_until", last))
    return faults


def _session_outside(field: str, day: date) -> FieldProblem:
    return FieldProblem(
        field,
        f"Konsultan ini punya sesi pada {day}, di luar masa tugas yang baru.",
        "Pilih masa tugas yang memuatnya, atau pindahkan sesi itu lebih dahulu.",
    )
