"""How figures, times and roles are written for people: Bahasa Indonesia, WIB."""

from datetime import datetime
from decimal import Decimal

from services.reporting.rounding import divided, percentage
from shared import days
from shared.auth.principal import Principal, Role
from shared.clock import WIB

_INDONESIAN = str.maketrans(",.", ".,")
_ROLES = {
    Role.PROVINCE_ANALYST: "Analis provinsi",
    Role.AUDITOR: "Auditor",
    Role.OFFICE_HEAD: "Kepala kantor",
    Role.ADMINISTRATOR: "Administrator",
    Role.CONSULTANT: "Konsultan",
    Role.FIELD_OFFICER: "Petugas lapangan",
    Role.FRONT_DESK: "Petugas depan",
}


def number(value: int) -> str:
    """Returns 1250000 as 1.250.000."""
    return f"{value:,}".replace(",", ".")


def decimal(value: float | Decimal) -> str:
    """Returns 1234.5 as 1.234,5."""
    return f"{value:,.1f}".translate(_INDONESIAN)


def percent(part: int, whole: int) -> str:
    """Returns 1 of 3 as 33,3 %, or a dash where there is nothing to be a part of."""
    return f"{percentage(part, whole)} %".replace(".", ",").replace(",0 %", " %") if whole else "\N{EN DASH}"


def hours(minutes: int) -> str:
    """Returns minutes as hours with one decimal, 95 as 1,6; whole hours from a hundred on."""
    if minutes >= 6000:
        return number((minutes + 30) // 60)
    return decimal(divided(minutes, 60)) if minutes % 60 else number(minutes // 60)


def wib_day(value: datetime) -> str:
    """Returns the day of an instant in WIB."""
    return days.day(value.astimezone(WIB).date())


def clock(value: datetime) -> str:
    """Returns 10:42:07 WIB."""
    return f"{value.astimezone(WIB):%H:%M:%S} WIB"


def role(who: Principal) -> str:
    """Returns what the person is called at work; the widest role if there are several."""
    return next((name for one, name in _ROLES.items() if one in who.roles), "Tamu")
