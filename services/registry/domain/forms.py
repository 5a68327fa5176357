"""What people type: the bodies of the registry's writes, with their types and sizes. The rules stand beside this."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.http.fields import Day

MOST_OWNERS = 20
MOST_ACTIVITIES = 20


class Kind(StrEnum):
    """What a business is; it can be several at once."""

    UMKM = "umkm"
    IKM = "ikm"
    COOPERATIVE = "cooperative"
    PROSPECTIVE = "prospective"  # a person who has no business yet; alone, never beside another kind


class KbliVersion(StrEnum):
    V2020 = "2020"  # Peraturan BPS 2/2020
    V2025 = "2025"  # Peraturan BPS 7/2025


class ClosingReason(StrEnum):
    CEASED = "ceased"  # berhenti berusaha
    MOVED_AWAY = "moved_away"  # pindah ke luar Jawa Timur
    MERGED = "merged"  # bergabung dengan usaha lain
    OWNER_DECEASED = "owner_deceased"  # pemilik meninggal dunia
    REGISTERED_TWICE = "registered_twice"  # terdaftar ganda
    ON_REQUEST = "on_request"  # atas permintaan pemilik


class ReopeningReason(StrEnum):
    RESUMED = "resumed"  # usaha berjalan lagi
    CLOSED_BY_MISTAKE = "closed_by_mistake"  # penutupan salah catat


class Disclosed(StrEnum):
    """What is shown masked and can be shown in clear, with a reason."""

    NIK = "nik"
    NPWP = "npwp"
    PHONE = "phone"
    ADDRESS = "address"


Office = Annotated[str, Field(max_length=10, description="Kode Kemendagri kabupaten/kota kantor", examples=["35.76"])]
OfficeName = Annotated[str, Field(max_length=120, examples=["PLUT Kota Mojokerto"])]
OpenedOn = Annotated[Day, Field(description="Hari kantor dibuka, paling lambat hari ini", examples=["2023-12-09"])]
TradeName = Annotated[
    str, Field(max_length=120, description="Nama usaha, terbuka untuk umum", examples=["Batik Maja Sejahtera"])
]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=len(Kind), examples=[["umkm", "ikm"]])]
Kelurahan = Annotated[
    str,
    Field(
        max_length=120,
        description="Kode Kemendagri kelurahan/desa (juga kode lama), atau namanya dengan kecamatan dan kota",
        examples=["35.76.02.1001"],
    ),
]
Nib = Annotated[str, Field(max_length=40, description="NIB, 13 angka; satu usaha satu NIB", examples=["9120001234567"])]
CooperativeNumber = Annotated[
    str, Field(max_length=40, description="Nomor Induk Koperasi, 10-16 angka", examples=["3576010020001"])
]
RupiahText = Annotated[
    str,
    Field(
        max_length=40, description="Rupiah seperti diketik orang; kosong berarti tidak tahu", examples=["Rp 50.000.000"]
    ),
]
Reason = Annotated[
    str,
    Field(
        max_length=300, description="Alasan, sedikitnya 10 huruf, tanpa nomor orang", examples=["Pindah domisili usaha"]
    ),
]
Name = Annotated[str, Field(max_length=120, examples=["Siti Aminah"])]
NikText = Annotated[str, Field(max_length=40, description="NIK, 16 angka", examples=["3576015509800001"])]
NpwpText = Annotated[str, Field(max_length=40, description="NPWP, 15 atau 16 angka", examples=["09.254.294.3-407.000"])]
PhoneText = Annotated[str, Field(max_length=40, description="Nomor ponsel", examples=["0812-3456-7890"])]
AddressText = Annotated[str, Field(max_length=300, examples=["Jl. Contoh 1, RT 01/RW 02"])]


class Form(BaseModel):
    """Unknown fields are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OfficeForm(Form):
    code: Office
    name: OfficeName
    opened_on: OpenedOn


class OfficeCorrection(Form):
    """What is left out stays as it is."""

    name: OfficeName | None = None
    opened_on: OpenedOn | None = None


class PrivateForm(Form):
    """Printing one tells which fields were typed, never what."""

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return [(None, field) for field in sorted(self.model_fields_set)]


class OwnerForm(PrivateForm):
    name: Name
    nik: NikText
    npwp: NpwpText | None = None
    phone: PhoneText | None = None
    address: AddressText | None = None


class OwnerCorrection(PrivateForm):
    """An owner already listed is named by `id` (his NIK is shown masked), a new one by `nik` and `name`.

    With `id`, what is left out stays and null clears it.
    """

    id: UUID | None = None
    nik: NikText | None = None
    name: Name | None = None
    npwp: NpwpText | None = None
    phone: PhoneText | None = None
    address: AddressText | None = None


class KbliForm(Form):
    code: Annotated[str, Field(max_length=20, description="Kelompok KBLI, 5 angka", examples=["13134"])]
    version: Annotated[KbliVersion, Field(examples=["2020"])]


Kbli = Annotated[list[KbliForm], Field(max_length=MOST_ACTIVITIES)]


class BusinessForm(Form):
    """A would-be entrepreneur (`prospective`) has no `trade_name`: he gets a label with a number instead."""

    office: Office
    trade_name: TradeName | None = None
    kinds: Kinds
    kelurahan: Kelurahan
    nib: Nib | None = None
    cooperative_number: CooperativeNumber | None = None
    kbli: Kbli = []
    capital: RupiahText | None = None
    annual_sales: RupiahText | None = None
    owners: Annotated[list[OwnerForm], Field(min_length=1, max_length=MOST_OWNERS)]


class BusinessCorrection(Form):
    """What is left out stays; null clears numbers and amounts; `kbli` and `owners` are the whole new lists."""

    trade_name: TradeName | None = None
    kinds: Kinds | None = None
    kelurahan: Kelurahan | None = None
    nib: Nib | None = None
    cooperative_number: CooperativeNumber | None = None
    kbli: Kbli | None = None
    capital: RupiahText | None = None
    annual_sales: RupiahText | None = None
    owners: Annotated[list[OwnerCorrection], Field(min_length=1, max_length=MOST_OWNERS)] | None = None


class Closure(Form):
    closed_on: Annotated[Day, Field(description="Hari usaha ditutup, paling lambat hari ini", examples=["2026-11-20"])]
    reason: Annotated[ClosingReason, Field(examples=["ceased"])]


class Reopening(Form):
    reason: Annotated[ReopeningReason, Field(examples=["resumed"])]


class MoveForm(Form):
    to_office: Office
    reason: Reason


class DisclosureForm(Form):
    reason: Reason
    fields: Annotated[list[Disclosed], Field(min_length=1, max_length=len(Disclosed), examples=[["phone"]])]
