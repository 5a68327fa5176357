"""What every answer has: its instant, its tag, and the 304 for who has read it already."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from services.reporting.answers import Instant, Snapshot, snapshot
from services.reporting.api.asking import Form
from services.reporting.exports import Format, Report, render
from services.reporting.projections.total import Total
from shared.auth.principal import Principal


class Answer(BaseModel):
    """`as_of`: everything committed up to then is in the figures; null until all services have been heard of."""

    as_of: datetime | None
    behind_ms: int | None
    position: str


def etag(request: Request, instant: Instant, form: Format = Format.JSON) -> str:
    """Returns the weak tag of everything read at this position on this day; as-of may move on under it.

    Another release, and other thresholds, may say something else of the same position.
    """
    return f'W/"{instant.position}-{instant.today:%Y%m%d}-{form}-{request.app.state.maker}"'


def is_known(request: Request, instant: Instant, form: Format = Format.JSON) -> bool:
    """Tells whether the caller has read this already."""
    known = [tag.strip() for told in request.headers.getlist("if-none-match") for tag in told.split(",")]
    return known == ["*"] or _opaque(etag(request, instant, form)) in map(_opaque, known)


def _opaque(tag: str) -> str:
    """Returns what is compared of a tag: to If-None-Match a weak one and a strong one are the same."""
    return tag.removeprefix("W/")


def not_modified(request: Request, instant: Instant, form: Format = Format.JSON) -> Response:
    """Returns the 304 that says: the same figures, which are as of now known to be right up to here."""
    return Response(status_code=304, headers=headers(request, instant, form))


def headers(request: Request, instant: Instant, form: Format = Format.JSON) -> dict[str, str]:
    """Returns what lets a client ask again cheaply, and not show one person's answer to another."""
    told = {
        "ETag": etag(request, instant, form),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie, Accept",
    }
    if instant.as_of is not None:
        told["Data-As-Of"] = instant.as_of.isoformat()
    return told


def reply(request: Request, kind: type[Answer], body: dict[str, Any], instant: Instant) -> Response:
    """Returns the answer with its instant."""
    told = {"as_of": instant.as_of, "behind_ms": instant.behind_ms, "position": str(instant.position), **body}
    return JSONResponse(kind.model_validate(told).model_dump(mode="json"), headers=headers(request, instant))


async def answered(
    request: Request, who: Principal, form: Form, totals: Sequence[Total], made: Callable[[Snapshot], Awaitable[Report]]
) -> Response:
    """Returns the report that `made` makes of one snapshot, as it was asked for, or a 304 to who has it already."""
    async with snapshot(request.app.state.pool, who, totals) as seen:
        if is_known(request, seen.instant, form.format):
            return not_modified(request, seen.instant, form.format)
        report = await made(seen)
    told = headers(request, report.instant, form.format)
    return await render(report, form.format, told, form.separator)
