"""Sheets as tests upload them, and the loop that works them through, begun by hand: no test waits for a clock."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import openpyxl

from services.registry.commands.imports import BusinessImporter
from services.registry.domain.identity import Vault
from shared.clock import utc_now
from shared.ids import new_id
from shared.imports.jobs import ImportWorker
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, some_nik, some_trade_name

LABELS = ("Nama Usaha", "Nama Pemilik", "NIK", "No HP", "Kelurahan")
COUNTED = ("created", "unchanged", "matched", "possible_duplicate", "rejected", "skipped")


def line(**changes: str) -> list[str]:
    """Returns a good row under LABELS; `changes` replace cells."""
    cells = {
        "name": some_trade_name(),
        "owner": "Siti Aminah",
        "nik": some_nik(),
        "phone": "",
        "kelurahan": "35.76.02.1001",
        **changes,
    }
    return list(cells.values())


def csv_of(rows: Sequence[Sequence[object]], labels: Sequence[str] = LABELS) -> bytes:
    target = io.StringIO()
    csv.writer(target).writerows([labels, *rows])
    return target.getvalue().encode()


def xlsx_of(rows: Sequence[Sequence[Any]]) -> bytes:
    """Returns a workbook of these rows, header and all."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def rows_of(content: bytes) -> list[list[Any]]:
    """Returns all rows of a workbook as they stand."""
    sheet: Any = openpyxl.load_workbook(io.BytesIO(content)).active
    return [list(row) for row in sheet.iter_rows(values_only=True)]


@dataclass(frozen=True)
class ImportsDesk:
    """An office that imports; `worker` stands for the loop of the api, which does not run here."""

    desk: Desk
    pool: Pool
    vault: Vault

    def worker(self, clock: Any = utc_now) -> ImportWorker:
        return ImportWorker(self.pool, BusinessImporter(self.pool, self.vault), clock)

    async def upload(
        self, content: bytes, *, office: str | None = None, dry_run: bool = False, key: str | None = None
    ) -> httpx.Response:
        desk = self.desk if office is None else self.desk.at(office)
        path = f"/v1/imports?office={desk.office}&dry_run={str(dry_run).lower()}"
        headers = {**desk.bearer(), "Idempotency-Key": key or str(new_id())}
        return await self.desk.client.post(path, content=content, headers=headers)

    async def uploaded(self, content: bytes, **how: Any) -> str:
        """Uploads a sheet that must be taken; returns the import's id."""
        answer = await self.upload(content, **how)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def imported(self, content: bytes, **how: Any) -> dict[str, Any]:
        """Uploads a sheet and works it through; returns what is told of it."""
        import_id = await self.uploaded(content, **how)
        assert await self.worker().work_next()
        return await self.told(import_id)

    async def told(self, import_id: str) -> dict[str, Any]:
        answer = await self.desk.read(f"/v1/imports/{import_id}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        counts = told["counts"]
        if told["state"] in ("done", "cancelled"):
            assert counts["rows"] == sum(counts[name] for name in COUNTED) == told["finished"], counts
        return told

    async def result(self, import_id: str) -> bytes:
        answer = await self.desk.read(f"/v1/imports/{import_id}/result")
        assert answer.status_code == 200, answer.text
        return answer.content


def counted(told: Mapping[str, Any]) -> dict[str, int]:
    """Returns the counts that are not zero, but for `rows`."""
    return {name: told["counts"][name] for name in COUNTED if told["counts"][name]}


def later(**how_much: float) -> Any:
    """Returns a clock that is ahead by so much."""

    def clock() -> datetime:
        return utc_now() + timedelta(**how_much)

    return clock
