"""Sheets of past sessions, uploaded and worked through as the api's process does it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from services.mentoring.commands.imports import SessionImporter
from shared.auth.principal import Principal
from shared.commands import Answer
from shared.http.requests import Upload
from shared.imports import store
from shared.imports.content import stored_seal
from shared.imports.jobs import ImportWorker
from shared.imports.uploads import upload_sheet
from shared.postgres import Pool, transaction
from shared.privacy.keys import derive_keys
from tests.integration.mentoring.office import HEAD, MOJOKERTO, request

HEADER = "Tanggal;Jam;Menit;Konsultan;ID Usaha;Nama Usaha;Kelurahan;Bidang;Hasil"


class Sheets:
    """One office's imports, with the loop called by hand."""

    def __init__(self, pool: Pool, head: Principal = HEAD, office: str = MOJOKERTO) -> None:
        self.pool = pool
        self.head = head
        self.office = office
        self.importer = SessionImporter(pool, derive_keys(b"a secret of the tests, long enough", "tests"))
        self.worker = ImportWorker(pool, self.importer)

    async def upload(self, *rows: str, header: str = HEADER, dry_run: bool = False) -> UUID:
        content = bytearray("\n".join([header, *rows]).encode())
        upload = Upload(request(self.head), content)
        answer: Answer = await upload_sheet(self.pool, self.importer, upload, self.office, dry_run=dry_run)
        return UUID(answer.body["id"])

    async def run(self, *rows: str, header: str = HEADER, dry_run: bool = False) -> "Finished":
        """Uploads a sheet and works it through."""
        job = await self.upload(*rows, header=header, dry_run=dry_run)
        assert await self.worker.work_next()
        return await self.finished(job)

    async def finished(self, job: UUID) -> "Finished":
        async with transaction(self.pool, [self.office]) as connection:
            record = await store.find_import(connection, job)
            rows = await store.read_rows(connection, job, 0, 10_000)
            wrapped = await store.read_key(connection, job)
        assert record is not None
        assert wrapped is not None
        seal = stored_seal(self.importer, job, wrapped)
        cells = {row.number: json.dumps(seal.open_row(row.number, row.content).cells) for row in rows}
        return Finished(record, rows, cells)


class Finished:
    """A job as it ended, and its rows."""

    def __init__(self, record: store.ImportRecord, rows: Sequence[store.SealedRow], cells: Mapping[int, str]) -> None:
        self.job = record.job.id
        self.record = record
        self.cells = cells
        self.outcomes = [row.outcome for row in rows]

    @property
    def counts(self) -> dict[str, int]:
        """Returns the counts that are not 0; fails unless they add up."""
        told = asdict(self.record.counts)
        assert told.pop("rows") == sum(told.values()) == len(self.outcomes)
        return {status: count for status, count in told.items() if count}

    @property
    def statuses(self) -> list[str]:
        return [str(outcome.status) if outcome else "" for outcome in self.outcomes]

    @property
    def subjects(self) -> list[UUID]:
        return [outcome.subject for outcome in self.outcomes if outcome and outcome.subject]

    def told(self, place: int) -> str:
        outcome = self.outcomes[place]
        assert outcome is not None
        return " ".join(f"[{each.field}] {each.message} {each.cure}" for each in outcome.remarks)


def row(**cells: Any) -> str:
    """Returns a line of the sheet; what is not said is as in most rows."""
    told = {
        "day": "20/11/2025",
        "start": "",
        "minutes": "60",
        "who": "Rina Wahyuni",
        "id": "",
        "name": "Batik Uji",
        "kelurahan": "",
        "field": "Produksi",
        "outcome": "",
        **cells,
    }
    return ";".join(str(cell) for cell in told.values())
