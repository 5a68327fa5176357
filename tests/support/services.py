"""The apis of all three services in the test's own process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from services.mentoring import app as mentoring
from services.registry import app as registry
from services.registry.api.throttle import Throttle
from services.registry.settings import RegistrySettings
from services.reporting import app as reporting
from services.reporting.settings import ReportingSettings
from shared.auth.principal import Role
from shared.privacy.keys import create_keys
from tests.infrastructure.databases import Database
from tests.support.api import client_of
from tests.support.sessions import ask_client
from tests.support.tokens import bearer, verifier, with_edge

SERVICES = ("registry", "mentoring", "reporting")
OFFICE = "35.76"
_BUSINESSES = "Nama Usaha,Nama Pemilik,NIK,Kelurahan\nBatik Unggah,Siti Aminah,3576024107900007,35.76.02.1001\n"
_PAST_SESSIONS = "Tanggal,Menit,Konsultan,Nama Usaha,Bidang\n4/3/2025,60,Konsultan Uji,Batik Uji,produksi\n"


@dataclass(frozen=True)
class Services:
    """The applications, a client of each, and the ids of one row of each kind in OFFICE.

    They are known by the parameter of the path, after the service where each has its own.
    """

    apps: Mapping[str, FastAPI]
    clients: Mapping[str, httpx.AsyncClient]
    known: Mapping[str, str]


@asynccontextmanager
async def running_apis(
    database: Database, directory: Path
) -> AsyncIterator[tuple[Mapping[str, FastAPI], Mapping[str, httpx.AsyncClient]]]:
    """Yields the three apis over one database and a client of each; keys are made below `directory`."""
    create_keys(directory / "keys")
    apps = {
        "registry": await _registry(database, directory / "keys"),
        "mentoring": await _mentoring(database),
        "reporting": await _reporting(database),
    }
    async with AsyncExitStack() as stack:
        yield apps, {name: await stack.enter_async_context(client_of(app)) for name, app in apps.items()}


@asynccontextmanager
async def running_services(database: Database, directory: Path) -> AsyncIterator[Services]:
    """Yields the three apis with one row of each kind."""
    async with running_apis(database, directory) as (apps, clients):
        known = await _seed(clients)
        worker, app = await database.pool("registry", "worker"), apps["registry"]
        attestation, token = await ask_client(worker, app.state.vault, known["business_id"])
        app.state.throttle = Throttle(most=1_000_000)  # all that tests ask comes from one address
        yield Services(apps, clients, {**known, "attestation_id": attestation, "token": token})


async def _registry(database: Database, keys: Path) -> FastAPI:
    settings = with_edge(database.settings("registry", "app", RegistrySettings, keys_dir=keys))
    return registry.build_api(settings, await database.pool("registry"), verifier(settings))


async def _mentoring(database: Database) -> FastAPI:
    settings = with_edge(database.settings("mentoring", "app"))
    return mentoring.build_api(settings, await database.pool("mentoring"), verifier(settings))


async def _reporting(database: Database) -> FastAPI:
    told = database.settings("reporting", "app", ReportingSettings, web_client_secret="for-tests-only-" + 32 * "0")
    settings = with_edge(told)
    return reporting.build_api(settings, await database.pool("reporting"), verifier(settings))


async def _seed(clients: Mapping[str, httpx.AsyncClient]) -> dict[str, str]:
    office = {"code": OFFICE, "name": "PLUT Kota Mojokerto", "opened_on": "2023-12-01"}
    business = {
        "office": OFFICE,
        "trade_name": "Batik Uji",
        "kinds": ["ikm"],
        "kelurahan": "35.76.01.1007",
        "owners": [{"name": "Pemilik Uji", "nik": "3576994503900007", "phone": "081234567890"}],
    }
    consultant = {
        "office": OFFICE,
        "staff": "stf-uji",
        "name": "Konsultan Uji",
        "fields": ["production"],
        "active_from": "2024-01-01",
    }
    await _made(clients["registry"], "/v1/offices", office, Role.ADMINISTRATOR)
    known = {
        "code": OFFICE,
        "reporting code": "sessions",
        "registry import_id": await _uploaded(clients["registry"], Role.FRONT_DESK, _BUSINESSES),
        "mentoring import_id": await _uploaded(clients["mentoring"], Role.OFFICE_HEAD, _PAST_SESSIONS),
        "business_id": await _made(clients["registry"], "/v1/businesses", business, Role.FRONT_DESK),
        "consultant_id": await _made(clients["mentoring"], "/v1/consultants", consultant, Role.OFFICE_HEAD),
    }
    session = {
        "office": OFFICE,
        "day": "2025-03-04",
        "contact_minutes": 60,
        "consultants": [known["consultant_id"]],
        "businesses": [known["business_id"]],
        "field": "production",
        "service": "business_mentoring",
        "channel": "office_visit",
    }
    known["session_id"] = await _made(clients["mentoring"], "/v1/sessions", session, Role.OFFICE_HEAD)
    return {**known, **await _seed_move(clients["registry"], known["business_id"])}


async def _seed_move(registry: httpx.AsyncClient, business: str) -> dict[str, str]:
    """A proposal to another office, and the id of the business's owner."""
    neighbour = {"code": "35.79", "name": "PLUT Kota Batu", "opened_on": "2023-12-01"}
    await _made(registry, "/v1/offices", neighbour, Role.ADMINISTRATOR)
    proposal = {"to_office": "35.79", "reason": "Pindah domisili usaha"}
    move = await _made(registry, f"/v1/businesses/{business}/moves", proposal, Role.OFFICE_HEAD)
    seen = await registry.get(f"/v1/businesses/{business}", headers=bearer(Role.OFFICE_HEAD, offices=(OFFICE,)))
    return {"move_id": move, "person_id": str(seen.json()["owners"][0]["id"])}


async def _uploaded(client: httpx.AsyncClient, role: Role, content: str) -> str:
    headers = {**bearer(role, offices=(OFFICE,)), "Idempotency-Key": str(uuid4())}
    answer = await client.post(f"/v1/imports?office={OFFICE}", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any], role: Role) -> str:
    headers = {**bearer(role, offices=(OFFICE,)), "Idempotency-Key": str(uuid4())}
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json().get("id", ""))
