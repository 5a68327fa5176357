"""Sessions and their minutes by field, service and channel, over HTTP."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.reporting.answers import Snapshot
from services.reporting.answers.activity import Beside, Services, first_by_service
from services.reporting.api.answering import answered
from services.reporting.api.asking import (
    AskedForm,
    Cursor,
    Cursors,
    Limit,
    Office,
    PeriodText,
    Reader,
    codes_asked,
    filters_told,
    offices_asked,
    period_asked,
)
from services.reporting.api.tables import BEFORE, beside_cells, beside_columns, documented, text
from services.reporting.codes import COLUMNS, name_of
from services.reporting.exports import Column, Report, Row, listed
from services.reporting.projections import sessions_by_service
from services.reporting.projections.reading import Sum
from services.reporting.wording import role

router = APIRouter(prefix="/v1", tags=["laporan"])

CODES = (
    "sessions",
    "confirmed",
    "contact_minutes",
    "preparation_minutes",
    "travel_minutes",
    "confirmed_contact_minutes",
)
_NOTHING = dict.fromkeys(sessions_by_service.TOTAL.amounts, 0)
# The codes of a row → the period → what is summed there.
_ByKey = Mapping[tuple[str, ...], Mapping[str, Mapping[str, int]]]


class By(StrEnum):
    """What sessions are told apart by."""

    FIELD = "field"
    SERVICE = "service"
    CHANNEL = "channel"


@router.get(
    "/sessions/by-service",
    summary="Sesi dan menit menurut bidang, layanan dan kanal",
    **documented(
        "Sesi menurut bidang",
        {
            "field": "marketing",
            "field_name": "Pemasaran",
            "sessions": 17,
            "sessions_before": 12,
            "contact_minutes": 1010,
        },
    ),
)
async def read_sessions_by_service(
    request: Request,
    who: Reader,
    form: AskedForm,
    cursors: Cursors,
    by: Annotated[list[By], Query(max_length=3, description="Satu atau beberapa", examples=[["field"]])] = [By.FIELD],  # noqa: B006  FastAPI copies it
    period: PeriodText = None,
    office: Office = None,
    field: Annotated[str | None, Query(max_length=40, description="Hanya bidang ini", examples=["marketing"])] = None,
    service: Annotated[str | None, Query(max_length=40, description="Hanya layanan ini", examples=["training"])] = None,
    channel: Annotated[str | None, Query(max_length=40, description="Hanya kanal ini", examples=["phone"])] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    asked, codes = Beside.of(period_asked(period)), offices_asked(who, office)
    services = Services(codes, asked.periods, whole=who.sees_province and office is None)
    only = codes_asked(field=field, service=service, channel=channel)
    told = list(dict.fromkeys(one.value for one in by))
    after = [str(code) for code in cursors.decode(cursor) or ()]

    async def made(seen: Snapshot) -> Report:
        within = {name: [one] for name, one in only.items()}
        found = await first_by_service(seen, services, told, within, after=after, limit=limit + 1)
        amounts = _amounts_of(found)
        keys = sorted(amounts)
        page, more = keys[:limit], len(keys) > limit
        return Report(
            "sesi-menurut-layanan",
            f"Sesi menurut {', '.join(COLUMNS[one].lower() for one in told)}",
            [*_about_columns(told), *beside_columns(CODES, asked)],
            listed(_rows({key: amounts[key] for key in page}, asked, told)),
            seen.instant,
            role(who),
            periods=asked.periods,
            filters=filters_told({"office": office, **only}),
            notes=[BEFORE],
            next_cursor=cursors.encode(page[-1]) if more else None,
        )

    return await answered(request, who, form, [sessions_by_service.TOTAL], made)


def _about_columns(by: Sequence[str]) -> list[Column]:
    return [
        column
        for one in by
        for column in (text(one, f"Kode {COLUMNS[one].lower()}"), text(f"{one}_name", COLUMNS[one]))
    ]


def _amounts_of(found: Sequence[Sum]) -> _ByKey:
    amounts: dict[tuple[str, ...], dict[str, Mapping[str, int]]] = {}
    for one in found:
        amounts.setdefault(one.key, {})[one.span] = one.amounts
    return amounts


def _rows(amounts: _ByKey, asked: Beside, by: Sequence[str]) -> list[Row]:
    """A row for all that was in any of the periods: what is no more is told as nothing."""
    names = [str(period) for period in asked.told]
    return [
        [*_about_cells(key, by), *beside_cells(CODES, asked, [spans.get(name, _NOTHING) for name in names])]
        for key, spans in amounts.items()
    ]


def _about_cells(key: Sequence[str], by: Sequence[str]) -> list[str]:
    return [cell for column, code in zip(by, key, strict=True) for cell in (code, name_of(column, code))]
