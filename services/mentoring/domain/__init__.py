"""Mentoring's rules. Pure: `now` is an argument, and what they know of the world is handed to them."""

from services.mentoring.domain.calendar import MINUTES_OF_A_DAY, REACH, Occupation
from services.mentoring.domain.consultants import Consultant, ConsultantChange, NewConsultant, consultant_faults
from services.mentoring.domain.sessions import (
    Business,
    SessionDraft,
    are_provisional,
    calendar_faults,
    is_overdue,
    session_faults,
)
from services.mentoring.domain.words import Channel, Field, Service

__all__ = [
    "MINUTES_OF_A_DAY",
    "REACH",
    "Business",
    "Channel",
    "Consultant",
    "ConsultantChange",
    "Field",
    "NewConsultant",
    "Occupation",
    "Service",
    "SessionDraft",
    "are_provisional",
    "calendar_faults",
    "consultant_faults",
    "is_overdue",
    "session_faults",
]
