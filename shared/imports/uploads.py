"""A sheet is uploaded, stopped, and its office's labels are learnt: each one command."""

from collections.abc import Mapping
from uuid import UUID

from shared.commands import Answer, Request, Work, execute
from shared.http.requests import Upload
from shared.ids import new_id
from shared.imports import problems, store
from shared.imports.content import new_seal
from shared.imports.importer import Importer, Job, Reader
from shared.postgres import Pool


async def upload_sheet(pool: Pool, importer: Importer, upload: Upload, office: str, *, dry_run: bool) -> Answer:
    """Stores a sheet, sealed, for the loop to work through: 201. Raises a 422 Problem for an empty file."""
    if not upload.content:
        raise problems.empty_file()
    request = upload.write

    async def decide(work: Work) -> Answer:
        job = Job(new_id(), office, dry_run, request.principal, request.correlation_id)
        seal, key = new_seal(importer, job.id)
        await store.insert_job(work.connection, job, len(upload.content), key, request.now)
        for place, piece in enumerate(seal.pieces(upload.content)):
            await store.insert_piece(work.connection, job, place, piece)
        reader = Reader(request.principal.subject, office, job.id, request.correlation_id)
        await importer.note(work.connection, "upload_import", reader)
        return Answer(201, {"id": str(job.id), "state": store.State.WAITING})

    return await execute(pool, request, decide)


async def cancel_import(pool: Pool, request: Request, job: UUID) -> Answer:
    """Stops an import between two rows: 200. Raises a Problem: 404 (also another office's), 409 if it has ended."""

    async def decide(work: Work) -> Answer:
        cancelled = await store.request_cancel(work.connection, job, request.now)
        record = await store.find_import(work.connection, job)
        if record is None:
            raise problems.import_not_found()
        if not cancelled:
            raise problems.import_ended()
        return Answer(200, {"id": str(job), "state": record.state})

    return await execute(pool, request, decide)


async def learn_labels(
    pool: Pool, importer: Importer, request: Request, office: str, fields: Mapping[str, str]
) -> Answer:
    """Remembers which fields the labels of an office's sheets stand for, all of them: 200. Raises a 422 Problem."""
    problems.check_mapping(fields, importer.columns)

    async def decide(work: Work) -> Answer:
        await store.save_mapping(work.connection, office, fields, request.principal.subject, request.now)
        return Answer(200, {"office": office, "fields": dict(fields)})

    return await execute(pool, request, decide)
