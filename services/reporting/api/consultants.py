"""What consultants did, over HTTP: by opaque id, without names."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.reporting.answers import Snapshot
from services.reporting.answers.activity import Beside
from services.reporting.api.answering import answered
from services.reporting.api.asking import (
    AskedForm,
    Cursor,
    Cursors,
    Limit,
    Office,
    PeriodText,
    Reader,
    filters_told,
    offices_asked,
    period_asked,
)
from services.reporting.api.tables import BEFORE, beside_cells, beside_columns, documented, text
from services.reporting.domain import Period
from services.reporting.exports import Report, Row, listed
from services.reporting.indicators.consultants import CARDS
from services.reporting.periods import PeriodAsked
from services.reporting.projections import consultant_load
from services.reporting.projections.consultant_load import Load
from services.reporting.projections.reading import Span, sums
from services.reporting.wording import role
from shared.http.problem import at_field

router = APIRouter(prefix="/v1", tags=["laporan"])

CODES = tuple(card.code for card in CARDS)
_NOTHING = dict.fromkeys(consultant_load.TOTAL.amounts, 0)


@router.get(
    "/consultants/load",
    summary="Beban konsultan dalam satu bulan, triwulan atau tahun",
    **documented(
        "Beban konsultan",
        {
            "office": "35.76",
            "consultant": "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f",
            "consultant_sessions": 14,
            "consultant_sessions_before": 11,
        },
    ),
)
async def read_consultants_load(
    request: Request,
    who: Reader,
    form: AskedForm,
    cursors: Cursors,
    period: PeriodText = None,
    office: Office = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    asked, codes = Beside.of(_months_asked(period)), offices_asked(who, office)
    position = cursors.decode(cursor)
    after = (str(position[0]), UUID(str(position[1]))) if position else None

    async def made(seen: Snapshot) -> Report:
        months = (asked.asked.first, asked.asked.last)
        total = consultant_load.TOTAL
        found = await consultant_load.page(seen.connection, seen.live.version, codes, months, after, limit + 1)
        page, more = found[:limit], len(found) > limit
        beside = await sums(
            seen.connection,
            seen.live.version,
            total,
            [Span(str(one), Period.MONTH, one.first, one.last) for one in asked.periods],
            by=("office", "consultant"),
            within={"office": codes, "consultant": [one.consultant for one in page]},
        )
        return Report(
            "beban-konsultan",
            "Beban konsultan",
            [text("office", "Kode kantor"), text("consultant", "Konsultan"), *beside_columns(CODES, asked)],
            listed(_rows(page, asked, {(one.span, *one.key): one.amounts for one in beside})),
            seen.instant,
            role(who),
            periods=asked.periods,
            filters=filters_told({"office": office}),
            notes=[BEFORE],
            next_cursor=cursors.encode([page[-1].office, str(page[-1].consultant)]) if more else None,
        )

    return await answered(request, who, form, [consultant_load.TOTAL], made)


def _months_asked(text: str | None) -> PeriodAsked:
    period = period_asked(text)
    if period.grain is Period.DAY:
        raise at_field("period", "Beban konsultan dijumlahkan per bulan.", "Isi bulan, triwulan atau tahun.")
    return period


def _rows(page: Sequence[Load], asked: Beside, amounts: Mapping[tuple[str, ...], Mapping[str, int]]) -> list[Row]:
    names = [str(period) for period in asked.told]
    keys = [(one.office, str(one.consultant)) for one in page]
    return [
        [*key, *beside_cells(CODES, asked, [amounts.get((name, *key), _NOTHING) for name in names])] for key in keys
    ]
