"""Offices: where a PLUT stands and since when."""

from dataclasses import dataclass, replace
from datetime import date

from services.registry.domain.findings import Findings, TextError, plain_text
from services.registry.domain.forms import OfficeCorrection, OfficeForm
from shared.contracts.registry import OfficeState
from shared.privacy.numbers import holds_identity_number
from shared.reference.regions import regencies

# No office is older than the ministry's programme by this much; what is earlier is a slip of the keyboard.
_EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Office:
    code: str
    name: str
    opened_on: date
    revision: int = 1
    version: int = 1

    def state(self) -> OfficeState:
        return OfficeState(code=self.code, name=self.name, opened_on=self.opened_on)


def open_office(form: OfficeForm, today: date) -> Office:
    """Returns the new office. Raises a 422 Problem: unknown region, future day, a name that cannot be shown."""
    findings = Findings()
    if form.code not in regencies():
        findings.refuse(
            "code", "Kode ini bukan kabupaten/kota di Jawa Timur.", "Pakai kode Kemendagri, misalnya 35.76."
        )
    name = findings.read("name", public_name, form.name)
    _check_opening(findings, form.opened_on, today)
    findings.settle()
    return Office(form.code, name, form.opened_on)


def change_office(office: Office, form: OfficeCorrection, today: date) -> tuple[Office, list[str]]:
    """Returns the office after the change and the names of the changed fields; nothing changed, nothing rises."""
    findings = Findings()
    findings.refuse_blanks(form, ("name", "opened_on"))
    name = office.name if form.name is None else findings.read("name", public_name, form.name)
    opened_on = form.opened_on or office.opened_on
    _check_opening(findings, opened_on, today)
    findings.settle()
    changed = [field for field, old, new in _compare(office, name, opened_on) if old != new]
    if not changed:
        return office, []
    return replace(
        office, name=name, opened_on=opened_on, revision=office.revision + 1, version=office.version + 1
    ), changed


def public_name(typed: str) -> str:
    """Returns a name that anybody may read; refuses one that holds a NIK, for it would travel in every event."""
    text = plain_text(typed)
    if holds_identity_number(text):
        raise TextError("Nama tidak boleh memuat NIK atau nomor 16 angka.", "Hapus nomor itu dari nama.")
    return text


def _compare(office: Office, name: str, opened_on: date) -> tuple[tuple[str, object, object], ...]:
    return (("name", office.name, name), ("opened_on", office.opened_on, opened_on))


def _check_opening(findings: Findings, opened_on: date, today: date) -> None:
    if opened_on > today:
        findings.refuse(
            "opened_on", "Tanggal buka ada di masa depan.", "Daftarkan kantor pada hari dibuka atau sesudahnya."
        )
    elif opened_on < _EARLIEST:
        findings.refuse("opened_on", "Tanggal buka terlalu lama.", "Isi tanggal sejak 2000-01-01.")
