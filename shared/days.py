"""Days and times as people read them: Bahasa Indonesia, WIB."""

from datetime import date, datetime, time

from shared.clock import WIB

MONTHS = (
    "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split()  # noqa: SIM905  one line
)
WEEKDAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")


def day(value: date) -> str:
    """Returns 21 November 2026."""
    return f"{value.day} {month(value)}"


def month(value: date) -> str:
    """Returns November 2026."""
    return f"{MONTHS[value.month - 1]} {value.year}"


def when(value: date, start: time | None) -> str:
    """Returns Selasa, 4 Maret 2025 pukul 09.30 WIB."""
    told = f"{WEEKDAYS[value.weekday()]}, {day(value)}"
    return told if start is None else f"{told} pukul {start:%H.%M} WIB"


def instant(value: datetime) -> str:
    """Returns Selasa, 4 Maret 2025 pukul 09.30 WIB of an instant."""
    local = value.astimezone(WIB)
    return when(local.date(), local.time())
