"""A small application behind the real edge, for what is true of every service."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from shared import commands
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.http.app import create_app
from shared.http.cursors import PageCursors
from shared.http.requests import page_cursors, principal_for, reply, required_revision, write_for
from shared.postgres import Pool
from shared.settings import Settings
from tests.support import tokens
from tests.support.ledger import Ledger

router = APIRouter(prefix="/v1")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=10)]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=20)]
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    kind: Literal["a", "b"] = "a"
    parts: list[Part] = []


Reader = Annotated[Principal, Depends(principal_for(Action.READ_BUSINESSES))]
Writer = Annotated[commands.Request, Depends(write_for(Action.REGISTER_BUSINESS))]
Seen = Annotated[int, Depends(required_revision)]
Cursors = Annotated[PageCursors, Depends(page_cursors)]


@router.get("/things")
async def list_things(
    principal: Reader, cursors: Cursors, cursor: str | None = None, limit: int = 10
) -> dict[str, Any]:
    position = cursors.decode(cursor)
    return {"after": position, "by": principal.subject, "next_cursor": cursors.encode(["x", limit])}


@router.get("/others")
async def list_others(_principal: Reader, cursors: Cursors, cursor: str | None = None) -> dict[str, Any]:
    return {"after": cursors.decode(cursor)}


@router.get("/things/{thing}")
async def read_thing(thing: UUID, _principal: Reader) -> dict[str, str]:
    return {"id": str(thing)}


@router.patch("/things/{thing}")
async def change_thing(thing: UUID, form: Thing, seen: Seen, write: Writer) -> dict[str, Any]:
    return {"id": str(thing), "name": form.name, "seen": seen, "digest": write.body_digest.hex()}


@router.get("/page")
async def page() -> Response:
    return Response("<p>halo</p>", media_type="text/html")


def create(settings: Settings, pool: Pool, *extra: APIRouter) -> FastAPI:
    """Returns the application; POST /v1/things writes one row of the Ledger's."""
    writing = APIRouter(prefix="/v1")

    @writing.post("/things", status_code=201)
    async def make_thing(form: Thing, write: Writer) -> Response:
        answer = await commands.execute(pool, write, Ledger.deciding(write.key, form.name))
        return reply(answer, location=f"/v1/things/{answer.body['id']}")

    told = tokens.with_edge(settings)
    return create_app(
        service="registry",
        title="Registri",
        settings=told,
        pool=pool,
        verifier=tokens.verifier(told),
        routers=[router, writing, *extra],
    )
