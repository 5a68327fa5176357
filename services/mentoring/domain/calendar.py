"""The time of a consultant: what a session takes from it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MINUTES_OF_A_DAY = 1440
# A session lasts a day at most, but may begin late on its day or be prepared on the day before:
# only sessions of these many days before and after can touch it.
REACH = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Occupation:
    """The time that a session takes from each of its consultants. `day` and `start` are WIB.

    Preparation and travel lie before the start, in one piece; contact begins at the start. Without a start the minutes
    lie anywhere on the day. All minutes belong to the session's day, also those before or after its midnights.
    """

    day: date
    start: time | None
    contact_minutes: int
    preparation_minutes: int
    travel_minutes: int

    @property
    def minutes(self) -> int:
        return self.contact_minutes + self.preparation_minutes + self.travel_minutes

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """From the beginning of the preparation to the end of the contact, in WIB; None without a start."""
        if self.start is None:
            return None
        begun = datetime.combine(self.day, self.start)
        before = timedelta(minutes=self.preparation_minutes + self.travel_minutes)
        return begun - before, begun + timedelta(minutes=self.contact_minutes)

    def overlaps(self, other: "Occupation") -> bool:
        """Tells whether both are at one instant; ending when the other begins is no overlap."""
        mine, theirs = self.span, other.span
        return mine is not None and theirs is not None and mine[0] < theirs[1] and theirs[0] < mine[1]
