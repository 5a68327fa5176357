"""What may be said of a session: its field, its service and its channel, and how people call them in sheets."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

W = TypeVar("W", bound=StrEnum)


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


class Words(Generic[W]):
    """The names of some codes: of each, the first is shown on screens and in exports; the code itself is understood."""

    def __init__(self, names: Mapping[W, Sequence[str]]) -> None:
        self._names = names
        self._codes = {_fold(name): code for code, spoken in names.items() for name in (code.value, *spoken)}

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(spoken[0] for spoken in self._names.values())

    def label(self, code: W) -> str:
        return self._names[code][0]

    def meant(self, typed: str) -> W | None:
        """Returns the code that a text names, however it is punctuated; None for any other text."""
        return self._codes.get(_fold(typed))


def _fold(text: str) -> str:
    """Returns a text without case, blanks and punctuation, for `kerja sama` is written in one word too."""
    return re.sub(r"[\W_]+", "", text.casefold().replace("&", "dan"))


FIELDS = Words(
    {
        Field.INSTITUTION: ("kelembagaan", "kelembagaan usaha", "legalitas dan kelembagaan"),
        Field.HUMAN_RESOURCES: ("SDM", "sumber daya manusia"),
        Field.PRODUCTION: ("produksi",),
        Field.FINANCE: ("pembiayaan", "keuangan", "permodalan"),
        Field.MARKETING: ("pemasaran",),
        Field.INFORMATION_TECHNOLOGY: ("teknologi informasi", "TI", "IT", "information technology"),
        Field.COOPERATION_NETWORK: ("jaringan kerja sama", "kerja sama", "jaringan", "kemitraan"),
    }
)
SERVICES = Words(
    {
        Service.BUSINESS_MENTORING: ("pendampingan usaha", "pendampingan", "mentoring"),
        Service.TRAINING: ("pelatihan",),
        Service.SKILL_DEVELOPMENT: ("pengembangan keterampilan", "keterampilan"),
        Service.CAPITAL_ACCESS: ("akses modal", "akses ke modal usaha", "akses permodalan", "akses pembiayaan"),
        Service.BUSINESS_CONSULTATION: ("konsultasi bisnis", "konsultasi usaha", "konsultasi", "consultation"),
        Service.PRODUCT_MARKETING: ("pemasaran produk", "pemasaran", "promosi"),
        Service.INFORMATION_AND_KNOWLEDGE: ("informasi & pengetahuan", "informasi"),
        Service.PARTNERSHIP: ("kemitraan", "jejaring", "networking"),
        Service.INCUBATION: ("inkubasi", "inkubasi bisnis", "inkubasi usaha"),
    }
)
CHANNELS = Words(
    {
        Channel.OFFICE_VISIT: ("datang ke kantor", "di kantor", "kantor", "di PLUT"),
        Channel.FIELD_VISIT: ("kunjungan lapangan", "kunjungan", "lapangan", "kunjungan usaha", "visit"),
        Channel.PHONE: ("telepon", "telpon", "telp"),
        Channel.VIDEO_CALL: ("panggilan video", "zoom", "google meet", "gmeet"),
        Channel.CHAT: ("pesan", "WA", "WhatsApp"),
    }
)
