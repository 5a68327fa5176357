"""Past sessions over HTTP: uploaded, worked through, read, accepted; and nothing of a client stays behind."""

import io
import logging
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import openpyxl
import pytest
import pytest_asyncio
import structlog
from fastapi import FastAPI

from deploy.local.import_desk import ImportDesk, ImportRefused
from services.mentoring.app import build_api
from services.mentoring.commands import acceptance
from services.mentoring.settings import SERVICE
from shared.auth.principal import Role
from shared.imports.jobs import ImportWorker
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.integration.mentoring.office import MOJOKERTO, apply, opened, registered
from tests.integration.mentoring.test_api import head, headers, new_consultant
from tests.integration.registry.test_canary import CANARY, NIK, PHONE, all_text_of, traces_in
from tests.support.tokens import verifier, with_edge

LABELS = ["Tanggal", "NIK", "Nama Pemilik", "No HP", "Alamat", "Konsultan", "Nama Usaha", "Bidang", "Menit", "Hasil"]


@pytest_asyncio.fixture
async def app(database: Database) -> FastAPI:
    settings = with_edge(database.settings(SERVICE, "app"))
    return build_api(settings, await database.pool(SERVICE, "app"), verifier(settings))


@pytest_asyncio.fixture
async def api(app: FastAPI, worker: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """The application without its loops: sheets are worked through when the test says so."""
    await apply(worker, opened(), registered(uuid4()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://plut.test") as client:
        yield client


def sheet(*rows: list[str]) -> bytes:
    book = openpyxl.Workbook()
    for row in (["Rekap pendampingan 2025"], LABELS, *rows):
        book.worksheets[0].append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def line(day: str, minutes: str = "60", outcome: str = "Mulai rapi") -> list[str]:
    clients = [NIK, CANARY["name"], PHONE, CANARY["address"]]
    return [day, *clients, "Konsultan Uji", "Batik Uji", "Produksi", minutes, outcome]


async def imported(app: FastAPI, api: httpx.AsyncClient, content: bytes) -> str:
    answer = await api.post(f"/v1/imports?office={MOJOKERTO}", content=content, headers=head())
    assert answer.status_code == 201, answer.text
    assert await ImportWorker(app.state.pool, app.state.importer).work_next()
    return str(answer.json()["id"])


async def test_from_the_template_to_the_acceptance(app: FastAPI, api: httpx.AsyncClient) -> None:
    await new_consultant(api)
    template = openpyxl.load_workbook(io.BytesIO((await api.get("/v1/imports/template", headers=head())).content))
    assert [cell.value for cell in template.worksheets[0][1]][:3] == ["Tanggal", "Jam", "Menit"]
    job = await imported(app, api, sheet(line("20/11/2025"), line("21/11/2025"), line("21/11/2025", "sebentar")))
    path = f"/v1/imports/{job}"
    told = (await api.get(path, headers=head())).json()
    assert (told["state"], told["counts"]["created"], told["counts"]["rejected"]) == ("done", 2, 1)

    waiting = (await api.get("/v1/sessions?accepted=false", headers=head())).json()["items"]
    assert [(each["imported"], each["accepted"]) for each in waiting] == [(True, False)] * 2
    first = f"/v1/sessions/{waiting[0]['id']}"
    alone = await api.post(first + "/acceptance", headers={**head(), "If-Match": '"1"'})
    assert (alone.status_code, alone.headers["etag"]) == (200, '"2"')
    rest = await api.post(path + "/acceptance", headers=head())
    assert rest.json() == {"import_id": job, "accepted": 1, "remaining": 0}
    assert (await api.get("/v1/sessions?accepted=false", headers=head())).json()["items"] == []
    history = (await api.get(first + "/history", headers=head())).json()["items"]
    assert [(each["deed"], each["changes"][0]["after"]) for each in history] == [("accept", True)]


async def test_the_result_repeats_the_columns_of_sessions_and_nobodys_identity(
    app: FastAPI, api: httpx.AsyncClient
) -> None:
    await new_consultant(api)
    job = await imported(app, api, sheet(line("20/11/2025"), line("20/11/2025", "sebentar")))
    answer = await api.get(f"/v1/imports/{job}/result", headers=head())
    result = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = [list(row) for row in result.worksheets[0].iter_rows(values_only=True)]
    kept = ["Tanggal", "Konsultan", "Nama Usaha", "Bidang", "Menit", "Hasil"]
    assert rows[0] == [*kept, "Baris", "Status", "ID Sesi", "Alasan", "Saran"]
    assert [row[6:8] for row in rows[1:]] == [[3, "dibuat"], [4, "ditolak"]]
    assert traces_in(str(rows)) == []
    trail = (await api.get(f"/v1/imports/{job}/accesses", headers=head())).json()["items"]
    assert [each["action"] for each in trail] == ["upload_import", "read_import"]


async def test_no_trace_of_a_client_stays_in_mentoring(
    app: FastAPI,
    api: httpx.AsyncClient,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    await new_consultant(api)
    with structlog.testing.capture_logs() as logs:
        job = await imported(app, api, sheet(line("20/11/2025"), line("21/11/2025", outcome=f"Hubungi {PHONE}, {NIK}")))
        told = await api.get(f"/v1/imports/{job}", headers=head())
        await api.post(f"/v1/imports/{job}/acceptance", headers=head())
    assert (told.json()["counts"]["created"], told.json()["counts"]["rejected"]) == (1, 1)
    assert traces_in(told.text) == []
    owner = await database.pool(SERVICE, "owner")
    tables = await all_text_of(owner, SERVICE)
    assert all(tables[table] for table in ("outbox", "accepted_command", "session", "import_row", "import_job"))
    assert tables["import_piece"] == ""
    assert {table: traces_in(text) for table, text in tables.items() if traces_in(text)} == {}
    printed = capfd.readouterr()
    assert traces_in(str(logs) + caplog.text + printed.out + printed.err) == []


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OFFICE_HEAD}))
async def test_only_heads_import_and_accept(api: httpx.AsyncClient, role: Role) -> None:
    told = headers(role)
    for path in (f"/v1/imports?office={MOJOKERTO}", f"/v1/imports/{uuid4()}/acceptance"):
        assert (await api.post(path, content=b"a;b", headers=told)).status_code == 403


async def test_a_terminal_imports_and_accepts_page_by_page(
    app: FastAPI, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await new_consultant(api)
    monkeypatch.setattr(acceptance, "AT_ONCE", 2)
    desk = ImportDesk("http://plut.test", MOJOKERTO, lambda: head()["Authorization"].removeprefix("Bearer "))
    monkeypatch.setattr(desk, "_client", api)
    job = await desk.upload(sheet(*(line(f"{day}/11/2025") for day in range(10, 15))))
    with pytest.raises(ImportRefused) as refused:
        await desk.accept(job)
    assert "masih dikerjakan" in refused.value.message
    assert await ImportWorker(app.state.pool, app.state.importer).work_next()
    assert [(each.state, each.counts["created"]) async for each in desk.follow(job)] == [("done", 5)]
    assert [await desk.accept(job), await desk.accept(job)] == [5, 0]
