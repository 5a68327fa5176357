"""What every route of mentoring is handed and asks for. Coroutines: FastAPI runs a plain function in a thread."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.http.cursors import PageCursors
from shared.http.requests import allow, page_cursors, required_revision
from shared.postgres import Pool

OfficeCode = Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}$", examples=["35.76"])]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=400)]
Office = Annotated[OfficeCode | None, Query()]
Cursors = Annotated[PageCursors, Depends(page_cursors)]
Seen = Annotated[int, Depends(required_revision)]


async def _pool(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


OpenPool = Annotated[Pool, Depends(_pool)]


class Strict(BaseModel):
    """A misspelt field is refused, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Warned(BaseModel):
    """Odd, but accepted."""

    field: Annotated[str, Field(examples=["outcome"])]
    message: str
    cure: str


def offices_to_read(principal: Principal, action: Action, office: str | None) -> Sequence[str]:
    """Returns the offices whose rows are asked for: one that is named, or all of the caller's."""
    if office is None:
        return principal.offices
    allow(principal, action, office)
    return [office]


def place_of(cursors: PageCursors, cursor: str | None) -> int | None:
    """Returns the place in a list at which a page ended."""
    position = cursors.decode(cursor)
    return None if position is None else int(position[0])


def next_cursor(cursors: PageCursors, places: Sequence[str | int], limit: int) -> str | None:
    """One row more than the page was asked for: if it came, there is a next page."""
    return cursors.encode([places[limit - 1]]) if len(places) > limit else None
