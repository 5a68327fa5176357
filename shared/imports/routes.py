"""Imports over HTTP: the same routes for every service that has them, each with its own action and importer."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from starlette.responses import StreamingResponse

from shared.auth.policy import Action
from shared.auth.principal import Principal
from shared.commands import Request as Write
from shared.http import tracing
from shared.http.requests import (
    IncomingUpload,
    allow,
    offices_to_read,
    principal_for,
    reply,
    upload_for,
    write_for,
)
from shared.http.wiring import Cursors, OpenPool
from shared.imports import problems, store
from shared.imports.content import Found, stored_seal
from shared.imports.importer import Importer, Reader
from shared.imports.result import ResultSheet, ResultWriter
from shared.imports.store import ImportRecord, State
from shared.imports.uploads import cancel_import, learn_labels, upload_sheet
from shared.imports.views import (
    ImportBegun,
    ImportPage,
    ImportView,
    MappingForm,
    MappingSaved,
    MappingView,
    field_view,
    import_view,
)
from shared.postgres import Pool, transaction
from shared.sheets.reading import MOST_BYTES
from shared.sheets.result import write_template

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES = {("POST", "/v1/imports"): MOST_BYTES}
_PAGE = 400
_AFTER_ALL = (datetime(9000, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_SHEET_BODY = {"requestBody": {"required": True, "content": {XLSX: _BYTES, "text/csv": _BYTES}}}
_SHEET_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: _BYTES}, "description": "Lembar .xlsx"}}

Office = Annotated[str, Query(max_length=10, description="Kantor yang mengimpor", examples=["35.76"])]


async def _importer(request: Request) -> Importer:
    importer: Importer = request.app.state.importer
    return importer


async def _writer(request: Request) -> ResultWriter:
    writer: ResultWriter = request.app.state.result_writer
    return writer


TheImporter = Annotated[Importer, Depends(_importer)]
TheWriter = Annotated[ResultWriter, Depends(_writer)]


def import_routes(action: Action) -> APIRouter:  # noqa: C901  a list of routes, no branch
    """Returns the routes for those who may do this action; `app.state` holds `importer` and `result_writer`."""
    router = APIRouter(prefix="/v1")

    @router.post(
        "/imports",
        status_code=201,
        response_model=ImportBegun,
        openapi_extra=_SHEET_BODY,
        summary="Unggah lembar",
        description="Isi permintaan adalah berkas .xlsx atau .csv itu sendiri, paling besar 20 MB.",
    )
    async def upload(
        incoming: Annotated[IncomingUpload, Depends(upload_for(action))],
        pool: OpenPool,
        importer: TheImporter,
        office: Office,
        dry_run: Annotated[bool, Query(description="Uji coba: dinilai, tetapi tidak disimpan")] = False,  # noqa: FBT002  a query parameter
    ) -> Response:
        allow(incoming.principal, action, office)
        async with incoming.received() as sheet:
            answer = await upload_sheet(pool, importer, sheet, office, dry_run=dry_run)
        return reply(answer, location=f"/v1/imports/{answer.body['id']}")

    @router.get("/imports", summary="Daftar impor, yang terbaru lebih dulu")
    async def list_imports(
        principal: Annotated[Principal, Depends(principal_for(action))],
        pool: OpenPool,
        cursors: Cursors,
        office: Annotated[str | None, Query(max_length=10, examples=["35.76"])] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> ImportPage:
        offices = offices_to_read(principal, action, office)
        place = cursors.decode(cursor)
        before = _AFTER_ALL if place is None else (datetime.fromisoformat(str(place[0])), UUID(str(place[1])))
        async with transaction(pool, principal.offices) as connection:
            found = await store.list_imports(connection, offices, before, limit + 1)
        end = found[limit - 1] if len(found) > limit else None
        more = None if end is None else cursors.encode([end.uploaded_at.isoformat(), str(end.job.id)])
        return ImportPage(items=[import_view(record, None) for record in found[:limit]], next_cursor=more)

    @router.get("/imports/template", response_class=Response, responses=_SHEET_ANSWER, summary="Templat impor (.xlsx)")
    async def template(
        _principal: Annotated[Principal, Depends(principal_for(action))], importer: TheImporter
    ) -> Response:
        target = io.BytesIO()
        write_template(target, importer.columns)
        return Response(target.getvalue(), media_type=XLSX, headers=_named("templat-impor.xlsx"))

    @router.get("/imports/{import_id}", summary="Kemajuan satu impor")
    async def read_import(
        import_id: UUID,
        principal: Annotated[Principal, Depends(principal_for(action))],
        pool: OpenPool,
        importer: TheImporter,
    ) -> ImportView:
        async with transaction(pool, principal.offices) as connection:
            record = await _find(connection, import_id)
            found = await _found(connection, importer, record)
        return import_view(record, found)

    @router.post("/imports/{import_id}/cancellation", response_model=ImportBegun, summary="Batalkan impor")
    async def cancel(import_id: UUID, write: Annotated[Write, Depends(write_for(action))], pool: OpenPool) -> Response:
        return reply(await cancel_import(pool, write, import_id))

    @router.get(
        "/imports/{import_id}/result",
        response_class=Response,
        responses=_SHEET_ANSWER,
        summary="Lembar hasil, untuk diperbaiki dan diunggah lagi",
    )
    async def result(
        import_id: UUID,
        principal: Annotated[Principal, Depends(principal_for(action))],
        request: Request,
        pool: OpenPool,
        importer: TheImporter,
        writer: TheWriter,
    ) -> Response:
        async with transaction(pool, principal.offices) as connection:
            record = await _find(connection, import_id)
            sheet = await _result_sheet(connection, importer, record)
            correlation_id = tracing.of(request.scope).correlation_id
            reader = Reader(principal.subject, record.job.office, import_id, correlation_id)
            await importer.note(connection, "read_import", reader)
        pieces = await writer.write(_lines(pool, principal, import_id, sheet))
        return StreamingResponse(_each(pieces), media_type=XLSX, headers=_named(f"hasil-impor-{import_id}.xlsx"))

    @router.get("/import-mappings/{code}", summary="Judul kolom yang dipakai kantor")
    async def read_mapping(
        code: str,
        principal: Annotated[Principal, Depends(principal_for(action))],
        pool: OpenPool,
        importer: TheImporter,
    ) -> MappingView:
        allow(principal, action, code)
        async with transaction(pool, principal.offices) as connection:
            fields = await store.read_mapping(connection, code)
        return MappingView(office=code, fields=fields, known=[field_view(column) for column in importer.columns])

    @router.put("/import-mappings/{code}", response_model=MappingSaved, summary="Ingat judul kolom kantor")
    async def save_mapping(
        code: str,
        form: Annotated[MappingForm, Body()],
        write: Annotated[Write, Depends(write_for(action))],
        pool: OpenPool,
        importer: TheImporter,
    ) -> Response:
        allow(write.principal, action, code)
        return reply(await learn_labels(pool, importer, write, code, form.fields))

    return router


async def _find(connection: Any, import_id: UUID) -> ImportRecord:  # noqa: ANN401  pooled or plain
    record = await store.find_import(connection, import_id)
    if record is None:
        raise problems.import_not_found()
    return record


async def _found(connection: Any, importer: Importer, record: ImportRecord) -> Found | None:  # noqa: ANN401
    if record.found_sealed is None:
        return None
    wrapped = await store.read_key(connection, record.job.id)
    return None if wrapped is None else stored_seal(importer, record.job.id, wrapped).open_found(record.found_sealed)


async def _result_sheet(connection: Any, importer: Importer, record: ImportRecord) -> ResultSheet:  # noqa: ANN401
    wrapped = await store.read_key(connection, record.job.id)
    if record.state not in (State.DONE, State.CANCELLED) or record.found_sealed is None or wrapped is None:
        raise problems.result_missing(record.state)
    seal = stored_seal(importer, record.job.id, wrapped)
    return ResultSheet(importer, seal, seal.open_found(record.found_sealed))


async def _lines(pool: Pool, principal: Principal, import_id: UUID, sheet: ResultSheet) -> AsyncIterator[bytes]:
    yield sheet.header()
    after = 0
    while True:
        async with transaction(pool, principal.offices) as connection:
            rows = await store.read_rows(connection, import_id, after, _PAGE)
        if not rows:
            return
        yield sheet.lines(rows)
        after = rows[-1].number


async def _each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
