"""What is typed to find a business, and what is told when a new one seems to be registered already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.registry.domain.findings import Findings, plain_text
from services.registry.domain.forms import BusinessForm, Form, Name, Nib, NikText, PhoneText, PrivateForm, TradeName
from services.registry.domain.likeness import Match
from shared.http.problem import FieldProblem, Problem, at_field
from shared.privacy.identity import Nik, PersonName, Phone
from shared.privacy.numbers import parse_nib, parse_nik, parse_phone
from shared.reference.regions import Level, regions

MOST_FOUND = 50
MOST_CANDIDATES = 5
_KEYS = ("trade_name", "owner_name", "nik", "nib", "phone")


class SearchForm(PrivateForm):
    """One of `trade_name`, `owner_name`, `nik`, `nib`, `phone`; `region` goes with `trade_name`."""

    trade_name: TradeName | None = None
    region: Annotated[
        str | None,
        Field(
            max_length=20,
            description="Kode kelurahan/desa, kecamatan atau kabupaten/kota; bila kosong, wilayah kantor sendiri",
            examples=["35.76"],
        ),
    ] = None
    owner_name: Name | None = None
    nik: NikText | None = None
    nib: Nib | None = None
    phone: PhoneText | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_FOUND, strict=True, examples=[20])] = 20


class Identification(Form):
    """What the office says of the candidates that it was shown: another business, or one of them."""

    confirmed_new: Annotated[
        bool, Field(strict=True, description="Usaha lain daripada semua candidates_seen", examples=[False])
    ] = False
    candidates_seen: Annotated[
        tuple[UUID, ...], Field(max_length=MOST_FOUND, description="Semua id pada candidates", examples=[[]])
    ] = ()
    same_as: Annotated[UUID | None, Field(description="Usaha terdaftar yang dimaksud", examples=[None])] = None


class RegistrationForm(BusinessForm, Identification):
    """A new business, and what is said of those it resembles."""


@dataclass(frozen=True)
class Search:
    """A search as it was understood; printing one shows masks only."""

    trade_name: str | None
    region: str | None
    owner_name: PersonName | None
    nik: Nik | None
    nib: str | None
    phone: Phone | None


def read_search(form: SearchForm, offices: Sequence[str]) -> Search:
    """Returns what is looked for, by whom `offices` are. Raises a 422 Problem with all that is wrong."""
    findings = Findings()
    given = [key for key in _KEYS if getattr(form, key) is not None]
    if len(given) != 1:
        findings.refuse("", "Cari dengan satu hal saja.", f"Isi salah satu dari: {', '.join(_KEYS)}.")
    search = Search(
        trade_name=findings.read_optional("trade_name", plain_text, form.trade_name),
        region=_read_region(findings, form, offices),
        owner_name=findings.read_optional("owner_name", _person_name, form.owner_name),
        nik=findings.read_optional("nik", parse_nik, form.nik),
        nib=findings.read_optional("nib", parse_nib, form.nib),
        phone=findings.read_optional("phone", parse_phone, form.phone),
    )
    findings.settle()
    return search


def possible_duplicate(matches: Sequence[Match]) -> Problem:
    """Told with what anybody may know of each candidate, and why it is one."""
    return Problem(
        409,
        "possible-duplicate",
        "Mungkin sudah terdaftar",
        "Ada usaha terdaftar yang mirip dengan usaha ini.",
        cure="Bandingkan dulu. Bila usaha lain, kirim lagi dengan confirmed_new: true dan semua id di candidates pada "
        "candidates_seen. Bila sama, kirim lagi dengan same_as: id usaha itu. Pakai Idempotency-Key yang baru.",
        errors=[_told(match) for match in matches],
        extra={"candidates": [_shown(match) for match in matches]},
    )


def not_a_candidate() -> Problem:
    message = "Usaha dengan id ini tidak mirip dengan usaha yang didaftarkan."
    cure = "Pakai salah satu id dari candidates, atau kosongkan same_as."
    return at_field("same_as", message, cure)


def _told(match: Match) -> FieldProblem:
    there = match.candidate
    return FieldProblem(
        "trade_name",
        f"{there.trade_name}, kantor {there.office}: {match.told()}.",
        f"Bila usaha ini yang dimaksud, kirim same_as: {there.id}.",
    )


def _shown(match: Match) -> dict[str, object]:
    there = match.candidate
    return {
        "id": str(there.id),
        "office": there.office,
        "trade_name": there.trade_name,
        "kinds": list(there.kinds),
        "kelurahan": there.kelurahan,
        "verdict": match.verdict,
        "reasons": [reason.text for reason in match.reasons],
    }


def _read_region(findings: Findings, form: SearchForm, offices: Sequence[str]) -> str | None:
    if form.region is None:
        return _own_region(findings, offices) if form.trade_name is not None else None
    region = regions().get(form.region)
    if form.trade_name is None:
        findings.refuse("region", "Wilayah hanya untuk mencari nama usaha.", "Kosongkan, atau isi trade_name.")
    elif region is None or region.level is Level.PROVINCE:
        cure = "Pakai kode Kemendagri kabupaten/kota, kecamatan atau kelurahan, misalnya 35.76."
        findings.refuse("region", "Kode ini bukan wilayah di Jawa Timur.", cure)
    return form.region


def _own_region(findings: Findings, offices: Sequence[str]) -> str | None:
    if len(offices) == 1:
        return offices[0]
    findings.refuse("region", "Wilayah harus disebut.", "Isi kode kabupaten/kota tempat usaha itu, misalnya 35.76.")
    return None


def _person_name(typed: str) -> PersonName:
    return PersonName(plain_text(typed))
