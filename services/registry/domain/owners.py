"""Owners: who stands behind a business, as an office was told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.registry.domain.findings import Findings, plain_text
from services.registry.domain.forms import OwnerCorrection, OwnerForm
from shared.privacy.identity import Address, Nik, Npwp, PersonName, Phone
from shared.privacy.numbers import nik_warning, npwp_warning, parse_nik, parse_npwp, parse_phone


@dataclass(frozen=True)
class Owner:
    """Printing one shows masks only."""

    name: PersonName
    nik: Nik
    npwp: Npwp | None = None
    phone: Phone | None = None
    address: Address | None = None


def read_owners(findings: Findings, forms: Sequence[OwnerForm]) -> list[Owner]:
    """Returns the owners of a new business; two forms with one NIK are refused."""
    return _different(findings, [_read_owner(findings, f"owners.{place}", form) for place, form in enumerate(forms)])


def correct_owners(findings: Findings, forms: Sequence[OwnerCorrection], known: Mapping[UUID, Owner]) -> list[Owner]:
    """Returns the new list of owners; `known` are the business's owners of today by person id."""
    owners = [_correct_owner(findings, f"owners.{place}", form, known) for place, form in enumerate(forms)]
    return _different(findings, owners)


def _read_owner(findings: Findings, at: str, form: OwnerForm) -> Owner | None:
    name = findings.read_optional(f"{at}.name", _person_name, form.name)
    nik = findings.read_optional(f"{at}.nik", parse_nik, form.nik)
    npwp = findings.read_optional(f"{at}.npwp", parse_npwp, form.npwp)
    phone = findings.read_optional(f"{at}.phone", parse_phone, form.phone)
    address = findings.read_optional(f"{at}.address", _address, form.address)
    if name is None or nik is None:
        return None
    findings.warn(f"{at}.nik", nik_warning(nik))
    findings.warn(f"{at}.npwp", None if npwp is None else npwp_warning(npwp))
    return Owner(name, nik, npwp, phone, address)


def _correct_owner(findings: Findings, at: str, form: OwnerCorrection, known: Mapping[UUID, Owner]) -> Owner | None:
    owner = known.get(form.id) if form.id else None
    if owner is not None and form.nik is None:
        return _read_owner(findings, at, _merged(form, owner))
    if form.id is not None:
        reason = "Pemilik ini bukan pemilik usaha ini." if owner is None else "Isi id atau nik, jangan keduanya."
        findings.refuse(
            f"{at}.id", reason, "Pakai id dari data usaha, atau daftarkan pemilik baru dengan nik dan name."
        )
    elif form.nik is None:
        findings.refuse(
            f"{at}.nik", "NIK harus diisi.", "Isi nik untuk pemilik baru, atau id untuk pemilik yang sudah ada."
        )
    elif form.name is None:
        findings.refuse(f"{at}.name", "Nama harus diisi.", "Isi nama pemilik baru seperti pada KTP.")
    else:
        return _read_owner(findings, at, OwnerForm(**form.model_dump(exclude={"id"})))
    return None


def _merged(form: OwnerCorrection, owner: Owner) -> OwnerForm:
    """The owner as he is, with what was typed in its place."""
    today = {
        "name": owner.name.reveal(),
        "npwp": owner.npwp and owner.npwp.reveal(),
        "phone": owner.phone and owner.phone.reveal(),
        "address": owner.address and owner.address.reveal(),
    }
    typed = {field: getattr(form, field) for field in form.model_fields_set - {"id", "nik"}}
    if typed.get("name", "") is None:
        del typed["name"]
    return OwnerForm(nik=owner.nik.reveal(), **(today | typed))


def _different(findings: Findings, owners: Sequence[Owner | None]) -> list[Owner]:
    """The owners that could be read; whoever stands there twice is refused at his second place."""
    first: dict[Nik, int] = {}
    for place, owner in enumerate(owners):
        if owner is not None and first.setdefault(owner.nik, place) != place:
            message = f"NIK ini sama dengan NIK pemilik ke-{first[owner.nik] + 1}."
            findings.refuse(f"owners.{place}.nik", message, "Tulis setiap pemilik satu kali saja.")
    return [owner for owner in owners if owner is not None]


def _person_name(typed: str) -> PersonName:
    return PersonName(plain_text(typed))


def _address(typed: str) -> Address:
    return Address(plain_text(typed))
