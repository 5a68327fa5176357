"""What somebody should look at, over HTTP: offices to call, and what happened last."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.reporting.answers import Snapshot, attention
from services.reporting.answers.attention import Standing, Thresholds
from services.reporting.api.answering import answered
from services.reporting.api.asking import (
    AskedForm,
    Cursor,
    Cursors,
    Limit,
    Office,
    Reader,
    filters_told,
    offices_asked,
)
from services.reporting.api.tables import documented, text
from services.reporting.exports import Column, Report, Row, Type, listed
from services.reporting.projections import happenings, office_activity
from services.reporting.projections.happenings import Happening
from services.reporting.rounding import percentage
from services.reporting.wording import role

router = APIRouter(prefix="/v1", tags=["laporan"])


@router.get(
    "/attention",
    summary="Kantor yang perlu diperhatikan: lama tanpa kegiatan, atau kliennya tidak mengonfirmasi",
    **documented(
        "Kantor yang perlu diperhatikan",
        {
            "office": "35.76",
            "name": "PLUT Kota Mojokerto",
            "reasons": "idle",
            "idle_days": 19,
            "asked": 42,
            "unconfirmed": 8,
            "unconfirmed_percent": 19.0,
        },
    ),
)
async def read_attention(request: Request, who: Reader, form: AskedForm) -> Response:
    thresholds: Thresholds = request.app.state.thresholds

    async def made(seen: Snapshot) -> Report:
        found = await attention.standings(seen, thresholds)
        return Report(
            "perlu-perhatian",
            "Kantor yang perlu diperhatikan",
            _COLUMNS,
            listed(_standing(one) for one in found if one.is_idle or one.is_unconfirmed),
            seen.instant,
            role(who),
            notes=_notes(thresholds),
        )

    return await answered(request, who, form, attention.TOTALS, made)


_COLUMNS = (
    text("office", "Kode kantor"),
    text("name", "Kantor"),
    text("reasons", "Alasan"),
    Column("active_on", "Hari terakhir dengan kegiatan", Type.DAY),
    Column.of("idle_days"),
    Column("asked", "Sesi yang ditanyakan", Type.NUMBER, "sesi"),
    Column.of("unconfirmed"),
    Column("unconfirmed_percent", "Bagian belum dikonfirmasi", Type.DECIMAL, "persen"),
)


def _standing(one: Standing) -> Row:
    reasons = [name for name, is_so in (("idle", one.is_idle), ("unconfirmed", one.is_unconfirmed)) if is_so]
    share = percentage(one.unconfirmed, one.asked) if one.asked else None
    office = (one.office.code, one.office.name)
    return [*office, ", ".join(reasons), one.active_on, one.idle_days, one.asked, one.unconfirmed, share]


def _notes(thresholds: Thresholds) -> Sequence[str]:
    return [
        f"idle: lebih dari {thresholds.idle_days} hari tanpa sesi dan pendaftaran.",
        f"unconfirmed: sedikitnya {thresholds.unconfirmed_percent} % dari sedikitnya {thresholds.unconfirmed_least}"
        " sesi belum dijawab klien, dalam 90 hari sampai tiga hari yang lalu; sesi yang lebih baru masih ditunggu.",
    ]


@router.get(
    "/activity/latest",
    summary="Kegiatan terbaru dalam 30 hari, tanpa identitas",
    **documented(
        "Kegiatan terbaru",
        {
            "event_id": "01926f3e-7c1a-7000-8000-4a3b2c1d0e9f",
            "type": "SessionCompleted",
            "aggregate": "session",
            "aggregate_id": "01926f3e-7c1a-7000-8000-4a3b2c1d0e90",
            "version": 1,
            "office": "35.76",
            "occurred_at": "2026-11-21T10:42:07+07:00",
        },
    ),
)
async def read_latest_activity(
    request: Request,
    who: Reader,
    form: AskedForm,
    cursors: Cursors,
    office: Office = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    codes, position = offices_asked(who, office), cursors.decode(cursor)
    before = (datetime.fromisoformat(str(position[0])), UUID(str(position[1]))) if position else None

    async def made(seen: Snapshot) -> Report:
        found = await happenings.latest(seen.connection, seen.live.version, codes, before, limit + 1)
        page = found[:limit]
        ends = [page[-1].occurred_at.isoformat(), str(page[-1].event_id)] if len(found) > limit else None
        return Report(
            "kegiatan-terbaru",
            "Kegiatan terbaru",
            _HAPPENING_COLUMNS,
            listed(_happened(page)),
            seen.instant,
            role(who),
            filters=filters_told({"office": office}),
            next_cursor=cursors.encode(ends) if ends else None,
        )

    return await answered(request, who, form, [office_activity.TOTAL], made)


_HAPPENING_COLUMNS = (
    text("event_id", "Peristiwa"),
    text("type", "Jenis peristiwa"),
    text("aggregate", "Tentang"),
    text("aggregate_id", "ID"),
    Column("version", "Versi", Type.NUMBER),
    text("office", "Kode kantor"),
    Column("occurred_at", "Waktu", Type.MOMENT),
)


def _happened(page: Sequence[Happening]) -> Iterator[Row]:
    for one in page:
        about = (one.kind, one.aggregate_id, one.version)
        yield [str(one.event_id), one.type, *about, one.office, one.occurred_at]
