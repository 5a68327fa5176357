"""A canary's identity is entered everywhere it can be; it must stand in clear nowhere at all."""

import logging
from typing import Any

import pytest
import structlog

from shared.clock import business_day, utc_now
from shared.metrics import REGISTRY
from shared.postgres import Pool
from tests.integration.registry.desk import Desk, owner
from tests.integration.registry.sheets import ImportsDesk, counted, csv_of, rows_of

NIK, PHONE, NPWP = "3576026512850777", "0812-9876-5432", "09.254.294.3-407.888"
CANARY = {"nik": NIK, "phone": PHONE, "npwp": NPWP, "name": "Kenari Zamrud Wicaksana", "address": "Gang Cendrawasih 77"}
TRACES = (NIK, "6512850777", "81298765432", "092542943407888", "9.254.294.3", "kenari", "zamrud", "cendrawasih")


def traces_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace.lower() in text.lower()]


async def all_text_of(pool: Pool, schema: str = "registry") -> dict[str, str]:
    """Every row of every table of the schema as text; bytes are decoded as far as they are letters."""
    tables = await pool.fetch(
        "select relname from pg_class where relnamespace = $1::text::regnamespace and relkind = 'r'", schema
    )
    found = {}
    for (table,) in tables:
        rows = await pool.fetch(f"select * from {table}")
        found[table] = "\n".join(_text(value) for row in rows for value in row.values())
    return found


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1") + value.hex()
    if isinstance(value, list):
        return " ".join(_text(each) for each in value)
    return str(value)


async def test_no_trace_of_an_identity_leaves_the_vault(
    desk: Desk,
    owner_pool: Pool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = []
    with structlog.testing.capture_logs() as logs:
        made = await desk.registered(owners=[CANARY])
        answers.append(await desk.register(owners=[CANARY, CANARY]))
        answers.append(await desk.register(owners=[{**CANARY, "nik": NIK + "1"}]))
        answers.append(await desk.register(owners=[{**CANARY, "address": {"jalan": CANARY["address"]}}]))
        answers.append(await desk.register(office="35.79", owners=[CANARY]))
        answers.append(await desk.correct(made["id"], 1, owners=[{"id": made["owner_ids"][0], "npwp": None}, owner()]))
        answers.append(await desk.correct(made["id"], 2, owners=[CANARY]))
        answers.append(await desk.at("35.79").register(owners=[CANARY]))
        answers.append(await desk.read("/v1/businesses"))
        for asked in ({"nik": NIK}, {"phone": PHONE}, {"owner_name": CANARY["name"]}, {"nik": NIK + "1"}):
            answers.append(await desk.search(**asked))
            answers.append(await desk.at("35.79").search(**asked))
        twice = {"trade_name": "Batik Kanari", "owners": [CANARY]}
        answers += [await desk.register(**twice), await desk.register(**twice)]
        [shown] = answers[-1].json()["candidates"]
        answers.append(await desk.register(**twice, same_as=shown["id"]))
        answers.append(await desk.close(made["id"], 3, business_day(utc_now()).isoformat()))
    statuses = [answer.status_code for answer in answers]
    assert statuses == [422, 422, 422, 403, 200, 200, 201, 200, *[200] * 6, 422, 422, 201, 409, 200, 200]

    for answer in answers:
        assert traces_in(answer.text + str(answer.headers) + str(answer.url)) == []
    await shown_in_clear(desk, made["id"])
    seen = (await desk.read(f"/v1/businesses/{made['id']}")).text.replace("Kenari Zamrud Wicaksana", "")
    assert traces_in(seen) == []
    tables = await all_text_of(owner_pool)
    assert {"outbox", "accepted_command", "business_owner", "person", "audit"} <= set(tables)
    assert all(tables[table] for table in ("outbox", "accepted_command", "business_owner", "person", "audit"))
    assert {table: traces_in(text) for table, text in tables.items() if traces_in(text)} == {}
    printed = capfd.readouterr()
    assert traces_in(str(logs) + caplog.text + printed.out + printed.err) == []
    metrics = "".join(str(sample) for metric in REGISTRY.collect() for sample in metric.samples)
    assert traces_in(metrics) == []


async def test_no_trace_of_an_imported_sheet_leaves_the_vault(
    imports: ImportsDesk,
    owner_pool: Pool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its file, rows and header are sealed; what is said of a row repeats no cell of a person. Only the result does."""
    caplog.set_level(logging.DEBUG)
    labels = ("Nama Usaha", "Nama Pemilik", "NIK", "No HP", "NPWP", "Alamat", "Kelurahan", "Catatan")

    def row(trade_name: str, **changes: str) -> list[str]:
        cells = {**CANARY, "note": f"hubungi {PHONE}", **changes}
        told = (cells["name"], cells["nik"], cells["phone"], cells["npwp"], cells["address"])
        return [trade_name, *told, "35.76.02.1001", cells["note"]]

    rows = [
        row("Batik Satu"),
        row("Batik Satu"),
        row("Batik Satuu"),
        row("Warung Dua", nik=NIK + "1"),
        row("Warung Tiga", phone=PHONE + "99999999"),
        row("=1", name="Kenari", nik="Kenari Zamrud", phone=NIK),
        ["Catatan: Kenari Zamrud, NIK " + NIK],
    ]
    with structlog.testing.capture_logs() as logs:
        answers = []
        for content in (csv_of(rows, labels), csv_of(rows), csv_of([*rows, row(NIK)], rows[0])):
            told = await imports.imported(content)
            answers.append(await imports.desk.read(f"/v1/imports/{told['id']}"))
        answers.append(await imports.desk.read("/v1/imports"))
        shown = await imports.desk.read(f"/v1/imports/{answers[0].json()['id']}/result")
    assert counted(answers[0].json())["created"] >= 1
    assert counted(answers[0].json())["rejected"] >= 2
    assert traces_in(str(rows_of(shown.content)))

    for answer in answers:
        assert traces_in(answer.text + str(answer.headers) + str(answer.url)) == []
    assert traces_in(str(shown.headers)) == []
    tables = await all_text_of(owner_pool)
    assert all(tables[table] for table in ("import_job", "import_piece", "import_row", "import_key", "import_seen"))
    assert {table: traces_in(text) for table, text in tables.items() if traces_in(text)} == {}
    printed = capfd.readouterr()
    assert traces_in(str(logs) + caplog.text + printed.out + printed.err) == []
    result = rows_of(shown.content)
    at = result[0].index("Alasan")
    assert traces_in(str([row[at:] for row in result])) == []


async def shown_in_clear(desk: Desk, business_id: str) -> None:
    """The one answer that holds it: nothing of it may stay behind in tables, logs or metrics."""
    person = (await desk.business(business_id))["owners"][0]["id"]
    asked = {"reason": "Menelepon pemilik usaha", "fields": ["nik", "npwp", "phone", "address"]}
    path = f"/v1/businesses/{business_id}/owners/{person}/disclosure"
    answer = await desk.client.post(path, json=asked, headers=desk.bearer())
    assert (answer.status_code, answer.json()["nik"]) == (200, NIK)


async def test_the_search_would_find_a_trace(owner_pool: Pool) -> None:
    """The search itself is tried on a row that does leak, in a column of bytes and in one of text."""
    await owner_pool.execute(
        "insert into audit (actor, office, action, subject, fields, correlation_id) "
        "values ('Kenari', '35.76', 'x', gen_random_uuid(), '{}', gen_random_uuid())"
    )
    await owner_pool.execute(
        "insert into person (id, nik_index, nik_sealed) values (gen_random_uuid(), sha256('x'), $1)", NIK.encode()
    )
    tables = await all_text_of(owner_pool)
    assert traces_in(tables["audit"]) == ["kenari"]
    assert NIK in traces_in(tables["person"])
