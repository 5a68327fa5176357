"""What every route of mentoring is handed and asks for. Coroutines: FastAPI runs a plain function in a thread."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.mentoring.commands import Sessions
from shared.http.cursors import PageCursors

OfficeCode = Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}$", examples=["35.76"])]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]
Office = Annotated[OfficeCode | None, Query()]


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


OpenSessions = Annotated[Sessions, Depends(_sessions)]


class Strict(BaseModel):
    """A misspelt field is refused, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def place_of(cursors: PageCursors, cursor: str | None) -> int | None:
    """Returns the place in a list at which a page ended."""
    position = cursors.decode(cursor)
    return None if position is None else int(position[0])


def next_cursor(cursors: PageCursors, places: Sequence[str | int], limit: int) -> str | None:
    """One row more than the page was asked for: if it came, there is a next page."""
    return cursors.encode([places[limit - 1]]) if len(places) > limit else None
