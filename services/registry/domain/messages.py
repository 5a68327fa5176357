"""Messages to clients: how often one is tried, and what it says. Bahasa Indonesia, days and hours in WIB."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.registry.domain.attestations import Attestation
from shared import days

# Later the code would leave the client too little of its 72 hours: the front desk then sees him as unreachable.
SEND_WITHIN = timedelta(hours=24)
MOST_TRIES = 20
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_FIELDS = {
    "institution": "kelembagaan",
    "human_resources": "SDM",
    "production": "produksi",
    "finance": "pembiayaan",
    "marketing": "pemasaran",
    "information_technology": "teknologi informasi",
    "cooperation_network": "jaringan kerja sama",
}
_SERVICES = {
    "business_mentoring": "pendampingan usaha",
    "training": "pelatihan",
    "skill_development": "pengembangan keterampilan",
    "capital_access": "akses modal",
    "business_consultation": "konsultasi bisnis",
    "product_marketing": "pemasaran produk",
    "information_and_knowledge": "informasi & pengetahuan",
    "partnership": "kemitraan",
    "incubation": "inkubasi",
}


@dataclass(frozen=True)
class ClientSecret:
    """What the client alone is sent: the reference in the address, and the code."""

    token: str = field(repr=False)
    code: str = field(repr=False)

    def packed(self) -> str:
        return f"{self.token} {self.code}"

    @classmethod
    def unpacked(cls, text: str) -> "ClientSecret":
        return cls(*text.split(" "))


def new_secret() -> ClientSecret:
    """Returns 128 random bits in 22 characters, and six random digits."""
    return ClientSecret(secrets.token_urlsafe(16), f"{secrets.randbelow(1_000_000):06d}")


def pause_after(tries: int) -> timedelta:
    """Returns how long to wait after so many tries: 30 s, doubling, an hour at the most."""
    doublings = max(0, min(tries - 1, 12))
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)


def give_up(tries: int, give_up_at: datetime, now: datetime) -> bool:
    """Tells whether a message that failed so often is tried no more."""
    return tries >= MOST_TRIES or now >= give_up_at


def text_of(attestation: Attestation, office: str, secret: ClientSecret, site: str) -> str:
    """Returns the message: who, when, how long, about what, the code, where to enter it, and that it is free."""
    when = days.when(attestation.day, attestation.start)
    return (
        f"{office} mencatat pendampingan untuk {attestation.trade_name}: {when}, "
        f"{how_long(attestation.contact_minutes)}, {about(attestation)}. "
        f"Benar? Buka {site}/konfirmasi/{secret.token} dan isi kode {secret.code}. "
        f"Tidak benar? Tekan “Ini tidak benar” di halaman itu. Berlaku sampai {days.instant(attestation.expires_at)}. "
        "Jangan berikan kode ini kepada siapa pun, juga tidak kepada konsultan. Layanan PLUT gratis."
    )


def how_long(minutes: int) -> str:
    """Returns 1 jam 30 menit."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} jam"] * bool(hours) + [f"{rest} menit"] * bool(rest)
    return " ".join(parts) or "0 menit"


def about(attestation: Attestation) -> str:
    """Returns pendampingan usaha bidang produksi; a code that is newer than this stays as it is."""
    service = _SERVICES.get(attestation.service, attestation.service)
    return f"{service} bidang {_FIELDS.get(attestation.field, attestation.field)}"
