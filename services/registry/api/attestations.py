"""Attestations over HTTP: the offices' list, statements on paper, and what a client says without a login."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, WithJsonSchema, model_validator

from services.registry.api import conversations
from services.registry.api.wiring import OpenVault
from services.registry.commands import attestations as commands
from services.registry.domain import attestations as rules
from services.registry.domain.attestations import Attestation, Method, PaperForm, Standing, State
from services.registry.domain.forms import Form
from services.registry.store import attestations as store
from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.clock import utc_now
from shared.commands import Answer
from shared.commands import Request as Write
from shared.http import problem
from shared.http.problem import FieldProblem, Problem
from shared.http.requests import offices_to_read, principal_for, reply, write_for
from shared.http.wiring import Cursors, OpenPool
from shared.postgres import transaction

router = APIRouter(prefix="/v1")
_CODE = r"^[0-9]{6}$"
Token = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9_-]{22}$",
        description="Rujukan pada pesan yang diterima",
        examples=["Jx0c2vVb7nQ4mT9rY1kLsA"],
    ),
]


class Said(Form):
    """One of the two: the code from the message if the record is true, or `dispute` if it is not."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["code"]}, {"required": ["dispute"]}]})

    code: Annotated[
        str | None,
        Field(pattern=_CODE, description="Enam angka dari pesan", examples=["042517"]),
        WithJsonSchema({"type": "string", "pattern": _CODE}),
    ] = None
    dispute: Annotated[StrictBool | None, WithJsonSchema({"type": "boolean", "const": True})] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if len(self.model_fields_set) != 1 or (self.code is None and self.dispute is not True):
            raise ValueError("Isi code atau dispute, satu saja.|Kirim enam angka di code, atau dispute: true.")
        return self


class AttestationSaid(BaseModel):
    id: UUID
    version: int
    state: State
    tries_left: int


class AttestationView(BaseModel):
    """What a client was told and what became of it; never the code."""

    id: UUID
    session: UUID
    business: UUID
    trade_name: str
    office: Annotated[str, Field(examples=["35.76"])]
    confirmable_version: int
    day: date
    start: Annotated[str | None, Field(description="WIB", examples=["09:30"])]
    contact_minutes: int
    field: str
    service: str
    channel: str
    state: Standing
    opened_at: datetime
    expires_at: datetime
    tries_left: int
    method: Method | None
    settled_at: datetime | None


class AttestationPage(BaseModel):
    items: list[AttestationView]
    next_cursor: str | None


@router.get("/attestations", summary="Daftar konfirmasi pelaku usaha")
async def list_attestations(
    principal: Annotated[Principal, Depends(principal_for(Action.READ_ATTESTATIONS))],
    pool: OpenPool,
    cursors: Cursors,
    office: Annotated[str | None, Query(max_length=10, examples=["35.76"])] = None,
    state: Annotated[Standing | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> AttestationPage:
    offices = offices_to_read(principal, Action.READ_ATTESTATIONS, office)
    place, now = cursors.decode(cursor), utc_now()
    after = None if place is None else (datetime.fromisoformat(str(place[0])), UUID(str(place[1])))
    async with transaction(pool, principal.offices) as connection:
        found = await store.list_attestations(connection, offices, state, now, after, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    more = None if last is None else cursors.encode([last.opened_at.isoformat(), str(last.id)])
    return AttestationPage(items=[_view(one, now) for one in found[:limit]], next_cursor=more)


@router.post(
    "/attestations/{attestation_id}/paper",
    status_code=201,
    response_model=AttestationSaid,
    summary="Catat pernyataan di atas kertas",
)
async def say_on_paper(
    attestation_id: UUID,
    form: Annotated[PaperForm, Body()],
    write: Annotated[Write, Depends(write_for(Action.ATTEST_ON_PAPER))],
    pool: OpenPool,
) -> Response:
    return reply(await commands.say_on_paper(pool, write, attestation_id, form))


_PROBLEM = {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


@router.post(
    "/public/attestations/{token}",
    status_code=201,
    response_model=AttestationSaid,
    summary="Benarkan atau sanggah sesi, tanpa masuk",
    dependencies=[Depends(conversations.admit)],
    responses={
        409: {"description": "Sudah dijawab, kedaluwarsa, terkunci atau tidak berlaku lagi", "content": _PROBLEM},
        429: {"description": "Terlalu sering dari satu alamat", "content": _PROBLEM},
    },
)
async def say(
    request: Request,
    token: Token,
    said: Annotated[Said, Body()],
    pool: OpenPool,
    vault: OpenVault,
    idempotency_key: Annotated[str | None, Header(min_length=8, max_length=128, pattern="^[!-~]+$")] = None,
) -> Response:
    found = await conversations.find(pool, vault, token)
    answer = await conversations.say(request, found, said.code, idempotency_key)
    if answer.body["state"] == State.WAITING:
        raise wrong_code(answer)
    return reply(answer)


def wrong_code(answer: Answer) -> Problem:
    """Returns what is said to a wrong code, after the try was counted."""
    left = int(answer.body["tries_left"])
    cure = f"Periksa enam angka pada pesan terbaru. Masih bisa dicoba {left} kali."
    if not left:
        cure = rules.refusal(Standing.LOCKED).cure
    wrong = FieldProblem("code", "Kode salah.", cure)
    return Problem(
        422, "wrong-code", "Kode salah", wrong.message, cure=cure, errors=[wrong], extra={"tries_left": left}
    )


def _view(one: Attestation, now: datetime) -> AttestationView:
    told = {name: getattr(one, name) for name in AttestationView.model_fields if name not in ("start", "state")}
    start = None if one.start is None else f"{one.start:%H:%M}"
    return AttestationView(**told, start=start, state=rules.standing(one, now))
