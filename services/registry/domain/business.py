"""Businesses: how one is registered, corrected, closed and opened again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.registry.domain import problems
from services.registry.domain.findings import Findings
from services.registry.domain.forms import BusinessCorrection, BusinessForm, Closure, KbliForm, KbliVersion, Kind
from services.registry.domain.office import public_name
from services.registry.domain.owners import Owner, correct_owners, read_owners
from shared.contracts.registry import BusinessState
from shared.http.problem import FieldProblem
from shared.money import parse_rupiah
from shared.privacy.numbers import parse_cooperative_number, parse_kbli, parse_nib
from shared.reference.places import PlaceUnknown, find_kelurahan, full_name

_PUBLIC = ("trade_name", "kinds", "kelurahan")
# Nobody kept such a register before; what says so is a year that was mistyped.
_FIRST_DAY = date(2000, 1, 1)
_PRIVATE = ("nib", "cooperative_number", "kbli", "capital", "annual_sales")


class Status(StrEnum):
    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True)
class Activity:
    """What a business does: a kelompok of KBLI (domain.md §2.2)."""

    code: str
    version: KbliVersion


@dataclass(frozen=True)
class Business:
    """`revision` rises with every edit, `version` with every event. Amounts are whole rupiah, None is unknown.

    `registered_by` is the office that registered it; None: it never moved.
    """

    id: UUID
    office: str
    trade_name: str
    kinds: tuple[Kind, ...]
    kelurahan: str
    nib: str | None
    cooperative_number: str | None
    registered_on: date
    kbli: tuple[Activity, ...] = ()
    capital: int | None = None
    annual_sales: int | None = None
    status: Status = Status.ACTIVE
    closed_on: date | None = None
    closing_reason: str | None = None
    revision: int = 1
    version: int = 1
    registered_by: str | None = None

    def state(self) -> BusinessState:
        """Returns what anybody in the province may know: no identity, and no number that leads to one."""
        return BusinessState(
            id=self.id,
            trade_name=self.trade_name,
            kinds=list(self.kinds),
            kelurahan=self.kelurahan,
            home_office=self.office,
            status=self.status,
            registered_on=self.registered_on,
            closed_on=self.closed_on,
            registered_by=self.registered_by or self.office,
        )

    def numbers(self) -> dict[str, str]:
        """Returns the numbers that only one business in the province may have, by field."""
        found = {"nib": self.nib, "cooperative_number": self.cooperative_number}
        return {field: number for field, number in found.items() if number is not None}


@dataclass(frozen=True)
class Registration:
    business: Business
    owners: list[Owner]
    warnings: list[FieldProblem]


@dataclass(frozen=True)
class Correction:
    """`owners` is None where they stay. `fields` names all that changed, `public` those that others are told of."""

    business: Business
    owners: list[Owner] | None
    fields: list[str]
    public: list[str]
    warnings: list[FieldProblem]


def register(form: BusinessForm, business_id: UUID, today: date, registered_on: date | None = None) -> Registration:
    """Returns the new business. Raises a 422 Problem with all that is wrong, each next to its field.

    It was registered today, or on the earlier day that the office's own records tell. A would-be entrepreneur has no
    trade name yet: `labelled` gives him one.
    """
    findings = Findings()
    kinds = _read_kinds(findings, form.kinds)
    business = Business(
        id=business_id,
        office=form.office,
        trade_name=_read_trade_name(findings, kinds, form.trade_name),
        kinds=kinds,
        kelurahan=_read_kelurahan(findings, form.kelurahan, form.office),
        nib=findings.read_optional("nib", parse_nib, form.nib),
        cooperative_number=findings.read_optional(
            "cooperative_number", parse_cooperative_number, form.cooperative_number
        ),
        kbli=_read_kbli(findings, form.kbli),
        capital=findings.read_optional("capital", parse_rupiah, form.capital),
        annual_sales=findings.read_optional("annual_sales", parse_rupiah, form.annual_sales),
        registered_on=today if registered_on is None else registered_on,
    )
    _check_day(findings, business.registered_on, today)
    _check_numbers(findings, business)
    owners = read_owners(findings, form.owners)
    findings.settle()
    return Registration(business, owners, findings.warnings)


def labelled(business: Business, number: int) -> Business:
    """Returns a would-be entrepreneur under his label, which tells nothing of him (design.md §6)."""
    return replace(business, trade_name=f"Calon wirausaha {business.office}-{number:06d}")


def correct(business: Business, known: Mapping[UUID, Owner], form: BusinessCorrection) -> Correction:
    """Returns the business after the correction; `known` are its owners by person id.

    Raises a 409 Problem for a closed business, a 422 Problem with all that is wrong.
    """
    if business.status is Status.CLOSED:
        raise problems.already_closed()
    findings = Findings()
    findings.refuse_blanks(form, ("trade_name", "kinds", "kelurahan", "kbli", "owners"))
    kinds = business.kinds if form.kinds is None else _read_kinds(findings, form.kinds)
    after = replace(
        business,
        trade_name=_corrected_name(findings, business, kinds, form.trade_name),
        kinds=kinds,
        kelurahan=(
            business.kelurahan if form.kelurahan is None else _read_kelurahan(findings, form.kelurahan, business.office)
        ),
        kbli=business.kbli if form.kbli is None else _read_kbli(findings, form.kbli),
        **_corrected_numbers(findings, form),
    )
    _check_numbers(findings, after)
    owners = None if form.owners is None else correct_owners(findings, form.owners, known)
    findings.settle()
    return _corrected(business, after, _keep_if_same(owners, known), findings.warnings)


def close(business: Business, form: Closure, today: date) -> Business:
    """Returns the closed business. Raises a 409 Problem if it is closed, a 422 Problem for an impossible day."""
    if business.status is Status.CLOSED:
        raise problems.already_closed()
    findings = Findings()
    if form.closed_on > today:
        findings.refuse("closed_on", "Tanggal tutup ada di masa depan.", "Isi hari ini atau hari sebelumnya.")
    if form.closed_on < business.registered_on:
        findings.refuse(
            "closed_on",
            f"Tanggal tutup lebih awal daripada tanggal pendaftaran ({business.registered_on.isoformat()}).",
            "Isi tanggal sejak hari pendaftaran.",
        )
    findings.settle()
    return replace(
        business,
        status=Status.CLOSED,
        closed_on=form.closed_on,
        closing_reason=form.reason.value,
        revision=business.revision + 1,
        version=business.version + 1,
    )


def reopen(business: Business) -> Business:
    """Returns the business open again. Raises a 409 Problem if it is open."""
    if business.status is Status.ACTIVE:
        raise problems.not_closed()
    return replace(
        business,
        status=Status.ACTIVE,
        closed_on=None,
        closing_reason=None,
        revision=business.revision + 1,
        version=business.version + 1,
    )


def changed_fields(before: Business, after: Business, fields: tuple[str, ...]) -> list[str]:
    """Returns the names of the fields that differ, in the given order."""
    return [field for field in fields if getattr(before, field) != getattr(after, field)]


def _corrected(
    before: Business, after: Business, owners: list[Owner] | None, warnings: list[FieldProblem]
) -> Correction:
    public = changed_fields(before, after, _PUBLIC)
    fields = public + changed_fields(before, after, _PRIVATE) + (["owners"] if owners is not None else [])
    after = replace(after, revision=before.revision + bool(fields), version=before.version + bool(public))
    return Correction(after, owners, fields, public, warnings)


def _keep_if_same(owners: list[Owner] | None, known: Mapping[UUID, Owner]) -> list[Owner] | None:
    return None if owners == list(known.values()) else owners


_RULES = {
    "nib": parse_nib,
    "cooperative_number": parse_cooperative_number,
    "capital": parse_rupiah,
    "annual_sales": parse_rupiah,
}


def _corrected_numbers(findings: Findings, form: BusinessCorrection) -> dict[str, Any]:
    """Numbers and amounts that were typed; null clears them."""
    return {
        field: findings.read_optional(field, rule, getattr(form, field))
        for field, rule in _RULES.items()
        if field in form.model_fields_set
    }


def _read_kinds(findings: Findings, kinds: list[Kind]) -> tuple[Kind, ...]:
    if len(set(kinds)) < len(kinds):
        findings.refuse("kinds", "Jenis usaha disebut dua kali.", "Sebut setiap jenis satu kali saja.")
    elif Kind.PROSPECTIVE in kinds and len(kinds) > 1:
        findings.refuse("kinds", "Calon wirausaha belum punya jenis usaha lain.", "Pilih prospective saja, atau hapus.")
    return tuple(kind for kind in Kind if kind in kinds)


def _read_trade_name(findings: Findings, kinds: tuple[Kind, ...], typed: str | None) -> str:
    if Kind.PROSPECTIVE not in kinds:
        return _read_own_name(findings, typed)
    if typed is not None:
        cure = "Hapus namanya, atau isi kinds dengan jenis usahanya (umkm, ikm, cooperative)."
        findings.refuse("trade_name", "Calon wirausaha belum punya nama usaha.", cure)
    return ""


def _read_own_name(findings: Findings, typed: str | None) -> str:
    if typed is not None:
        return findings.read("trade_name", public_name, typed)
    findings.refuse("trade_name", "Nama usaha harus diisi.", "Isi nama usaha; hanya calon wirausaha yang tanpa nama.")
    return ""


def _corrected_name(findings: Findings, before: Business, kinds: tuple[Kind, ...], typed: str | None) -> str:
    """A label is given up with the kind: who becomes a business gets a name, and nobody goes back."""
    was, remains = Kind.PROSPECTIVE in before.kinds, Kind.PROSPECTIVE in kinds
    if remains and not was:
        findings.refuse(
            "kinds", "Usaha tidak bisa menjadi calon wirausaha lagi.", "Tutup usahanya bila sudah berhenti."
        )
    elif remains and typed is not None:
        _read_trade_name(findings, kinds, typed)
    elif typed is not None or was != remains:
        return _read_own_name(findings, typed)
    return before.trade_name


def _read_kelurahan(findings: Findings, typed: str, office: str) -> str:
    try:
        place = find_kelurahan(typed, near=office)
    except PlaceUnknown as unknown:
        meant = "; ".join(f"{full_name(region)} ({region.code})" for region in unknown.candidates)
        if meant:
            findings.refuse("kelurahan", "Nama kelurahan/desa ini belum pasti.", f"Pilih kodenya: {meant}.")
        else:
            findings.refuse(
                "kelurahan",
                "Ini bukan kelurahan/desa di Jawa Timur.",
                "Pakai kode Kemendagri lengkap, misalnya 35.76.02.1001 untuk Gununggedangan.",
            )
        return ""
    findings.warn("kelurahan", place.note)
    return place.code


def _check_day(findings: Findings, registered_on: date, today: date) -> None:
    if registered_on > today:
        findings.refuse("registered_on", "Tanggal daftar ada di masa depan.", "Isi hari ini atau hari sebelumnya.")
    if registered_on < _FIRST_DAY:
        findings.refuse("registered_on", "Tanggal daftar sebelum tahun 2000.", "Periksa tahunnya, atau kosongkan.")


def _read_kbli(findings: Findings, forms: list[KbliForm]) -> tuple[Activity, ...]:
    found: dict[Activity, None] = {}
    for place, form in enumerate(forms):
        code = findings.read_optional(f"kbli.{place}.code", parse_kbli, form.code)
        if code is not None and Activity(code, form.version) in found:
            findings.refuse(f"kbli.{place}.code", "Kode KBLI disebut dua kali.", "Sebut setiap kode satu kali saja.")
        elif code is not None:
            found[Activity(code, form.version)] = None
    return tuple(found)


def _check_numbers(findings: Findings, business: Business) -> None:
    """Which kinds of business may have which number."""
    if business.nib is not None and Kind.PROSPECTIVE in business.kinds:
        findings.refuse("nib", "Calon wirausaha belum punya NIB.", "Kosongkan, atau isi jenis dan nama usahanya.")
    if business.cooperative_number is not None and Kind.COOPERATIVE not in business.kinds:
        findings.refuse(
            "cooperative_number",
            "Nomor Induk Koperasi hanya untuk koperasi.",
            "Tambahkan cooperative pada kinds, atau kosongkan nomornya.",
        )
