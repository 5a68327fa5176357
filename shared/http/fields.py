"""Fields of request bodies that pydantic alone would take in too many spellings, a number for a date among them."""

import re
from datetime import date, time
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticKnownError

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$", re.ASCII)
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$", re.ASCII)


def _written_day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.match(value):
        raise PydanticKnownError("date_type")
    return value


def _written_time(value: object) -> object:
    if not isinstance(value, str) or not _TIME.match(value):
        raise PydanticKnownError("time_type")
    return value


Day = Annotated[
    date,
    BeforeValidator(_written_day),
    WithJsonSchema({"type": "string", "format": "date", "example": "2026-11-21"}),
]
ClockTime = Annotated[
    time,
    BeforeValidator(_written_time),
    WithJsonSchema({"type": "string", "pattern": _TIME.pattern, "example": "09:30"}),
]
