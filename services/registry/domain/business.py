"""Businesses: how one is registered, corrected and closed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.registry.domain import problems
from services.registry.domain.findings import Findings
from services.registry.domain.forms import BusinessCorrection, BusinessForm, Closure, Kind
from services.registry.domain.office import public_name
from services.registry.domain.owners import Owner, correct_owners, read_owners
from shared.contracts.registry import BusinessState
from shared.http.problem import FieldProblem
from shared.privacy.numbers import parse_cooperative_number, parse_nib
from shared.reference.regions import is_kelurahan

_PUBLIC = ("trade_name", "kinds", "kelurahan")
_PRIVATE = ("nib", "cooperative_number")


class Status(StrEnum):
    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True)
class Business:
    """`revision` rises with every edit, `version` with every event."""

    id: UUID
    office: str
    trade_name: str
    kinds: tuple[Kind, ...]
    kelurahan: str
    nib: str | None
    cooperative_number: str | None
    registered_on: date
    status: Status = Status.ACTIVE
    closed_on: date | None = None
    closing_reason: str | None = None
    revision: int = 1
    version: int = 1

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


def register(form: BusinessForm, business_id: UUID, today: date) -> Registration:
    """Returns the new business. Raises a 422 Problem with all that is wrong, each next to its field."""
    findings = Findings()
    kinds = _read_kinds(findings, form.kinds)
    business = Business(
        id=business_id,
        office=form.office,
        trade_name=findings.read("trade_name", public_name, form.trade_name),
        kinds=kinds,
        kelurahan=_read_kelurahan(findings, form.kelurahan),
        nib=findings.read_optional("nib", parse_nib, form.nib),
        cooperative_number=findings.read_optional(
            "cooperative_number", parse_cooperative_number, form.cooperative_number
        ),
        registered_on=today,
    )
    _check_cooperative(findings, business)
    owners = read_owners(findings, form.owners)
    findings.settle()
    return Registration(business, owners, findings.warnings)


def correct(business: Business, known: Mapping[UUID, Owner], form: BusinessCorrection) -> Correction:
    """Returns the business after the correction; `known` are its owners by person id.

    Raises a 409 Problem for a closed business, a 422 Problem with all that is wrong.
    """
    if business.status is Status.CLOSED:
        raise problems.already_closed()
    findings = Findings()
    given = form.model_fields_set
    findings.refuse_blanks(form, ("trade_name", "kinds", "kelurahan", "owners"))
    after = replace(
        business,
        trade_name=business.trade_name
        if form.trade_name is None
        else findings.read("trade_name", public_name, form.trade_name),
        kinds=business.kinds if form.kinds is None else _read_kinds(findings, form.kinds),
        kelurahan=business.kelurahan if form.kelurahan is None else _read_kelurahan(findings, form.kelurahan),
        nib=findings.read_optional("nib", parse_nib, form.nib) if "nib" in given else business.nib,
        cooperative_number=findings.read_optional(
            "cooperative_number", parse_cooperative_number, form.cooperative_number
        )
        if "cooperative_number" in given
        else business.cooperative_number,
    )
    _check_cooperative(findings, after)
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


def _read_kinds(findings: Findings, kinds: list[Kind]) -> tuple[Kind, ...]:
    if len(set(kinds)) < len(kinds):
        findings.refuse("kinds", "Jenis usaha disebut dua kali.", "Sebut setiap jenis satu kali saja.")
    return tuple(kind for kind in Kind if kind in kinds)


def _read_kelurahan(findings: Findings, code: str) -> str:
    if not is_kelurahan(code):
        findings.refuse(
            "kelurahan",
            "Kode ini bukan kelurahan/desa di Jawa Timur.",
            "Pakai kode Kemendagri lengkap, misalnya 35.76.02.1001 untuk Gununggedangan.",
        )
    return code


def _check_cooperative(findings: Findings, business: Business) -> None:
    if business.cooperative_number is not None and Kind.COOPERATIVE not in business.kinds:
        findings.refuse(
            "cooperative_number",
            "Nomor Induk Koperasi hanya untuk koperasi.",
            "Tambahkan cooperative pada kinds, atau kosongkan nomornya.",
        )
