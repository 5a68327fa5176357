"""Every endpoint, as every role, with another office's token, against the rows of Kota Mojokerto (35.76).

Nothing of that office may be seen or changed, whatever the answer is called. The list of operations comes from OpenAPI,
so that an endpoint cannot be forgotten: one that is not tried here fails the last test.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from shared.auth.principal import Role
from shared.clock import business_day, utc_now
from shared.postgres import Pool
from tests.infrastructure.databases import Database
from tests.support import reporting_events as events
from tests.support.services import running_apis
from tests.support.sessions import ask_client
from tests.support.tokens import bearer

OURS, THEIRS, ELSEWHERE = "35.76", "35.79", "35.04"
NAME = "Batik Canary Surodinawan"
PUBLIC = (
    "/live",
    "/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/asyncapi",
    "/status",
    "/masuk",
    "/keluar",
    "/static",
    "/v1/public/attestations/{token}",  # whoever holds the token; tried in registry/test_attestations.py
    "/",
)


@dataclass(frozen=True)
class World:
    """Three running services and one business, consultant, session, attestation and move of office 35.76."""

    clients: Mapping[str, httpx.AsyncClient]
    apps: Mapping[str, FastAPI]
    business: str
    consultant: str
    session: str
    attestation: str
    move: str
    person: str
    sheet: str
    past_sheet: str


@pytest_asyncio.fixture
async def world(database: Database, tmp_path: Any) -> AsyncIterator[World]:
    async with running_apis(database, tmp_path) as (apps, clients):
        business, consultant, session = await _seed(clients)
        await _tell_reporting(await database.pool("reporting", "worker"), business, consultant, session)
        worker = await database.pool("registry", "worker")
        attestation, _token = await ask_client(worker, apps["registry"].state.vault, business)
        move, person = await _seed_move(clients["registry"], business)
        sheet = await _upload(clients["registry"])
        past_sheet = await _upload_past_sessions(clients["mentoring"])
        yield World(clients, apps, business, consultant, session, attestation, move, person, sheet, past_sheet)


async def _seed(clients: Mapping[str, httpx.AsyncClient]) -> tuple[str, str, str]:
    for code in (OURS, THEIRS, ELSEWHERE):
        await _made(
            clients["registry"],
            "/v1/offices",
            {"code": code, "name": f"PLUT {code}", "opened_on": "2023-12-01"},
            Role.ADMINISTRATOR,
        )
    business = await _made(clients["registry"], "/v1/businesses", _business(OURS), Role.FRONT_DESK)
    consultant = await _made(clients["mentoring"], "/v1/consultants", _consultant(OURS), Role.OFFICE_HEAD)
    session = await _made(clients["mentoring"], "/v1/sessions", _session(OURS, consultant, business), Role.OFFICE_HEAD)
    return business, consultant, session


async def _tell_reporting(worker: Pool, business: str, consultant: str, session: str) -> None:
    held: dict[str, Any] = {"day": date(2025, 3, 4), "contact_minutes": 400, "consultants": [consultant]}
    told = [
        events.office(OURS),
        events.business(UUID(business), trade_name=NAME, home_office=OURS, kelurahan="35.76.01.1007"),
        events.session(UUID(session), [UUID(business)], office=OURS, **held),
    ]
    await events.deliver(worker, events.received(told))


async def _seed_move(registry: httpx.AsyncClient, business: str) -> tuple[str, str]:
    """A proposal that is none of the attacker's business, and the owner's id."""
    body = {"to_office": ELSEWHERE, "reason": "Pindah domisili usaha"}
    move = await _made(registry, f"/v1/businesses/{business}/moves", body, Role.OFFICE_HEAD)
    seen = await registry.get(f"/v1/businesses/{business}", headers=bearer(Role.OFFICE_HEAD))
    return move, str(seen.json()["owners"][0]["id"])


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any], role: Role) -> str:
    answer = await client.post(
        path, json=body, headers={**bearer(role, offices=(OURS,)), "Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json().get("id", ""))


async def _upload(registry: httpx.AsyncClient) -> str:
    """A sheet that one of the office's own people imports."""
    headers = {**bearer(Role.FRONT_DESK, offices=(OURS,)), "Idempotency-Key": str(uuid4())}
    content = f"Nama Usaha,Nama Pemilik,NIK,Kelurahan\n{NAME} Dua,Siti Canary,3576994503900008,35.76.01.1007\n"
    answer = await registry.post(f"/v1/imports?office={OURS}", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _upload_past_sessions(mentoring: httpx.AsyncClient) -> str:
    """A sheet that the office's head imports."""
    headers = {**bearer(Role.OFFICE_HEAD, offices=(OURS,)), "Idempotency-Key": str(uuid4())}
    content = f"Tanggal,Menit,Konsultan,Nama Usaha,Bidang\n4/3/2025,60,Konsultan Canary,{NAME},produksi\n"
    answer = await mentoring.post(f"/v1/imports?office={OURS}", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _business(office: str) -> dict[str, Any]:
    owner = {"name": "Siti Canary", "nik": "3576994503900007", "phone": "081234567890"}
    return {"office": office, "trade_name": NAME, "kinds": ["ikm"], "kelurahan": "35.76.01.1007", "owners": [owner]}


def _consultant(office: str) -> dict[str, Any]:
    return {
        "office": office,
        "staff": "stf-canary",
        "name": "Konsultan Canary",
        "fields": ["production"],
        "active_from": "2024-01-01",
    }


def _session(office: str, consultant: str, business: str) -> dict[str, Any]:
    return {
        "office": office,
        "day": "2025-03-04",
        "contact_minutes": 60,
        "consultants": [consultant],
        "businesses": [business],
        "field": "production",
        "service": "business_mentoring",
        "channel": "office_visit",
    }


def _attacks(world: World) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """Every operation, aimed at the rows of 35.76."""
    one = f"/v1/businesses/{world.business}"
    return [
        ("registry", "POST", "/v1/offices", {"code": "35.01", "name": "Palsu", "opened_on": "2024-01-01"}),
        ("registry", "PATCH", f"/v1/offices/{OURS}", {"name": "Palsu"}),
        ("registry", "GET", "/v1/offices", None),
        ("registry", "POST", "/v1/businesses", _business(OURS)),
        ("registry", "PATCH", one, {"trade_name": "Palsu"}),
        ("registry", "POST", one + "/closure", {"closed_on": "2025-01-01", "reason": "stopped"}),
        ("registry", "POST", one + "/reopening", {"reason": "resumed"}),
        ("registry", "POST", one + "/moves", {"to_office": "35.01", "reason": "Pindah domisili"}),
        ("registry", "POST", f"/v1/moves/{world.move}/acceptance", None),
        ("registry", "POST", f"/v1/moves/{world.move}/refusal", None),
        ("registry", "GET", f"/v1/moves?office={OURS}", None),
        ("registry", "GET", "/v1/moves", None),
        (
            "registry",
            "POST",
            f"{one}/owners/{world.person}/disclosure",
            {"reason": "Ingin tahu saja", "fields": ["nik"]},
        ),
        ("registry", "GET", f"/v1/audit?office={OURS}", None),
        ("registry", "GET", f"/v1/audit?subject={world.business}", None),
        ("registry", "GET", one, None),
        ("registry", "GET", f"/v1/businesses?office={OURS}", None),
        ("registry", "GET", "/v1/businesses", None),
        ("registry", "POST", "/v1/businesses/search", {"owner_name": "Siti Canary"}),
        ("registry", "GET", f"/v1/attestations?office={OURS}", None),
        ("registry", "GET", "/v1/attestations", None),
        (
            "registry",
            "POST",
            f"/v1/attestations/{world.attestation}/paper",
            {"outcome": "attested", "note": "Map Palsu"},
        ),
        *_attacks_by_sheet("registry", world.sheet),
        ("mentoring", "POST", "/v1/consultants", _consultant(OURS)),
        ("mentoring", "GET", f"/v1/consultants?office={OURS}", None),
        ("mentoring", "GET", "/v1/consultants", None),
        ("mentoring", "POST", "/v1/sessions", _session(OURS, world.consultant, world.business)),
        ("mentoring", "POST", "/v1/sessions", _session(THEIRS, world.consultant, world.business)),
        ("mentoring", "GET", f"/v1/sessions/{world.session}", None),
        ("mentoring", "GET", f"/v1/sessions?office={OURS}", None),
        ("mentoring", "GET", "/v1/sessions", None),
        *_attacks_on_mentoring(world),
        *_attacks_on_reporting(),
        ("reporting", "GET", "/v1/overview", None),
    ]


def _attacks_by_sheet(service: str, sheet: str) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    one = f"/v1/imports/{sheet}"
    return [
        (service, "POST", f"/v1/imports?office={OURS}", {}),
        (service, "GET", f"/v1/imports?office={OURS}", None),
        (service, "GET", "/v1/imports", None),
        (service, "GET", "/v1/imports/template", None),
        (service, "GET", one, None),
        (service, "GET", one + "/result", None),
        (service, "POST", one + "/cancellation", None),
        (service, "GET", f"/v1/import-mappings/{OURS}", None),
        (service, "PUT", f"/v1/import-mappings/{OURS}", {"fields": {"Palsu": "nik"}}),
    ]


def _attacks_on_mentoring(world: World) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    session, consultant = f"/v1/sessions/{world.session}", f"/v1/consultants/{world.consultant}"
    plans = [
        {**_session(office, world.consultant, world.business), "day": business_day(utc_now()).isoformat()}
        for office in (OURS, THEIRS)
    ]
    return [
        ("mentoring", "GET", consultant, None),
        ("mentoring", "PATCH", consultant, {"name": "Palsu"}),
        ("mentoring", "GET", consultant + "/caseload", None),
        ("mentoring", "GET", consultant + "/calendar?from=2025-03-01&to=2025-03-31", None),
        ("mentoring", "POST", "/v1/session-plans", plans[0]),
        ("mentoring", "POST", "/v1/session-plans", plans[1]),
        ("mentoring", "GET", f"/v1/unconfirmed-sessions?office={OURS}", None),
        ("mentoring", "GET", "/v1/unconfirmed-sessions", None),
        ("mentoring", "GET", f"/v1/sessions?consultant={world.consultant}", None),
        ("mentoring", "PATCH", session, {"contact_minutes": 5, "reason": "Palsu"}),
        ("mentoring", "POST", session + "/completion", {}),
        ("mentoring", "POST", session + "/cancellation", {"reason": "Palsu"}),
        ("mentoring", "POST", session + "/no-show", {}),
        ("mentoring", "GET", session + "/history", None),
        ("mentoring", "POST", session + "/acceptance", None),
        *_attacks_by_sheet("mentoring", world.past_sheet),
        ("mentoring", "POST", f"/v1/imports/{world.past_sheet}/acceptance", None),
        ("mentoring", "GET", f"/v1/imports/{world.past_sheet}/accesses", None),
    ]


def _attacks_on_reporting() -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """Its tables hold what the rows of 35.76 were told as."""
    of_one = [
        "/v1/offices/activity?period=2025",
        "/v1/offices/activity/series?grain=year&from=2025",
        "/v1/sessions/by-service?period=2025",
        "/v1/consultants/load?period=2025",
        "/v1/businesses/intensive?year=2025",
        "/v1/activity/latest?limit=100",
        "/v1/indicators/sessions/events?period=2025",
    ]
    of_home = [
        "/v1/businesses/by-region?within=35.76",
        "/v1/businesses/over-time?grain=year",
        "/v1/indicators/businesses/events?region=35.76",
    ]
    paths = [*of_one, *of_home, *(f"{path}&office={OURS}" for path in of_one)]
    paths += [f"{path}&home_office={OURS}" for path in of_home]
    paths += ["/v1/attention", "/v1/indicators", "/v1/indicators/sessions"]
    paths += ["/v1/public/businesses", "/v1/public/activity?period=2025"]
    return [("reporting", "GET", path, None) for path in paths]


def _rows(world: World) -> list[str]:
    first = [world.business, world.consultant, world.session, world.attestation, world.move, world.person]
    return [*first, world.sheet, world.past_sheet]


def _secrets(world: World, sent: str) -> list[str]:
    """What an answer may not hold: all that belongs to 35.76, but for what the caller has named himself."""
    rows = _rows(world)
    return [secret for secret in (*rows, NAME, "Siti Canary", "Konsultan Canary", "stf-canary") if secret not in sent]


# The administrator alone may do these, whatever offices the token names: reference data belongs to no office.
_ADMINISTRATION = {("POST", "/v1/offices"), ("PATCH", f"/v1/offices/{OURS}"), ("GET", "/v1/offices")}


# Asks and writes nothing: what is asked for is personal, so it stands in the body.
_QUESTIONS = {("POST", "/v1/businesses/search")}


async def _try(
    world: World, attack: tuple[str, str, str, dict[str, Any] | None], headers: dict[str, str]
) -> httpx.Response:
    service, method, path, body = attack
    extra = {} if method == "GET" else {"Idempotency-Key": str(uuid4()), "If-Match": '"1"'}
    return await world.clients[service].request(method, path, json=body, headers={**headers, **extra})


@pytest.mark.parametrize("role", list(Role))
async def test_another_offices_token_sees_and_changes_nothing(world: World, role: Role) -> None:
    for attack in _attacks(world):
        _, method, path, _ = attack
        answer = await _try(world, attack, bearer(role, offices=(THEIRS,)))
        assert answer.status_code < 500, (attack, answer.text)
        if (method, path) in _ADMINISTRATION:
            assert (answer.status_code < 400) == (
                role == Role.ADMINISTRATOR or (method == "GET" and role != Role.PUBLIC)
            )
            continue
        asked = method == "GET" or (method, path) in _QUESTIONS
        assert asked or answer.status_code in (403, 404, 422), (role, attack, answer.text)
        for secret in _secrets(world, sent=json.dumps(attack)):
            assert secret not in answer.text, (role, attack)


async def test_without_a_token_nothing_is_answered(world: World) -> None:
    for attack in _attacks(world):
        answer = await _try(world, attack, {})
        assert answer.status_code == 401, (attack, answer.text)
        assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMINISTRATOR}))
async def test_nothing_was_changed(world: World, role: Role) -> None:
    for attack in _attacks(world):
        await _try(world, attack, bearer(role, offices=(THEIRS,)))
    seen = await world.clients["registry"].get(f"/v1/businesses/{world.business}", headers=bearer(Role.OFFICE_HEAD))
    assert (seen.json()["trade_name"], seen.json()["revision"], seen.json()["status"]) == (NAME, 1, "active")
    sessions = await world.clients["mentoring"].get("/v1/sessions", headers=bearer(Role.OFFICE_HEAD))
    assert [one["id"] for one in sessions.json()["items"]] == [world.session]


async def test_no_endpoint_is_left_out(world: World) -> None:
    rows = _rows(world)
    tried = {(service, method, path.split("?")[0]) for service, method, path, _ in _attacks(world)}
    tried = {
        (s, m, reduce(lambda path, row: path.replace(row, "{}"), rows, p).replace(f"/{OURS}", "/{}"))
        for s, m, p in ((s, m, p.replace("/indicators/sessions", "/indicators/{}")) for s, m, p in tried)
    }
    for service, app in world.apps.items():
        for path, operations in app.openapi()["paths"].items():
            if path not in PUBLIC and not path.startswith(("/static", "/masuk")):
                shape = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
                for method in operations:
                    assert (service, method.upper(), shape) in tried, f"{service} {method} {path} is not tried"
