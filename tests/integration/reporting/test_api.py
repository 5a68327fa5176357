"""Reporting's answers to programs: figures, position and freshness of one instant, and cures for wrong questions."""

import csv
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.reporting.app import build_api
from services.reporting.exports import ReportAnswer
from services.reporting.projections import RULES
from services.reporting.settings import ReportingSettings
from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.consumer import watermarks
from shared.contracts.catalogue import AnyEvent
from shared.contracts.platform import TopicEnd, Watermark
from shared.postgres import Pool
from tests.support.reporting_events import business, deliver, office, read_to, received, session
from tests.support.tokens import bearer

A, B, C, S, T = (UUID(int=number) for number in range(1, 6))
ANALYST = bearer(Role.PROVINCE_ANALYST, offices=("35.76", "35.79"))
HEAD = bearer(Role.OFFICE_HEAD, offices=("35.76",))
HEAD_OF_TWO = bearer(Role.OFFICE_HEAD, offices=("35.76", "35.79"))
TODAY = business_day(utc_now())
TABLES = (
    "/v1/offices/activity",
    "/v1/offices/activity/series?office=35.76",
    "/v1/sessions/by-service",
    "/v1/consultants/load",
    "/v1/businesses/by-region",
    "/v1/businesses/over-time",
    "/v1/businesses/intensive?office=35.76",
    "/v1/activity/latest",
    "/v1/attention",
    "/v1/indicators/sessions/events",
)


async def _feed(worker: Pool) -> None:
    events = [
        office("35.76"),
        office("35.79", "PLUT Kota Batu"),
        business(A, registered_on=TODAY),
        business(B, registered_on=TODAY, home_office="35.79", kelurahan="35.79.01.1001", kinds=["cooperative"]),
        session(S, [A, B], day=TODAY),
        session(T, [B], office="35.79", day=TODAY - timedelta(days=400), contact_minutes=120),
    ]
    await deliver(worker, received(events))
    await read_to(worker, "registry.business.v1", 0, 4)


async def _ask(client: httpx.AsyncClient, path: str, headers: dict[str, str] = ANALYST) -> dict[str, Any]:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, (path, answer.text)
    told: dict[str, Any] = answer.json()
    return told


async def _rows(
    client: httpx.AsyncClient, path: str, key: str, headers: dict[str, str] = ANALYST
) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in (await _ask(client, path, headers))["rows"]}


async def test_the_overview_tells_of_every_office_and_period(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    answer = await _ask(client, "/v1/overview")
    province, offices = answer["province"], {one["code"]: one for one in answer["offices"]}
    assert (province["businesses"], province["active_businesses"]) == (2, 2)
    assert province["today"]["sessions"] == 1
    assert province["all"]["sessions"] == 2
    assert province["all"]["contact_minutes"] == 180
    assert offices["35.79"]["today"] == {**dict.fromkeys(offices["35.79"]["today"], 0), "registrations": 1}
    assert answer["position"] == "1.0.4"


async def test_a_province_counts_a_business_once_and_compares(client: httpx.AsyncClient, worker: Pool) -> None:
    """Two offices serve one business, in a quarter, the one before it and the same a year before."""
    await deliver(worker, received(_three_quarters()))
    rows = await _rows(client, "/v1/offices/activity?period=2025-Q2", "office")
    ours, theirs, province = rows["35.76"], rows["35.79"], rows["35"]
    assert (ours["sessions"], ours["sessions_before"], ours["sessions_year_before"]) == (2, 1, 1)
    assert (ours["served"], theirs["served"], province["served"]) == (2, 1, 2)
    assert (ours["newly_served"], ours["returning"], province["newly_served"], province["returning"]) == (1, 1, 1, 1)
    assert (province["contact_minutes"], province["confirmed_contact_minutes"]) == (210, 60)
    assert (ours["confirmed_share"], ours["unconfirmed"], theirs["unconfirmed"]) == (50.0, 1, 1)
    assert province["intensive"] is None
    yearly = await _rows(client, "/v1/offices/activity?period=2025", "office")
    assert (yearly["35.76"]["intensive"], yearly["35.79"]["intensive"], yearly["35"]["intensive"]) == (1, 1, 1)
    own = await _rows(client, "/v1/offices/activity?period=2025-Q2", "office", HEAD)
    assert own == {"35.76": ours}

    series = await _rows(client, "/v1/offices/activity/series?grain=quarter&from=2024&to=2025", "period")
    assert list(series) == [f"{year}-Q{quarter}" for year in (2024, 2025) for quarter in (1, 2, 3, 4)]
    assert [(series[one]["served"], series[one]["sessions"]) for one in ("2024-Q2", "2025-Q1", "2025-Q2")] == [
        (1, 1),
        (1, 1),
        (2, 3),
    ]

    listed = await _ask(client, "/v1/businesses/intensive?year=2025", HEAD)
    assert [(row["business"], row["contact_minutes"], row["offices"]) for row in listed["rows"]] == [
        (str(A), 330, "35.76: 240; 35.79: 90")
    ]
    assert listed["rows"][0]["trade_name"] == "Batik Maja"
    of_province = await _ask(client, "/v1/businesses/intensive?year=2025")
    assert (of_province["rows"][0]["trade_name"], of_province["rows"][0]["kinds"]) == (None, "ikm, umkm")
    assert (await _ask(client, "/v1/businesses/intensive?year=2024"))["rows"] == []


def _three_quarters() -> Iterator[AnyEvent]:
    yield from (office("35.76"), office("35.79", "PLUT Kota Batu"))
    yield from (business(A, registered_on=date(2024, 1, 5)), business(B, registered_on=date(2025, 4, 5)))
    held: list[tuple[int, list[UUID], str, date, dict[str, Any]]] = [
        (11, [A], "35.76", date(2024, 5, 5), {"contact_minutes": 30}),
        (12, [A], "35.76", date(2025, 3, 31), {"contact_minutes": 180}),
        (13, [A], "35.76", date(2025, 4, 1), {"contact_minutes": 60, "state": "confirmed"}),
        (14, [B], "35.76", date(2025, 6, 30), {"contact_minutes": 60}),
        (15, [A], "35.79", date(2025, 5, 5), {"contact_minutes": 90}),
        (16, [A], "35.79", date(2025, 7, 1), {"contact_minutes": 500, "state": "cancelled"}),
    ]
    for number, whom, where, day, more in held:
        yield session(UUID(int=number), whom, office=where, day=day, **more)


async def test_sessions_are_told_apart_by_what_was_given(client: httpx.AsyncClient, worker: Pool) -> None:
    day = date(2025, 5, 5)
    given = [("marketing", "training", "phone"), ("marketing", "training", "chat"), ("finance", "training", "phone")]
    events = [
        session(UUID(int=20 + number), [A], day=day, field=field, service=service, channel=channel)
        for number, (field, service, channel) in enumerate(given)
    ]
    later = [session(UUID(int=30), [A], day=date(2024, 5, 9), consultants=[str(C), str(A)])]
    await deliver(worker, received([office("35.76"), *events, *later]))
    fields = await _rows(client, "/v1/sessions/by-service?period=2025-05", "field_name")
    assert {name: row["sessions"] for name, row in fields.items()} == {"Pemasaran": 2, "Pembiayaan": 1}
    assert fields["Pemasaran"]["sessions_year_before"] == 1
    both = await _ask(client, "/v1/sessions/by-service?period=2025-05&by=channel&by=field&field=marketing")
    assert [(row["channel"], row["sessions"], row["sessions_year_before"]) for row in both["rows"]] == [
        ("chat", 1, 0),
        ("office_visit", 0, 1),
        ("phone", 1, 0),
    ]

    page = await _ask(client, "/v1/consultants/load?period=2024-Q2&limit=1")
    assert [(row["consultant"], row["consultant_sessions"]) for row in page["rows"]] == [(str(A), 1)]
    rest = await _ask(client, f"/v1/consultants/load?period=2024-Q2&limit=1&cursor={page['next_cursor']}")
    assert [row["consultant"] for row in rest["rows"]] == [str(C)]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("period", ["2025-05-05", "2025-05", "2025-Q2", "2025"])
async def test_sessions_told_apart_are_turned_page_by_page(
    client: httpx.AsyncClient, worker: Pool, period: str
) -> None:
    """From several slices, with keys that add up to nothing, met by one office, another or both, then or before.

    A set of older rules has no sums of the whole province, and answers the same out of the offices'.
    """
    fields, services, channels = ("finance", "marketing"), ("incubation", "training"), ("chat", "field_visit", "phone")
    await deliver(worker, received([office("35.76"), office("35.79", "PLUT Kota Batu")]))
    for number, (field, service, channel) in enumerate(product(fields, services, channels)):
        told: dict[str, Any] = {
            "office": ("35.76", "35.79")[number % 2],
            "field": field,
            "service": service,
            "channel": channel,
        }
        days = (date(2025, 5, 5), date(2025, 4, 7), date(2024, 5, 6))
        held = [session(UUID(int=100 * number + place), [A], day=day, **told) for place, day in enumerate(days, 1)]
        moved = session(UUID(int=100 * number + 1), [A], 2, day=days[0], **{**told, "field": "production"})
        also = session(UUID(int=100 * number + 9), [A], day=days[0], **{**told, "office": "35.79"})
        await deliver(worker, received(held[number % 3 :] + ([also] if number % 4 == 0 else [])))
        if number % 3 == 0:
            await deliver(worker, received([moved]))
    for by in ("by=field&by=service&by=channel", "by=channel&by=field", "by=service", "by=channel&service=training"):
        path = f"/v1/sessions/by-service?period={period}&{by}"
        whole = await _ask(client, f"{path}&limit=500")
        assert whole["next_cursor"] is None
        pages = [page async for page in _pages(client, f"{path}&limit=2")]
        assert [row for page in pages for row in page] == whole["rows"]
        assert {len(page) for page in pages[:-1]} <= {2}
        assert sum(row["sessions"] for row in whole["rows"]) > 0
        async with _older_rules(worker):
            assert (await _ask(client, f"{path}&limit=500"))["rows"] == whole["rows"]
            assert [row async for page in _pages(client, f"{path}&limit=2") for row in page] == whole["rows"]


@asynccontextmanager
async def _older_rules(worker: Pool) -> AsyncIterator[None]:
    await worker.execute("update read_model_set set rules = 2")
    yield
    await worker.execute("update read_model_set set rules = $1", RULES)


async def _pages(client: httpx.AsyncClient, path: str) -> AsyncIterator[list[dict[str, Any]]]:
    cursor: str | None = ""
    while cursor is not None:
        page = await _ask(client, f"{path}&cursor={cursor}" if cursor else path)
        yield page["rows"]
        cursor = page["next_cursor"]


async def test_businesses_are_counted_where_they_are(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    regions = await _rows(client, "/v1/businesses/by-region", "region")
    assert len(regions) == 38
    mojokerto, surabaya = regions["35.76"], regions["35.78"]
    assert (mojokerto["businesses"], mojokerto["active_umkm"], mojokerto["active_cooperative"]) == (1, 1, 0)
    assert (surabaya["name"], surabaya["active_businesses"], surabaya["businesses_per_100000"]) == (
        "Kota Surabaya",
        0,
        0,
    )
    assert mojokerto["businesses_per_100000"] == round(100_000 / mojokerto["population"], 1)
    districts = await _rows(client, "/v1/businesses/by-region?within=35.76", "region")
    assert {code: row["businesses"] for code, row in districts.items()} == {"35.76.01": 0, "35.76.02": 1, "35.76.03": 0}
    villages = await _rows(client, "/v1/businesses/by-region?within=35.76.02&kind=ikm", "region")
    assert [code for code, row in villages.items() if row["active_businesses"]] == ["35.76.02.1001"]
    own = await _rows(client, "/v1/businesses/by-region", "region", HEAD)
    assert (own["35.76"]["businesses"], own["35.79"]["businesses"]) == (1, 0)
    closed = await _rows(client, "/v1/businesses/by-region?status=closed", "region")
    assert closed["35.76"]["businesses"] == 0

    closure: dict[str, Any] = {"status": "closed", "closed_on": TODAY, "registered_on": date(2024, 2, 29)}
    await deliver(worker, received([business(C, **closure)]))
    flow = await _rows(client, "/v1/businesses/over-time?grain=month&from=2024-01", "period")
    assert [(flow[one]["registered"], flow[one]["stock"]) for one in ("2024-01", "2024-02", "2024-03")] == [
        (0, 0),
        (1, 1),
        (0, 1),
    ]
    running = list(flow.values())[-1]
    assert (running["registered"], running["closed"], running["stock"], running["running"]) == (2, 1, 2, "ya")


async def test_what_somebody_should_look_at(client: httpx.AsyncClient, worker: Pool) -> None:
    """Fourteen days are no alarm, fifteen are; half of ten sessions unanswered is one, the last three days are not."""
    silent = [
        session(UUID(int=40 + number), [A], office="35.79", day=TODAY - timedelta(days=days), state=state)
        for number, (days, state) in enumerate([(3, "completed")] * 5 + [(92, "confirmed")] * 5 + [(2, "completed")])
    ]
    idle = [session(S, [A], day=TODAY - timedelta(days=14))]
    await deliver(worker, received([office("35.76"), office("35.79", "PLUT Kota Batu"), *silent, *idle]))
    rows = await _rows(client, "/v1/attention", "office")
    assert {code: row["reasons"] for code, row in rows.items()} == {"35.79": "unconfirmed"}
    assert (rows["35.79"]["asked"], rows["35.79"]["unconfirmed"], rows["35.79"]["unconfirmed_percent"]) == (10, 5, 50.0)
    await deliver(worker, received([session(S, [A], 2, day=TODAY - timedelta(days=15))]))
    rows = await _rows(client, "/v1/attention", "office")
    assert (rows["35.76"]["reasons"], rows["35.76"]["idle_days"]) == ("idle", 15)
    assert rows["35.76"]["active_on"] == str(TODAY - timedelta(days=15))


async def test_pages_hold_everything_once(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    await deliver(worker, received([session(UUID(int=50), [A, B], day=TODAY, contact_minutes=300)]))
    for path, key in (
        ("/v1/activity/latest?", "event_id"),
        ("/v1/indicators/visits/events?period=all&", "event_id"),
        ("/v1/businesses/intensive?", "business"),
    ):
        whole = [row[key] for row in (await _ask(client, path))["rows"]]
        page = await _ask(client, f"{path}limit=1")
        found = [row[key] for row in page["rows"]]
        while page["next_cursor"] is not None:
            page = await _ask(client, f"{path}limit=1&cursor={page['next_cursor']}")
            found += [row[key] for row in page["rows"]]
        assert found == whole
        assert len(set(whole)) == len(whole) > 1
    first = await _ask(client, "/v1/activity/latest?limit=1")
    elsewhere = f"/v1/activity/latest?limit=1&office=35.76&cursor={first['next_cursor']}"
    assert (await client.get(elsewhere, headers=ANALYST)).status_code == 400
    own = await _ask(client, "/v1/activity/latest", HEAD)
    assert {row["office"] for row in own["rows"]} == {"35.76"}
    assert "Batik" not in (await client.get("/v1/indicators/registrations/events", headers=HEAD)).text


async def test_indicators_have_cards(client: httpx.AsyncClient) -> None:
    cards = {one["code"]: one for one in (await _ask(client, "/v1/indicators"))["items"]}
    assert cards["served"]["measure"] == "distinct"
    assert await _ask(client, "/v1/indicators/served") == cards["served"]
    ratio = await client.get("/v1/indicators/confirmed_share/events", headers=ANALYST)
    assert (ratio.status_code, ratio.json()["type"]) == (422, "urn:plut:problem:figure-is-a-ratio")


WRONG = [
    ("/v1/offices/activity?period=2026-Q5", 422),
    ("/v1/offices/activity?period=kemarin", 422),
    ("/v1/offices/activity?period=1999", 422),
    (f"/v1/offices/activity?period={TODAY.year + 1}", 422),
    ("/v1/offices/activity?office=35.99", 422),
    ("/v1/offices/activity?office=mojokerto", 422),
    ("/v1/offices/activity?office=35.78", 403),
    ("/v1/offices/activity?office=35.79", 404),
    ("/v1/offices/activity?kantor=35.76", 422),
    ("/v1/offices/activity?format=pdf", 422),
    ("/v1/offices/activity/series?from=2026-02&to=2026-01", 422),
    ("/v1/offices/activity/series?grain=day&from=2026-02-11&to=2026-02-10", 422),
    ("/v1/offices/activity/series?grain=day&from=2024&to=2026", 422),
    ("/v1/offices/activity/series?grain=all", 422),
    ("/v1/offices/activity/series?from=all", 422),
    ("/v1/sessions/by-service?by=place", 422),
    ("/v1/sessions/by-service?field=astrology", 422),
    ("/v1/consultants/load?period=2026-05-17", 422),
    ("/v1/consultants/load?limit=0", 422),
    ("/v1/sessions/by-service?limit=0", 422),
    ("/v1/sessions/by-service?cursor=forged", 400),
    ("/v1/consultants/load?limit=100000", 422),
    ("/v1/consultants/load?cursor=forged", 400),
    ("/v1/businesses/by-region?within=35.99", 422),
    ("/v1/businesses/by-region?within=35.76.02.1001", 422),
    ("/v1/businesses/by-region?home_office=35.78", 403),
    ("/v1/businesses/by-region?kind=school", 422),
    ("/v1/businesses/over-time?grain=day", 422),
    ("/v1/businesses/over-time?regency=35.76.01", 422),
    ("/v1/businesses/intensive?year=2026-05", 422),
    ("/v1/businesses/intensive?cursor=forged", 400),
    ("/v1/activity/latest?limit=501", 422),
    ("/v1/indicators/astrology", 404),
    ("/v1/indicators/astrology/events", 404),
    ("/v1/indicators/sessions/events?region=35.76", 422),
    ("/v1/indicators/sessions/events?kind=ikm", 422),
    ("/v1/indicators/sessions/events?office=35.78", 403),
    ("/v1/indicators/sessions/events?consultant=somebody", 422),
    ("/v1/indicators/businesses/events?home_office=35.78", 403),
    ("/v1/indicators/businesses/events?period=2026", 422),
    ("/v1/indicators/active_businesses/events?status=closed", 422),
    ("/v1/indicators/intensive/events?period=2026-05", 422),
    ("/v1/indicators/registered/events?region=35.76.01", 422),
]


async def test_a_wrong_question_is_told_how_to_be_mended(client: httpx.AsyncClient, worker: Pool) -> None:
    await deliver(worker, received([office("35.76")]))
    for path, status in WRONG:
        answer = await client.get(path, headers=ANALYST)
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["cure"], path
    for path in ("/v1/offices/activity/series", "/v1/businesses/intensive", "/v1/indicators/served/events"):
        answer = await client.get(path, headers=HEAD_OF_TWO)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "office"), path


async def test_an_answer_is_not_given_twice(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    before = {path: await client.get(path, headers=ANALYST) for path in ("/v1/overview", *TABLES)}
    for path, first in before.items():
        again = await client.get(path, headers={**ANALYST, "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        as_csv = await client.get(
            path, headers={**ANALYST, "If-None-Match": first.headers["etag"], "Accept": "text/csv"}
        )
        assert as_csv.status_code == (304 if path == "/v1/overview" else 200), path
    await deliver(worker, received([session(UUID(int=99), [A], day=TODAY)]))
    await read_to(worker, "registry.business.v1", 0, 5)
    for path, first in before.items():
        moved = await client.get(path, headers={**ANALYST, "If-None-Match": first.headers["etag"]})
        assert moved.status_code == 200, path
        assert moved.headers["etag"] != first.headers["etag"]


async def test_a_known_answer_may_be_named_in_any_way(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    tag = (await client.get("/v1/offices/activity", headers=ANALYST)).headers["etag"]
    strong = tag.removeprefix("W/")
    for known in (tag, strong, "*", f'W/"older", {strong}', f'"older",{tag}'):
        answer = await client.get("/v1/offices/activity", headers={**ANALYST, "If-None-Match": known})
        assert answer.status_code == 304, known
    twice = [*ANALYST.items(), ("If-None-Match", '"older"'), ("If-None-Match", strong)]
    assert (await client.get("/v1/offices/activity", headers=twice)).status_code == 304
    for other in ("", '"older"', strong.strip('"'), f"{strong[:-2]}x"):
        answer = await client.get("/v1/offices/activity", headers={**ANALYST, "If-None-Match": other})
        assert answer.status_code == 200, other


async def test_what_was_made_otherwise_is_not_known(
    app: FastAPI, client: httpx.AsyncClient, settings: ReportingSettings, worker: Pool
) -> None:
    """An operator has changed a threshold, at the same position."""
    await _feed(worker)
    before = (await client.get("/v1/attention", headers=ANALYST)).headers["etag"]
    other = build_api(settings.model_copy(update={"idle_days": 3}), app.state.pool, app.state.verifier)
    assert other.state.maker != app.state.maker
    app.state.maker = other.state.maker
    answer = await client.get("/v1/attention", headers={**ANALYST, "If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["etag"] != before


async def test_the_events_behind_a_figure_name_its_period(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    for code, period in (
        ("sessions", f"{TODAY:%Y-%m}"),
        ("stock", f"{TODAY:%Y-%m}"),
        ("intensive", str(TODAY.year)),
        ("businesses", None),
    ):
        told = await _ask(client, f"/v1/indicators/{code}/events")
        assert [one["period"] for one in told["periods"]] == ([period] if period else []), code


async def test_every_table_is_a_file_too(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    for path in TABLES:
        between = "&" if "?" in path else "?"
        told = await _ask(client, path)
        written = await client.get(f"{path}{between}format=csv&pemisah=titik-koma", headers=ANALYST)
        lines = list(csv.reader(io.StringIO(written.content.decode("utf-8-sig")), delimiter=";"))
        assert lines[0] == [column["label"] for column in told["columns"]], path
        assert len([line for line in lines[1:] if line and not line[0].startswith("#")]) == len(told["rows"]), path
        workbook = await client.get(f"{path}{between}format=xlsx", headers=ANALYST)
        assert (workbook.status_code, workbook.content[:2]) == (200, b"PK"), path


async def test_only_who_may_read_reports_gets_any(client: httpx.AsyncClient) -> None:
    paths = ("/v1/overview", *TABLES, "/v1/indicators", "/v1/indicators/sessions")
    for role in sorted(set(Role) - {Role.OFFICE_HEAD, Role.PROVINCE_ANALYST, Role.AUDITOR}):
        for path in paths:
            assert (await client.get(path, headers=bearer(role))).status_code == 403, (role, path)


async def test_as_of_is_the_newest_instant_that_was_reached(client: httpx.AsyncClient, worker: Pool) -> None:
    await _feed(worker)
    assert (await _ask(client, "/v1/businesses/by-region"))["as_of"] is None
    reached, ahead = utc_now() - timedelta(seconds=5), utc_now() - timedelta(seconds=2)
    for at, end in ((reached, 4), (ahead, 9)):
        ends = [TopicEnd(topic="registry.business.v1", partition=0, next_offset=end)]
        told = Watermark(service="registry", history=1, epoch=1, fence=1, at=at, ends=ends, held_back=0)
        async with worker.acquire() as connection:
            await watermarks.file(connection, [told])
    answer = await client.get("/v1/businesses/by-region", headers=ANALYST)
    assert answer.json()["as_of"].replace("Z", "+00:00") == reached.isoformat()
    assert answer.json()["behind_ms"] >= 5000
    assert answer.headers["data-as-of"] == reached.isoformat()


def test_examples_in_the_document_are_such_answers(app: FastAPI) -> None:
    told = app.openapi()["paths"]
    examples = {
        path: operations["get"]["responses"]["200"]["content"]["application/json"].get("example")
        for path, operations in told.items()
        if path.startswith("/v1/") and "text/csv" in operations["get"]["responses"]["200"]["content"]
    }
    assert {path.split("?")[0].replace("/sessions/events", "/{code}/events") for path in TABLES} <= examples.keys()
    for path, example in examples.items():
        answer = ReportAnswer.model_validate(example)
        assert {column.key for column in answer.columns} >= answer.rows[0].keys(), path
