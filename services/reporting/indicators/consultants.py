"""What consultants do. A session counts in full for each of its consultants, so these do not add up to the office's."""

from services.reporting.indicators.activity import HELD_BY, NOT_HELD, SINCE
from services.reporting.indicators.card import Amount, Indicator, Measure

_TWICE = "Sesi bersama dihitung penuh bagi tiap konsultannya, sehingga jumlahnya dapat melebihi angka kantor."
_ANSWERED_BY = ("SessionConfirmed", "SessionContested", "SessionCorrected", "SessionCancelled")


def _load(amount: str, name: str, counts: str, unit: str, events: tuple[str, ...] = HELD_BY) -> Indicator:
    return Indicator(
        code=f"consultant_{amount}",
        name=f"{name} konsultan",
        counts=f"{counts} {_TWICE}",
        formula=f"jumlah {name.lower()} yang dihadiri konsultan, per bulan",
        unit=unit,
        measure=Measure.SUM,
        events=events,
        since=SINCE,
        leaves_out=NOT_HELD,
        reads=(Amount("consultant_load", amount),),
    )


CARDS = (
    _load("sessions", "Sesi", "Sesi tercatat yang dihadiri konsultan.", "sesi"),
    _load("confirmed", "Sesi dikonfirmasi", "Sesi konsultan yang dibenarkan semua usahanya.", "sesi", _ANSWERED_BY),
    _load(
        "contested",
        "Sesi disanggah",
        "Sesi konsultan yang disangkal sedikitnya satu usahanya.",
        "sesi",
        ("SessionContested", "SessionCorrected", "SessionCancelled"),
    ),
    _load("contact_minutes", "Menit tatap muka", "Menit tatap muka sesi yang dihadiri konsultan.", "menit"),
    _load("preparation_minutes", "Menit persiapan", "Menit persiapan sesi yang dihadiri konsultan.", "menit"),
    _load("travel_minutes", "Menit perjalanan", "Menit perjalanan sesi yang dihadiri konsultan.", "menit"),
)
