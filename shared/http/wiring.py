"""What the routes of every service are handed: the pool, the revision that was seen, the cursors of their list.

Coroutines all: FastAPI runs a plain function in a thread, which cost more than the rest of the edge.
"""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from shared.http.cursors import PageCursors
from shared.http.requests import page_cursors, required_revision
from shared.postgres import Pool


async def pool_of(request: Request) -> Pool:
    """A dependency: the pool of the service's own schema."""
    pool: Pool = request.app.state.pool
    return pool


OpenPool = Annotated[Pool, Depends(pool_of)]
Seen = Annotated[int, Depends(required_revision)]
Cursors = Annotated[PageCursors, Depends(page_cursors)]


class Warned(BaseModel):
    """Odd, but accepted."""

    field: Annotated[str, Field(examples=["owners.0.nik"])]
    message: str
    cure: str
