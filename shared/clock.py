"""Time: instants are aware UTC datetimes, a business day is a date in WIB: UTC+7, without daylight saving time."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

WIB = ZoneInfo("Asia/Jakarta")


def utc_now() -> datetime:
    """Returns the present instant in UTC. Rules never call this: they take `now` as an argument."""
    return datetime.now(UTC)


def business_day(instant: datetime) -> date:
    """Returns the day in WIB of an aware instant; 2023-12-31T18:30Z is 1 January 2024."""
    return instant.astimezone(WIB).date()
