"""The tables for everybody, over real read models: the same for all who ask, and nothing small in them."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from openpyxl import load_workbook

from shared.auth.principal import Role
from shared.contracts.catalogue import AnyEvent
from shared.postgres import Pool
from tests.support.reporting_events import business, deliver, office, received, session
from tests.support.tokens import bearer

ANYONE = bearer(Role.PUBLIC, offices=())
SMALL = {"at_least": 1, "at_most": 4}


def _businesses() -> Iterator[AnyEvent]:
    """In Kota Mojokerto seven UMKM, two of them cooperatives too, one closed later; in Kota Batu six IKM."""
    for number in range(1, 8):
        kinds = ["umkm", "cooperative"] if number <= 2 else ["umkm"]
        yield business(UUID(int=number), kinds=kinds, registered_on=date(2025, 1, number))
    closed = {"status": "closed", "closed_on": date(2025, 6, 30), "registered_on": date(2025, 1, 7)}
    yield business(UUID(int=7), 2, kinds=["umkm"], **closed)
    for number in range(11, 17):
        place: dict[str, Any] = {"home_office": "35.79", "kelurahan": "35.79.01.1001"}
        yield business(UUID(int=number), kinds=["ikm"], registered_on=date(2025, 5, number), **place)


def _sessions() -> Iterator[AnyEvent]:
    """Kota Mojokerto: 6, 0 and 5 sessions from April to June with five businesses; Kota Batu: 3, 7 and 0 with one."""
    days = [*((4, day) for day in range(1, 7)), *((6, day) for day in range(1, 6))]
    for number, (month, day) in enumerate(days, start=100):
        yield session(UUID(int=number), [UUID(int=1 + number % 5)], day=date(2025, month, day))
    others = [*((4, day) for day in range(1, 4)), *((5, day) for day in range(1, 8))]
    for number, (month, day) in enumerate(others, start=200):
        yield session(UUID(int=number), [UUID(int=11)], office="35.79", day=date(2025, month, day))


async def _feed(worker: Pool) -> None:
    offices = [office("35.76"), office("35.79", "=PLUT Kota Batu")]
    await deliver(worker, received([*offices, *_businesses(), *_sessions()]))


async def _table(client: httpx.AsyncClient, path: str, headers: dict[str, str] = ANYONE) -> dict[str, dict[str, Any]]:
    answer = await client.get(f"/v1/public/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["classification"] == "PUBLIK"
    code = told["columns"][0]["key"]
    return {row[code]: row for row in told["rows"]}


async def test_businesses_are_told_to_everybody_without_small_numbers(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    table = await _table(client, "businesses?month=2025-06")
    assert len(table) == 39
    ours, batu, province = table["35.76"], table["35.79"], table["35"]
    assert (ours["umkm"], ours["cooperative"], ours["businesses"]) == (6, SMALL, {"at_least": 6, "at_most": 10})
    assert (batu["name"], batu["ikm"], batu["businesses"], batu["cooperative"]) == ("Kota Batu", 6, 6, 0)
    assert (province["umkm"], province["ikm"], province["cooperative"]) == (6, 6, SMALL)
    assert province["businesses"] == {"at_least": 12, "at_most": 16}
    before = await _table(client, "businesses?month=2025-05")
    assert (before["35.76"]["umkm"], before["35.79"]["ikm"]) == (7, 6)
    assert (await _table(client, "businesses?month=2025-04"))["35.79"]["ikm"] == 0
    assert (await _table(client, "businesses"))["35.76"]["umkm"] == 6, "the last month that is over"


async def test_activity_is_told_to_everybody_without_small_numbers(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    april = await _table(client, "activity?period=2025-04")
    assert (april["35.76"]["sessions"], april["35.76"]["served"], april["35.76"]["contact_minutes"]) == (6, 5, 360)
    assert (april["35.79"]["sessions"], april["35.79"]["served"], april["35.79"]["contact_minutes"]) == (
        SMALL,
        None,
        None,
    )
    assert april["35"] == {
        "office": "35",
        "name": "Provinsi Jawa Timur",
        "sessions": {"at_least": 7, "at_most": 10},
        "served": None,
        "contact_minutes": None,
    }
    may = await _table(client, "activity?period=2025-05")
    assert (may["35.79"]["sessions"], may["35.79"]["served"], may["35.79"]["contact_minutes"]) == (7, SMALL, None)
    assert (may["35.76"]["sessions"], may["35"]["sessions"], may["35"]["served"]) == (0, 7, SMALL)
    quarter = await _table(client, "activity?period=2025-Q2")
    assert (quarter["35.76"]["sessions"], quarter["35.76"]["served"]) == (11, 5)
    assert (quarter["35.79"]["sessions"], quarter["35.79"]["served"]) == ({"at_least": 8, "at_most": 11}, None)
    year = await _table(client, "activity?period=2025")
    assert year["35"]["sessions"] == {"at_least": 19, "at_most": 22}


async def test_everybody_gets_the_same_in_every_form(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    for path in ("businesses?month=2025-06", "activity?period=2025-Q2"):
        tables = [await _table(client, path, bearer(role, offices=("35.76",))) for role in Role]
        assert all(table == tables[0] for table in tables)
    told = await client.get("/v1/public/activity?period=2025-Q2&format=csv&pemisah=titik-koma", headers=ANYONE)
    assert told.headers["content-disposition"].startswith('attachment; filename="plut-umum-kegiatan-2025-q2-')
    lines = list(csv.reader(io.StringIO(told.text.removeprefix("\ufeff")), delimiter=";"))
    assert lines[1:4] == [
        ["35.76", "PLUT Maja Citra Kinarya", "11", "5", "660"],
        ["35.79", "'=PLUT Kota Batu", "8 s.d. 11", "", ""],
        ["35", "Provinsi Jawa Timur", "19 s.d. 22", "", ""],
    ]
    assert ["# Klasifikasi", "PUBLIK"] in lines
    told = await client.get("/v1/public/businesses?month=2025-06&format=xlsx", headers=ANYONE)
    sheet = load_workbook(io.BytesIO(told.content))["Data"]
    rows = {row[0]: row[2:] for row in sheet.iter_rows(values_only=True)}
    assert rows["35.76"] == (6, 0, "<5", 0, "6 s.d. 10")
    again = await client.get(
        "/v1/public/businesses?month=2025-06&format=xlsx", headers={**ANYONE, "If-None-Match": told.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("businesses?month=2025", "month"),
        ("businesses?month=2025-06-01", "month"),
        ("businesses?month=2999-01", "month"),
        ("businesses?month=1999-12", "month"),
        ("activity?period=2025-06-01", "period"),
        ("activity?period=all", "period"),
        ("activity?period=Q2", "period"),
        ("activity?period=2025-Q2&office=35.76", "office"),
    ],
)
async def test_a_wrong_question_is_told_how_to_be_mended(client: httpx.AsyncClient, asked: str, field: str) -> None:
    answer = await client.get(f"/v1/public/{asked}", headers=ANYONE)
    assert answer.status_code == 422, answer.text
    assert [(error["field"], bool(error["cure"])) for error in answer.json()["errors"]] == [(field, True)]


async def test_a_month_that_is_not_over_is_not_published(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    told = await client.get("/v1/public/businesses", headers=ANYONE)
    running = f"{date.fromisoformat(told.json()['periods'][0]['last']).replace(day=28):%Y-%m}"
    assert not told.json()["periods"][0]["running"]
    year, month = map(int, running.split("-"))
    this = f"{year + month // 12}-{month % 12 + 1:02}"
    for asked in (f"businesses?month={this}", f"activity?period={this}"):
        answer = await client.get(f"/v1/public/{asked}", headers=ANYONE)
        assert (answer.status_code, running in answer.json()["cure"]) == (422, True)


async def test_the_public_may_read_nothing_else(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    for path in ("/v1/overview", "/v1/offices/activity", "/v1/businesses/by-region", "/v1/indicators/sessions/events"):
        assert (await client.get(path, headers=ANYONE)).status_code == 403
