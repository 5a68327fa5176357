"""What happened last, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.reporting.projections.happenings import Happening

EVENTS: Mapping[str, str] = {
    "OfficeOpened": "Kantor didaftarkan",
    "OfficeChanged": "Data kantor diperbarui",
    "BusinessRegistered": "Usaha didaftarkan",
    "BusinessCorrected": "Data usaha diperbaiki",
    "BusinessClosed": "Usaha ditutup",
    "BusinessReopened": "Usaha dibuka kembali",
    "BusinessMoved": "Usaha pindah kantor",
    "ConsultantRegistered": "Konsultan didaftarkan",
    "ConsultantChanged": "Data konsultan diperbarui",
    "SessionScheduled": "Sesi direncanakan",
    "SessionCompleted": "Sesi dicatat",
    "SessionResolved": "Usaha dalam sesi dikenali",
    "SessionCorrected": "Sesi diperbaiki",
    "SessionCancelled": "Sesi dibatalkan atau klien tidak datang",
    "SessionConfirmed": "Sesi dikonfirmasi klien",
    "SessionContested": "Sesi disanggah klien",
    "SessionAccepted": "Sesi impor diterima",
}


@dataclass(frozen=True, slots=True)
class Told:
    what: str
    office: str
    at: datetime


def told(one: Happening) -> Told:
    """Returns a happening as people read it; a type that came later is its own name."""
    return Told(EVENTS.get(one.type, one.type), one.office, one.occurred_at)
