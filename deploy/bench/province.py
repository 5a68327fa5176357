"""The province of the measurement: eight offices, their consultants, and the days of which sessions are."""

from datetime import date, timedelta
from enum import Enum
from typing import TypeAlias
from uuid import UUID

from deploy.demo.people import OFFICES, kelurahan_of
from shared.auth.principal import Principal, Role

CODES = tuple(office.code for office in OFFICES)
DAYS = 3 * 365
SUBJECT = "stf-bench"
_CONSULTANT = 3

Place: TypeAlias = tuple[str, date]


def everybody() -> Principal:
    """Returns a principal that may write anything for every office: one program stands for all of their staff."""
    return Principal(SUBJECT, frozenset({Role.ADMINISTRATOR, Role.OFFICE_HEAD, Role.FRONT_DESK}), CODES)


def first_day(today: date) -> date:
    """Returns the day on which all offices opened: three years ago."""
    return today - timedelta(days=DAYS)


def scattered(number: int, today: date) -> Place:
    """Returns office and day of the n-th session (from 0), where they come in the worst order.

    Consecutive sessions lie in different offices and days; only after all 8 x 1,095 does one come a second time.
    """
    return CODES[number % len(CODES)], first_day(today) + timedelta(days=number // len(CODES) * 7 % DAYS)


def recent(number: int, today: date) -> Place:
    """Returns office and day of the n-th session (from 0) as offices write them: today's, and some that come late."""
    return CODES[number % len(CODES)], today - timedelta(days=days_late(number))


def days_late(number: int) -> int:
    """Returns how late the n-th session is written: of ten seven on their day, two the next day or the day after, and
    one within three weeks.
    """
    place = number * 7919 % 10
    return 0 if place < 7 else place - 6 if place < 9 else number % 21


def consultant(number: int, among: int) -> UUID:
    """Returns who held the n-th session: one of so many of its office, each in turn."""
    return fixed_id(_CONSULTANT, number % (among * len(CODES)))


class Deed(Enum):
    """What a command does."""

    SESSION = "session"
    REGISTRATION = "registration"
    CORRECTION = "correction"


def deed(number: int) -> Deed:
    """Returns what the n-th command does: of ten seven are sessions, two registrations, one is a correction."""
    place = number // len(CODES) % 10
    return Deed.SESSION if place < 7 else Deed.REGISTRATION if place < 9 else Deed.CORRECTION


def kelurahan(office: str, number: int) -> str:
    """Returns one of the kelurahan of an office's region."""
    known = kelurahan_of(office)
    return known[number % len(known)]


def fixed_id(kind: int, number: int) -> UUID:
    """Returns the id of the n-th aggregate of a kind that is made in bulk: the same in every run."""
    return UUID(int=(kind << 96) | (7 << 76) | (2 << 62) | number)
